"""The rules every installation begins with: the usual grouping of web analytics.

Paid marks first, then tags, then the referrer, then what the source says of itself.
"""

from leads.attribution.rules import OF_SOURCE, Condition, Rule, RuleSet
from leads.models.attribution import Channel

SEARCH_CLICKS = ("gclid", "gbraid", "wbraid", "msclkid", "yclid")
SOCIAL_CLICKS = ("li_fat_id", "ttclid", "twclid", "rdt_cid", "epik")
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
PAID_SEARCH_MEDIA = ("cpc", "ppc", "paidsearch", "paid_search", "paid-search", "sem", "adwords")
MEDIA = {
    Channel.PAID_SEARCH: PAID_SEARCH_MEDIA,
    Channel.PAID_SOCIAL: ("paidsocial", "paid_social", "paid-social", "social_paid"),
    Channel.DISPLAY: ("display", "banner", "cpm", "programmatic", "retargeting"),
    Channel.EMAIL: ("email", "e-mail", "newsletter", "mail", "drip"),
    Channel.AFFILIATE: ("affiliate", "affiliates"),
    Channel.REFERRAL: ("referral",),
    Channel.ORGANIC_SOCIAL: ("social", "social-media", "social_media", "sm", "organic_social"),
    Channel.ORGANIC_SEARCH: ("organic", "seo"),
    Channel.EVENT: ("event", "events", "tradeshow", "trade-show", "expo", "webinar"),
    Channel.PARTNER: ("partner", "partners"),
    Channel.OFFLINE: ("offline", "print", "qr", "flyer"),
    Channel.PHONE: ("phone", "call"),
}


def _rule(key: str, name: str, channel: str, *conditions: Condition) -> Rule:
    return Rule(key, name, str(channel), conditions)


RULES = (
    _rule(
        "search-clicks",
        "Click id of a search engine’s ads",
        Channel.PAID_SEARCH,
        Condition("click_id", "is", SEARCH_CLICKS),
    ),
    _rule(
        "social-clicks",
        "Click id of a social network’s ads",
        Channel.PAID_SOCIAL,
        Condition("click_id", "is", SOCIAL_CLICKS),
    ),
    _rule(
        "display-clicks",
        "Click id of display ads",
        Channel.DISPLAY,
        Condition("click_id", "is", ("dclid",)),
    ),
    _rule(
        "paid-on-social",
        "Paid clicks on a social network",
        Channel.PAID_SOCIAL,
        Condition("utm_medium", "is", PAID_SEARCH_MEDIA),
        Condition("utm_source", "names", SOCIAL_NETWORKS),
    ),
    *(
        _rule(
            f"medium-{channel.value.replace('_', '-')}",
            f"Tagged as {channel.label.lower()}",
            channel,
            Condition("utm_medium", "is", media),
        )
        for channel, media in MEDIA.items()
    ),
    _rule(
        "social-source",
        "Tagged with a social network",
        Channel.ORGANIC_SOCIAL,
        Condition("utm_source", "names", SOCIAL_NETWORKS),
    ),
    _rule(
        "facebook-clicks",
        "Click id that Facebook adds to every link",
        Channel.ORGANIC_SOCIAL,
        Condition("click_id", "is", ("fbclid",)),
    ),
    _rule(
        "newsletter",
        "Tagged with a newsletter",
        Channel.EMAIL,
        Condition("utm_source", "contains", ("newsletter",)),
    ),
    _rule("webmail", "From webmail", Channel.EMAIL, Condition("referrer", "starts_with", WEBMAIL)),
    _rule(
        "search-engines",
        "From a search engine",
        Channel.ORGANIC_SEARCH,
        Condition("referrer", "names", SEARCH_ENGINES),
    ),
    _rule(
        "social-networks",
        "From a social network",
        Channel.ORGANIC_SOCIAL,
        Condition("referrer", "names", SOCIAL_NETWORKS),
    ),
    _rule("sites", "From another site", Channel.REFERRAL, Condition("referrer", "is_set")),
    _rule("of-source", "What the source says of itself", OF_SOURCE),
    _rule("own-pages", "Straight to a page", Channel.DIRECT, Condition("landing_page", "is_set")),
    _rule(
        "own-forms",
        "Straight to a form",
        Channel.DIRECT,
        Condition("source_kind", "is", ("form",)),
    ),
    _rule("programs", "Sent by a program", Channel.API, Condition("source_kind", "is", ("api",))),
)
DEFAULTS = RuleSet(0, RULES)
