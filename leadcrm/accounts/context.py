"""What the shell around every page needs. Each part is worked out only where a template asks."""

from collections.abc import Callable
from functools import cache
from typing import Any

from django.http import HttpRequest

from leadcrm.accounts import navigation
from leadcrm.accounts.models import Notification, User, Workspace


def shell(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    parts: dict[str, Callable[[], Any]] = {"workspace": workspace_name}
    if isinstance(user, User):
        parts |= parts_for(user, request.path)
    return {name: cache(part) for name, part in parts.items()}


def workspace_name() -> str:
    found = Workspace.present()
    return found.name if found else "LeadCRM"


def parts_for(user: User, path: str) -> dict[str, Callable[[], Any]]:
    return {
        "nav": lambda: navigation.with_badges(user, navigation.groups_for(user)),
        "nav_end": lambda: navigation.open_to(user, navigation.FOOT),
        "tabs": lambda: navigation.open_to(user, navigation.TABS),
        "settings_nav": lambda: navigation.groups_for(user, navigation.SETTINGS),
        "section": lambda: navigation.section_of(path),
        "subsection": lambda: navigation.subsection_of(path),
        "unread": lambda: unread_count(user),
        "theme": lambda: user.theme,
        "keys_off": lambda: not user.keyboard_shortcuts,
    }


def unread_count(user: User) -> int:
    """Up to 100: nobody reads the exact number past that."""
    unread = Notification.objects.filter(user=user, read_at=None, in_app=True)
    return len(unread.values_list("pk", flat=True)[:100])
