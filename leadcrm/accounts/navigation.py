"""The navigation, declared once: what each role may open, in the order of the sidebar."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from django.conf import settings
from django.urls import Resolver404, resolve

from leadcrm.accounts.models import Role, User

EVERYONE = (Role.REP, Role.MARKETER, Role.MANAGER)
OFFICE = (Role.MARKETER, Role.MANAGER)
MARKETING = (Role.MARKETER,)
MANAGERS = (Role.MANAGER,)


@dataclass(frozen=True, slots=True)
class Item:
    """`go`: the letter after G. `roles` may open it, administrators always. `count` wants eyes."""

    key: str
    label: str
    icon: str
    href: str
    roles: tuple[str, ...] = EVERYONE
    go: str = ""
    count: int = 0
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    label: str
    items: tuple[Item, ...]


GROUPS = (
    Group(
        "",
        (
            Item("day", "My day", "inbox", "/", go="d"),
            Item("leads", "Leads", "users-round", "/leads/", go="l"),
            Item("duplicates", "Duplicates", "merge", "/duplicates/"),
            Item("pipeline", "Pipeline", "square-kanban", "/pipeline/", go="p"),
        ),
    ),
    Group(
        "Nurture",
        (
            Item("campaigns", "Campaigns", "workflow", "/nurturing/", OFFICE, go="c"),
            Item("templates", "Templates", "mail", "/nurturing/templates/", OFFICE, go="t"),
            Item("forms", "Forms", "text-cursor-input", "/forms/", OFFICE),
            Item("intake", "Sources", "plug", "/sources/", OFFICE),
            Item("segments", "Segments", "shapes", "/segments/", OFFICE),
        ),
    ),
    Group(
        "Qualify",
        (
            Item("scoring", "Scoring", "gauge", "/scoring/", OFFICE, go="s"),
            Item("surveys", "Surveys", "list-checks", "/surveys/", OFFICE),
            Item("routing", "Routing", "split", "/routing/", (Role.MANAGER,)),
        ),
    ),
    Group(
        "Insights",
        (
            Item("insights", "Overview", "layout-dashboard", "/dashboard/"),
            Item("funnel", "Funnel", "chart-bar-decreasing", "/dashboard/funnel/", go="f"),
            Item("response", "Response time", "timer", "/dashboard/response-time/"),
            Item("reps", "Reps", "trophy", "/dashboard/reps/"),
            Item("sources", "Source ROI", "coins", "/dashboard/sources/", OFFICE),
            Item("marketing", "Campaigns & spend", "megaphone", "/marketing/", OFFICE),
        ),
    ),
)
FOOT = (
    Item("inbox", "Captures", "inbox", "/inbox/", OFFICE, go="i"),
    Item("import", "Import", "upload", "/import/", OFFICE),
    Item("settings", "Settings", "settings", "/settings/"),
)
TABS = (
    *(item for item in GROUPS[0].items if item.go),
    Item("insights", "Insights", "chart-bar-decreasing", "/dashboard/"),
)

SETTINGS = (
    Group(
        "You",
        (
            Item("profile", "Profile", "user-round", "/settings/profile/"),
            Item("security", "Sign-in and security", "shield-check", "/accounts/2fa/"),
            Item("sessions", "Where you’re signed in", "monitor", "/accounts/sessions/"),
            Item("hours", "Working hours", "clock-3", "/settings/hours/"),
            Item("notifications", "Notifications", "bell", "/settings/notifications/"),
            Item("letters", "E-mail templates", "mail", "/settings/email-templates/"),
        ),
    ),
    Group(
        "Workspace",
        (
            Item("workspace", "General", "building-2", "/settings/workspace/", ()),
            Item("people", "People and teams", "users-round", "/settings/people/", ()),
            Item("calendar", "Office hours", "calendar-days", "/settings/calendar/", MANAGERS),
            Item("tracking", "Tracking", "mouse-pointer-click", "/settings/tracking/", MARKETING),
            Item("spam", "Spam", "shield-alert", "/settings/spam/", OFFICE),
            Item("mails", "Automatic mail", "mail", "/settings/automatic-mail/", MARKETING),
            Item("custom-fields", "Custom fields", "list-plus", "/settings/fields/", ()),
            Item("pipelines", "Pipelines", "square-kanban", "/settings/pipelines/", MANAGERS),
            Item("products", "Products", "package", "/settings/products/", (Role.MANAGER,)),
            Item("channels", "Channels", "signpost", "/settings/channels/", OFFICE),
            Item(
                "qualification",
                "Qualification",
                "badge-check",
                "/settings/qualification/",
                MARKETING,
            ),
        ),
    ),
    Group(
        "Developers",
        (
            Item("api-keys", "API keys", "key-round", "/settings/api-keys/", ()),
            Item("webhooks", "Webhooks", "webhook", "/settings/webhooks/", ()),
            Item("configuration", "Configuration", "file-cog", "/settings/configuration/", ()),
            Item("events", "Events", "activity", "/settings/events/", ()),
            Item("mail", "Mail catcher", "mails", "/settings/mail/", ()),
        ),
    ),
)


Count = Callable[[User], int]
BADGES: dict[str, tuple[Count, str]] = {}


def badge(key: str, *, meaning: str) -> Callable[[Count], Count]:
    """Register what an app counts beside an entry, in its own `panels.py`; `meaning` is read out.

    It runs on every page: one cheap query, capped.
    """

    def register(count: Count) -> Count:
        BADGES[key] = (count, meaning)
        return count

    return register


def with_badges(user: User, groups: list[Group]) -> list[Group]:
    return [replace(group, items=tuple(badged(user, i) for i in group.items)) for group in groups]


def badged(user: User, item: Item) -> Item:
    if item.key not in BADGES:
        return item
    count, meaning = BADGES[item.key]
    return replace(item, count=count(user), meaning=meaning)


@lru_cache(maxsize=256)
def exists(href: str) -> bool:
    """A page that this installation does not have is not offered."""
    if href == "/settings/mail/" and not settings.EMAIL_CATCHER:
        return False
    try:
        resolve(href)
    except Resolver404:
        return False
    return True


def open_to(user: User, items: tuple[Item, ...]) -> tuple[Item, ...]:
    return tuple(item for item in items if user.has_role(*item.roles) and exists(item.href))


def groups_for(user: User, groups: tuple[Group, ...] = GROUPS) -> list[Group]:
    """What this person may open; a group with nothing in it disappears."""
    allowed = (Group(group.label, open_to(user, group.items)) for group in groups)
    return [group for group in allowed if group.items]


def section_of(path: str) -> str:
    """The entry of the sidebar that a path belongs to; a person's own pages are Settings too."""
    entries = (*(item for group in GROUPS for item in group.items), *FOOT)
    return closest(path, entries) or ("settings" if subsection_of(path) else "")


def subsection_of(path: str) -> str:
    found = closest(path, tuple(item for group in SETTINGS for item in group.items))
    # Password and e-mail address are pages of the sign-in library without an entry of their own.
    return found or ("profile" if path.startswith("/accounts/") else "")


def closest(path: str, items: tuple[Item, ...]) -> str:
    """The longest address that the path starts with."""
    matching = [i for i in items if path == i.href or (i.href != "/" and path.startswith(i.href))]
    return max(matching, key=lambda item: len(item.href)).key if matching else ""
