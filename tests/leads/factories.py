"""What leads carry, for tests."""

from typing import Any

import factory
from factory.django import DjangoModelFactory

from leads.models import FieldDefinition


class FieldFactory(DjangoModelFactory[FieldDefinition]):
    """A custom field; `PLANS` are good options for one of a list."""

    class Meta:
        model = FieldDefinition
        django_get_or_create = ("key",)

    key = "plan"
    label: Any = factory.LazyAttribute(lambda field: field.key.replace("_", " ").capitalize())
    type = "text"


PLANS = [
    {"key": "starter", "label": "Starter"},
    {"key": "pro", "label": "Pro"},
    {"key": "classic", "label": "Classic", "archived": True},
]
