"""The channels there are: the usual ones, how they are called here, and the company's own."""

from collections.abc import Sequence
from dataclasses import dataclass

from leadcrm.lib import memo
from leads.models import MarketingChannel
from leads.models.attribution import Channel

MEMO = "marketing-channels"
UNKNOWN = "unknown"
UNKNOWN_LABEL = "Direct / unknown"
ICONS = {
    Channel.ORGANIC_SEARCH: "search",
    Channel.PAID_SEARCH: "badge-euro",
    Channel.ORGANIC_SOCIAL: "users-round",
    Channel.PAID_SOCIAL: "megaphone",
    Channel.EMAIL: "mail",
    Channel.REFERRAL: "heart-handshake",
    Channel.DIRECT: "globe",
    Channel.DISPLAY: "image",
    Channel.AFFILIATE: "link",
    Channel.PARTNER: "handshake",
    Channel.EVENT: "presentation",
    Channel.PHONE: "phone",
    Channel.OFFLINE: "store",
    Channel.IMPORT: "upload",
    Channel.API: "code",
    Channel.OTHER: "shapes",
}
# What a company may choose from for channels of its own.
OWN_ICONS = (
    "shapes",
    "star",
    "rocket",
    "newspaper",
    "podcast",
    "video",
    "message-circle",
    "gift",
    "map-pin",
    "building-2",
    "graduation-cap",
    "ticket",
)


@dataclass(frozen=True, slots=True)
class Known:
    """A channel as people see it here. `is_own`: not one of the usual."""

    key: str
    name: str
    icon: str
    position: int
    is_archived: bool = False
    is_own: bool = False


def all_channels() -> list[Known]:
    """Every channel in its order, archived ones too; read once for each request."""
    return memo.once(MEMO, _read)


def _read() -> list[Known]:
    rows = {row.key: row for row in MarketingChannel.objects.all()}
    usual = [
        _known(rows.pop(channel.value, None), channel, 10 * n)
        for n, channel in enumerate(Channel, 1)
    ]
    own = [
        Known(row.key, row.name, row.icon, row.position, row.is_archived, is_own=True)
        for row in rows.values()
    ]
    return sorted([*usual, *own], key=lambda known: (known.position, known.name))


def _known(row: MarketingChannel | None, channel: Channel, position: int) -> Known:
    if row is None:
        return Known(channel.value, str(channel.label), ICONS[channel], position)
    return Known(channel.value, row.name, ICONS[channel], row.position, row.is_archived)


def offered() -> list[Known]:
    """The channels to choose from."""
    return [known for known in all_channels() if not known.is_archived]


def choices() -> Sequence[tuple[str, str]]:
    return [(known.key, known.name) for known in all_channels()]


def offered_choices() -> Sequence[tuple[str, str]]:
    return [(known.key, known.name) for known in offered()]


def known_keys() -> set[str]:
    return {known.key for known in all_channels()}


def label_of(key: str) -> str:
    if key == UNKNOWN:
        return UNKNOWN_LABEL
    return next((known.name for known in all_channels() if known.key == key), key)


def icon_of(key: str) -> str:
    if key == UNKNOWN:
        return "circle-question-mark"
    return next((known.icon for known in all_channels() if known.key == key), "shapes")


def forget() -> None:
    """After a channel was written."""
    memo.forget(MEMO)
