"""Saved views of the list of leads: those everybody has, and those people made."""

from dataclasses import dataclass

from django.db.models import Q

from leadcrm.accounts.models import SavedView, User

PAGE = "leads"


@dataclass(frozen=True, slots=True)
class View:
    """A name for a query string. `row_id` is set for one that somebody saved."""

    key: str
    name: str
    query: str
    icon: str = ""
    row_id: int | None = None
    mine: bool = False
    shared: bool = False


DEFAULTS = (
    View("all", "All leads", ""),
    View(
        "inbound",
        "Inbound, 30 days",
        "created_within=30&source_kind=form,api,webhook",
    ),
    View("hot", "My hot leads", "owner=me&temperature=hot&sort=-score", "flame"),
    View("unanswered", "Unanswered", "unanswered=1&sort=reply", "clock-alert"),
    View("no-next-step", "No next step", "open=1&has_next_step=0"),
)


def views_of(user: User) -> list[View]:
    """The tabs of the list: everybody's, then this person's, then those shared by others."""
    saved = SavedView.objects.filter(Q(user=user) | Q(shared=True), page=PAGE)
    rows = sorted(saved, key=lambda row: (row.user_id != user.pk, row.position, row.pk))
    return [*DEFAULTS, *(_of_row(row, user) for row in rows)]


def saved_views_of(user: User, *, page: str) -> list[View]:
    """Those of another page: this person's, then those shared by others."""
    saved = SavedView.objects.filter(Q(user=user) | Q(shared=True), page=page)
    rows = sorted(saved, key=lambda row: (row.user_id != user.pk, row.position, row.pk))
    return [_of_row(row, user) for row in rows]


def _of_row(row: SavedView, user: User) -> View:
    return View(
        key=f"v{row.pk}",
        name=row.name,
        query=row.query,
        icon="users" if row.shared and row.user_id != user.pk else "",
        row_id=row.pk,
        mine=row.user_id == user.pk,
        shared=row.shared,
    )
