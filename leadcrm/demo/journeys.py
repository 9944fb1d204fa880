"""How people had come to Marlow before they asked: found by one way, back by others."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from leadcrm.demo.story import Story
from leads.models import Lead, MarketingCampaign, Touch

LONGEST_DAYS = 75
EARLIER = {0: 30, 1: 27, 2: 19, 3: 12, 4: 8, 5: 4}


@dataclass(frozen=True, slots=True)
class Way:
    """One kind of visit; `finds` and `returns` weigh how often it is the first or a later one."""

    channel: str
    finds: int
    returns: int
    source: str = ""
    medium: str = ""
    campaign: str = ""
    referrer: str = ""
    page: str = "/"


WAYS = (
    Way("organic_search", 34, 14, referrer="https://www.google.com/", page="/guides/rest-rules"),
    Way(
        "paid_social",
        30,
        8,
        "linkedin",
        "paid_social",
        "overtime-guide",
        "https://www.linkedin.com/",
        "/guides/overtime",
    ),
    Way("event", 14, 6, "webinar", "webinar", "rest-rules-webinar", page="/webinars/rest-rules"),
    Way("organic_social", 9, 5, referrer="https://www.linkedin.com/", page="/blog/night-shifts"),
    Way("referral", 7, 4, referrer="https://shiftwork.example/", page="/customers"),
    Way("email", 1, 30, "newsletter", "email", page="/blog/rota-mistakes"),
    Way("paid_search", 5, 13, "google", "cpc", "rota-software", page="/rota-software"),
    Way("direct", 0, 20, page="/pricing"),
)


def earlier_visits(
    story: Story, lead: Lead, campaigns: dict[str, MarketingCampaign]
) -> Iterator[Touch]:
    """Always the same for the same person. People met at a fair had not been on the site."""
    random = Random(story.fields["email"])
    if story.origin.kind == "import":
        return
    count = random.choices(list(EARLIER), list(EARLIER.values()))[0]
    for n, at in enumerate(_moments(random, story.created_at, count)):
        weights = [way.returns if n else way.finds for way in WAYS]
        yield _touch(random.choices(WAYS, weights)[0], lead, at, campaigns)


def _moments(random: Random, asked_at: datetime, count: int) -> list[datetime]:
    """The closer to the inquiry, the denser."""
    ago = sorted((LONGEST_DAYS * random.random() ** 2 for _ in range(count)), reverse=True)
    return [asked_at - timedelta(days=days, minutes=random.randint(30, 600)) for days in ago]


def _touch(way: Way, lead: Lead, at: datetime, campaigns: dict[str, MarketingCampaign]) -> Touch:
    return Touch(
        lead=lead,
        channel=way.channel,
        campaign=campaigns.get(way.campaign),
        utm_source=way.source,
        utm_medium=way.medium,
        utm_campaign=way.campaign,
        referrer=way.referrer,
        landing_page=f"https://marlow.example{way.page}",
        occurred_at=at,
    )
