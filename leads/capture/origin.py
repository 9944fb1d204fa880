"""Where somebody came from: UTM tags, click ids, referrer, and the channel these add up to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from leadcrm.lib.normalise import clean_text, host
from leads.models import Source
from leads.models.attribution import Channel

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
SEARCH_CLICKS = frozenset({"gclid", "gbraid", "wbraid", "msclkid", "yclid"})
SOCIAL_CLICKS = frozenset({"li_fat_id", "ttclid", "twclid", "rdt_cid", "epik"})
TAGS = frozenset([*CLICK_IDS, *(alias for aliases in UTM_ALIASES.values() for alias in aliases)])

SEARCH_ENGINES = (
    "google",
    "bing",
    "duckduckgo",
    "yahoo",
    "ecosia",
    "yandex",
    "baidu",
    "qwant",
    "startpage",
    "kagi",
    "search.brave",
)
SOCIAL_NETWORKS = (
    "facebook",
    "instagram",
    "linkedin",
    "lnkd.in",
    "twitter",
    "t.co",
    "x.com",
    "youtube",
    "tiktok",
    "reddit",
    "pinterest",
    "xing",
    "mastodon",
    "threads",
    "bsky",
    "snapchat",
)
WEBMAIL = ("mail.", "outlook.", "webmail.")
MEDIA: dict[str, Channel] = {
    medium: channel
    for channel, media in {
        Channel.PAID_SEARCH: "cpc ppc paidsearch paid_search paid-search sem adwords",
        Channel.PAID_SOCIAL: "paidsocial paid_social paid-social social_paid",
        Channel.DISPLAY: "display banner cpm programmatic retargeting",
        Channel.EMAIL: "email e-mail newsletter mail drip",
        Channel.AFFILIATE: "affiliate affiliates",
        Channel.REFERRAL: "referral",
        Channel.ORGANIC_SOCIAL: "social social-media social_media sm organic_social",
        Channel.ORGANIC_SEARCH: "organic seo",
        Channel.EVENT: "event events tradeshow trade-show expo webinar",
        Channel.PARTNER: "partner partners",
        Channel.OFFLINE: "offline print qr flyer",
        Channel.PHONE: "phone call",
    }.items()
    for medium in media.split()
}


@dataclass(frozen=True, slots=True)
class Origin:
    """The columns of a `Touch`."""

    channel: Channel
    utm: dict[str, str] = field(default_factory=dict)
    click_ids: dict[str, str] = field(default_factory=dict)
    referrer: str = ""
    landing_page: str = ""


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
    channel = channel_of(utm, clicks, referrer=referrer, page=page, source=source)
    return Origin(channel, utm, clicks, _bare(referrer), _bare(landing))


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


def channel_of(
    utm: Mapping[str, str],
    clicks: Mapping[str, str],
    *,
    referrer: str,
    page: str,
    source: Source | None,
) -> Channel:
    """The usual grouping of web analytics; paid marks first, then tags, then the referrer."""
    social = _is_any(utm.get("utm_source", ""), SOCIAL_NETWORKS)
    if SEARCH_CLICKS & set(clicks):
        return Channel.PAID_SEARCH
    if SOCIAL_CLICKS & set(clicks):
        return Channel.PAID_SOCIAL
    if "dclid" in clicks:
        return Channel.DISPLAY
    if medium := MEDIA.get(utm.get("utm_medium", "").lower()):
        return Channel.PAID_SOCIAL if social and medium == Channel.PAID_SEARCH else medium
    if social or "fbclid" in clicks:
        return Channel.ORGANIC_SOCIAL
    if "newsletter" in utm.get("utm_source", "").lower():
        return Channel.EMAIL
    return _channel_of_referrer(referrer, page) or _channel_of_source(source, page)


def _channel_of_referrer(referrer: str, page: str) -> Channel | None:
    site = host(referrer)
    if not site or site == host(page):
        return None
    if site.startswith(WEBMAIL):
        return Channel.EMAIL
    if _is_any(site, SEARCH_ENGINES):
        return Channel.ORGANIC_SEARCH
    if _is_any(site, SOCIAL_NETWORKS):
        return Channel.ORGANIC_SOCIAL
    return Channel.REFERRAL


def _channel_of_source(source: Source | None, page: str) -> Channel:
    if source is not None and source.channel != Channel.OTHER:
        return Channel(source.channel)
    if page or (source is not None and source.kind == Source.Kind.FORM):
        return Channel.DIRECT
    return Channel.API if source is not None and source.kind == Source.Kind.API else Channel.OTHER


def _is_any(name: str, known: tuple[str, ...]) -> bool:
    """`l.facebook.com`, `facebook` and `google.co.uk` are meant; `notgoogle.com` is not."""
    lowered = f".{name.lower()}."
    return any(f".{each}." in lowered for each in known)
