"""Where somebody came from: UTM tags, click ids, referrer and first page, in any spelling."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from leadcrm.lib.normalise import clean_text
from leads.attribution.rules import Seen, decide
from leads.attribution.store import current_rules
from leads.models import Source

# Matomo's and Piwik's tags beside Google's.
UTM_ALIASES = {
    "utm_source": ("utm_source", "mtm_source", "pk_source"),
    "utm_medium": ("utm_medium", "mtm_medium", "pk_medium"),
    "utm_campaign": ("utm_campaign", "mtm_campaign", "pk_campaign", "mtm_cpn", "pk_cpn"),
    "utm_term": ("utm_term", "mtm_kwd", "mtm_keyword", "pk_kwd", "pk_keyword"),
    "utm_content": ("utm_content", "mtm_content", "pk_content"),
}
CLICK_IDS = [
    "gclid",
    "gbraid",
    "wbraid",
    "dclid",
    "fbclid",
    "msclkid",
    "li_fat_id",
    "ttclid",
    "twclid",
    "yclid",
    "rdt_cid",
    "epik",
]
TAGS = frozenset([*CLICK_IDS, *(alias for aliases in UTM_ALIASES.values() for alias in aliases)])


@dataclass(frozen=True, slots=True)
class Origin:
    """What is known of a touch's origin; which channel that adds up to, its rules say."""

    utm: dict[str, str] = field(default_factory=dict)
    click_ids: dict[str, str] = field(default_factory=dict)
    referrer: str = ""
    landing_page: str = ""
    source: Source | None = None

    @property
    def seen(self) -> Seen:
        source = self.source
        return Seen(
            self.utm,
            self.click_ids,
            self.referrer,
            self.landing_page,
            source.key if source else "",
            source.kind if source else "",
            source.channel if source else "",
        )

    @property
    def channel(self) -> str:
        return decide(current_rules(), self.seen).channel


def origin_of(
    context: Mapping[str, Any], values: Mapping[str, Any], source: Source | None
) -> Origin:
    """What is said outright wins over hidden fields, these over the page's own address."""
    page = _text(context, "page_url", "pageUri", "page", "url", limit=2000)
    landing = _text(context, "landing_page", "landing_url", limit=2000) or page
    tags = {**_query(page), **_query(landing), **_plain(values), **_plain(context)}
    utm = {
        name: next((tags[alias] for alias in aliases if tags.get(alias)), "")
        for name, aliases in UTM_ALIASES.items()
    }
    clicks = {name: tags[name] for name in CLICK_IDS if tags.get(name)}
    referrer = _text(context, "referrer", "referer", limit=500)
    return Origin(utm, clicks, _bare(referrer), _bare(landing), source)


def _text(values: Mapping[str, Any], *names: str, limit: int) -> str:
    found = next((values[name] for name in names if isinstance(values.get(name), str)), "")
    return clean_text(found, limit=limit)


def _query(url: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(urlsplit(url).query, max_num_fields=100)
    except ValueError:
        return {}
    return {name: clean_text(value, limit=200) for name, value in pairs if name in TAGS}


def _plain(values: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: clean_text(str(value), limit=200)
        for name, value in values.items()
        if name in TAGS and isinstance(value, (str, int)) and value
    }


def _bare(url: str) -> str:
    """Without the query: addresses of people stand in there."""
    return url.partition("#")[0].partition("?")[0][:500]
