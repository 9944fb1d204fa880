"""Remembering which columns somebody wants in a list."""

from collections.abc import Sequence

from django.db import transaction

from leadcrm.accounts.models import User
from leadcrm.lib.errors import Invalid
from leads.models import ListColumns
from leads.queries.columns import DEFAULT, EXPORT, MOST_COLUMNS, PAGE, available


@transaction.atomic
def choose_columns(user: User, keys: Sequence[str]) -> list[str]:
    """Keep the columns that exist, in this order; the usual ones need not be kept.

    :raises Invalid: too many, or none.
    """
    known = available()
    chosen = [key for key in dict.fromkeys(keys) if key in known]
    if not chosen:
        raise Invalid.field("columns", "Choose at least one column.", "required")
    if len(chosen) > MOST_COLUMNS:
        raise Invalid.field("columns", f"Choose at most {MOST_COLUMNS} columns.", "too_many")
    mine = ListColumns.objects.filter(user=user, page=PAGE)
    if chosen == list(DEFAULT):
        mine.delete()
    else:
        ListColumns.objects.update_or_create(user=user, page=PAGE, defaults={"columns": chosen})
    return chosen


@transaction.atomic
def choose_export_columns(user: User, keys: Sequence[str], *, known: Sequence[str]) -> list[str]:
    """Remember which columns this person's exports have; none are remembered for all of them.

    :raises Invalid: none is chosen.
    """
    wanted = set(keys)
    chosen = [key for key in known if key in wanted]
    if not chosen:
        raise Invalid.field("columns", "Choose at least one column.", "required")
    mine = ListColumns.objects.filter(user=user, page=EXPORT)
    if len(chosen) == len(known):
        mine.delete()  # so that a field added tomorrow is exported too
        return []
    ListColumns.objects.update_or_create(user=user, page=EXPORT, defaults={"columns": chosen})
    return chosen
