"""Keeping, sharing and dropping views of the list of leads."""

from leadcrm.accounts.models import SavedView, User
from leadcrm.lib.errors import Invalid, NotFound
from leadcrm.lib.normalise import clean_text

NAME_LIMIT = 60
QUERY_LIMIT = 4000
MOST_VIEWS = 50


def save_view(
    user: User, *, name: str, query: str, page: str = "leads", shared: bool = False
) -> SavedView:
    """Keep a query string under a name; a name already used gets the new query.

    :raises Invalid: no name, a query too long to keep, or too many views.
    """
    name = clean_text(name, limit=NAME_LIMIT)
    if not name:
        raise Invalid.field("name", "Give the view a name.", "required")
    if len(query) > QUERY_LIMIT:
        raise Invalid.field("query", "This view has too many filters to keep. Drop some.")
    if SavedView.objects.filter(user=user, page=page).count() >= MOST_VIEWS:
        raise Invalid(f"You have {MOST_VIEWS} saved views. Delete one before you save another.")
    view, _ = SavedView.objects.update_or_create(
        user=user, page=page, name=name, defaults={"query": query, "shared": shared}
    )
    return view


def share_view(user: User, view_id: int, *, shared: bool) -> SavedView:
    """:raises NotFound: it is somebody else's."""
    view = _own(user, view_id)
    view.shared = shared
    view.save(update_fields=["shared"])
    return view


def delete_view(user: User, view_id: int) -> SavedView:
    """:raises NotFound: it is somebody else's."""
    view = _own(user, view_id)
    SavedView.objects.filter(pk=view.pk).delete()
    return view


def _own(user: User, view_id: int) -> SavedView:
    view = SavedView.objects.filter(user=user, pk=view_id).first()
    if view is None:
        raise NotFound
    return view
