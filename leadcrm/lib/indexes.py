"""Indexes that cost nothing for the rows they are not about."""

from django.db import models
from django.db.models import Q


def where_set(field: str, *, name: str) -> models.Index:
    """An index of the rows where `field` is filled, for what is mostly empty.

    Give a foreign key `db_index=False` with it: its own index would hold an entry for every null.
    """
    return models.Index(fields=[field], condition=Q(**{f"{field}__isnull": False}), name=name)
