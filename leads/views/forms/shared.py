"""What the pages about forms share."""

from typing import Any

from django.shortcuts import get_object_or_404

from leadcrm.accounts.models import Role
from leads.models import Form
from leads.queries import forms as queries

OFFICE = (Role.MARKETER, Role.MANAGER)


def find(slug: str) -> Form:
    return get_object_or_404(queries.any_form(), slug=slug)


def status_of(entry: Any) -> int:
    return 422 if entry.errors else 200
