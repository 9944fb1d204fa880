"""What happened to each lead of the demo company. Pure: the same seed and moment, the same story.

Nothing here knows the database. `load` writes the stories down.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from leadcrm.demo import company, names
from leadcrm.demo.company import CATEGORIES, ORIGINS, PAGES, REPS, TOUR, Colleague, Known, Origin

YEARS = 2
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
DAY_STARTS, DAY_ENDS = time(9), time(17, 30)
TARGET = timedelta(hours=1)
STAGES = ("new", "contacted", "mql", "sql", "proposal", "won")
# How likely an average lead gets at least so far.
REACHES = {"contacted": 0.84, "mql": 0.42, "sql": 0.24, "proposal": 0.14, "won": 0.075}
# Median days until the next stage.
DAYS_IN = {"new": 1.0, "contacted": 6.0, "mql": 9.0, "sql": 8.0, "proposal": 17.0}
LOST_REASONS = {
    "no_response": 26,
    "no_budget": 15,
    "timing": 17,
    "competitor": 12,
    "price": 11,
    "no_need": 9,
    "missing_feature": 6,
    "not_a_fit": 4,
}
TAGS = ("Multi-site", "Night shifts", "Works council", "Payroll pain", "Union rules", "Seasonal")
BANT_VALUES = {
    "budget": (
        "€5–10k a year",
        "€10–20k, this year's budget",
        "Approved by finance",
        "€25k, next year",
    ),
    "authority": ("Decides with the CFO", "Decides alone", "Recommends to the board"),
    "need": (
        "Overtime out of hand",
        "Rest-rule breaches",
        "Swaps by phone",
        "Planner leaves in spring",
    ),
    "timeline": ("Live within 3 months", "Before the summer", "This quarter"),
}


@dataclass(slots=True)
class Happening:
    """One entry of a timeline."""

    type: str
    at: datetime
    properties: dict[str, Any] = field(default_factory=dict)
    by: str = ""
    category: str = ""


@dataclass(slots=True)
class Story:
    """A lead and all that became of it; times are absolute, people are named by key."""

    fields: dict[str, Any]
    origin: Origin
    created_at: datetime
    owner: str
    path: list[tuple[str, datetime]]
    happenings: list[Happening] = field(default_factory=list)
    message: str = ""
    asked_again_at: datetime | None = None  # a second inquiry, waiting for its answer
    landing_page: str = "/"
    consents: bool = True
    bant: dict[str, tuple[str, str, datetime]] = field(default_factory=dict)
    responded_at: datetime | None = None
    lost_reason: str = ""
    closed_at: datetime | None = None
    amount: int = 0
    tasks: list[tuple[str, str, datetime, datetime | None]] = field(default_factory=list)
    tags: tuple[str, ...] = ()

    @property
    def stage(self) -> str:
        return self.path[-1][0]


def stories(*, count: int, seed: int, now: datetime) -> Iterator[Story]:
    """As many strangers as make up `count` with the tour's known leads, who come last."""
    random = Random(seed)
    for _ in range(max(count - len(TOUR), 0)):
        yield Teller(random, now).stranger(age_of(random, now))
    for known in reversed(TOUR):
        yield Teller(random, now).known(known)


def age_of(random: Random, now: datetime) -> datetime:
    """When the lead came: the company grew threefold, weekdays by day bring more than nights."""
    share = random.random()
    days_ago = YEARS * 365 * (1 - share**0.62)
    moment = now - timedelta(days=days_ago)
    if moment.weekday() >= 5 and random.random() < 0.6:
        moment -= timedelta(days=moment.weekday() - 4)
    hour = min(23, max(0, int(random.gauss(12.5, 3.6))))
    moment = moment.replace(hour=hour, minute=random.randrange(60), second=random.randrange(60))
    return min(moment, now - timedelta(hours=5))


class Teller:
    """Invents one story."""

    def __init__(self, random: Random, now: datetime) -> None:
        self.random = random
        self.now = now

    # Who --------------------------------------------------------------------------------------

    def stranger(self, created_at: datetime) -> Story:
        origin = self.weighted(ORIGINS, [o.weight for o in ORIGINS])
        fields = self.person()
        owner = self.owner(fields["country"]) if self.random.random() < 0.98 else ""
        story = self.begin(fields, origin, created_at, owner)
        self.answer(story)
        luck = self.random.random() * patience_lost(story) / (origin.quality * fit_of(fields))
        depth = sum(luck < chance for chance in REACHES.values()) if story.responded_at else 0
        self.walk(story, depth)
        self.end(story)
        self.live(story)
        return story

    def known(self, lead: Known) -> Story:
        origin = next(o for o in ORIGINS if o.key == lead.origin)
        last = self.now - lead.ago * MINUTE
        fields = {
            "first_name": lead.first,
            "last_name": lead.last,
            "email": address(lead.first, lead.last, slug(lead.company) + ".example"),
            "phone": "",
            "job_title": lead.title,
            "company_name": lead.company,
            "country": lead.country,
            "city": lead.city,
            "industry": self.weighted(list(names.INDUSTRIES), list(names.INDUSTRIES.values())),
            "company_size": self.random.choice([120, 180, 260, 310, 420, 640]),
            "time_zone": "Europe/Amsterdam",
            "language": "en",
        }
        depth = STAGES.index(lead.stage)
        created_at = last - timedelta(days=1.5 + depth * 5 + self.random.random() * 4)
        if depth == 0:
            created_at = last - timedelta(minutes=self.random.randrange(5, 40))
        asked_at = None if lead.waits is None else self.now + lead.waits * MINUTE - TARGET
        if asked_at and depth == 0:
            created_at = asked_at
        story = self.begin(fields, origin, created_at, lead.owner)
        story.amount = lead.value
        if depth or asked_at is None:
            self.answer(story, soon=True)
        self.walk(story, depth, until=last)
        self.warm_up(story, lead.warmth, last)
        if asked_at:
            story.message = self.message(fields)
        if asked_at and depth:
            story.asked_again_at = asked_at
            self.add(story, "demo_requested", asked_at, form="Book a demo")
        return story

    def person(self) -> dict[str, Any]:
        country = self.weighted(names.COUNTRIES, [c.weight for c in names.COUNTRIES])
        first, last = self.random.choice(country.first), self.random.choice(country.last)
        company_name = self.random.choice(country.companies) + self.random.choice(names.SUFFIXES)
        free = self.random.random() < 0.11
        domain = "gmail.com" if free else f"{slug(company_name)}.{country.domain}.example"
        local = f"{self.random.randrange(10_000)}" if free else ""
        return {
            "first_name": first,
            "last_name": last,
            "email": address(first, last + local, domain),
            "phone": country.dial + str(self.random.randrange(10**6, 10**7))
            if self.random.random() < 0.6
            else "",
            "job_title": self.weighted(list(names.TITLES), list(names.TITLES.values())),
            "company_name": "" if free and self.random.random() < 0.5 else company_name,
            "country": country.code,
            "city": self.random.choice(country.cities),
            "industry": self.weighted(list(names.INDUSTRIES), list(names.INDUSTRIES.values())),
            "company_size": int(10 ** self.random.uniform(1.1, 3.5)),
            "time_zone": country.time_zone,
            "language": country.language,
        }

    def owner(self, country: str) -> str:
        south = country in {"DE", "AT", "CH", "IT", "ES", "FR", "PT", "PL"}
        team = "DACH and South" if south else "Benelux and Nordics"
        reps = [rep for rep in REPS if rep.team == team]
        return str(self.weighted(reps, [rep.weight for rep in reps]).key)

    # What -------------------------------------------------------------------------------------

    def begin(self, fields: dict[str, Any], origin: Origin, at: datetime, owner: str) -> Story:
        story = Story(
            fields=fields,
            origin=origin,
            created_at=at,
            owner=owner,
            path=[("new", at)],
            consents=self.random.random() < 0.82,
            landing_page=self.random.choice(PAGES),
        )
        for back in range(self.random.randrange(0, 4)):
            seen = at - timedelta(minutes=2 + 3 * back)
            story.happenings.append(self.page(seen))
        form = next((f for f in company.FORMS if f.slug == origin.form), None)
        if form:
            story.happenings.append(Happening(form.activity, at, {"form": form.name}))
            if "message" in form.asks and self.random.random() < 0.7:
                story.message = self.message(fields)
        if self.random.random() < 0.25:
            story.tags = tuple(self.random.sample(TAGS, k=self.random.choice([1, 1, 2])))
        return story

    def answer(self, story: Story, *, soon: bool = False) -> None:
        """The rep's first reaction, in working hours; some inquiries never get one."""
        rep = rep_of(story.owner)
        if rep is None or (not soon and self.random.random() < 0.07):
            return
        minutes = self.random.lognormvariate(math.log(rep.median_minutes or 20), 0.95)
        if soon:
            at = story.created_at + min(minutes, 55) * MINUTE
        else:
            at = working_moment(story.created_at, rep) + min(minutes, 2000) * MINUTE
        if at >= self.now:
            return
        story.responded_at = at
        reached = self.random.random() < 0.55
        story.happenings.append(
            Happening(
                "call_connected"
                if reached
                else self.random.choice(["call_attempt", "email_outbound"]),
                at,
                {"outcome": "connected" if reached else "no answer"},
                by=rep.key,
            )
        )
        if at - story.path[-1][1] > timedelta(0):
            story.path.append(("contacted", at))

    def walk(self, story: Story, depth: int, *, until: datetime | None = None) -> None:
        """Through the funnel as far as `depth`, as fast as such leads go."""
        until = until or self.now - timedelta(minutes=30)
        at = story.path[-1][1]
        first = len(story.path)
        if first <= depth and until <= at:
            until = at + timedelta(minutes=depth)
        scale = 1.0
        steps = STAGES[first : depth + 1]
        planned = [DAYS_IN[STAGES[STAGES.index(s) - 1]] for s in steps]
        waits = [self.random.lognormvariate(math.log(days), 0.7) for days in planned]
        if waits and sum(waits) * DAY > until - at:
            if (
                until - at < timedelta(days=sum(waits) / 3)
                and story.closed_at is None
                and depth < 5
            ):
                scale = (until - at) / (sum(waits) * DAY) * 0.9
            else:
                scale = (until - at) / (sum(waits) * DAY) * 0.95
        for stage, wait in zip(steps, waits, strict=True):
            at += wait * scale * DAY
            story.path.append((stage, at))
            self.reach(story, stage, at)
        if story.stage == "won":
            story.closed_at = at

    def reach(self, story: Story, stage: str, at: datetime) -> None:
        """What goes with arriving at a stage: visits, talks, answers, money."""
        rep = story.owner
        if stage == "mql":
            self.visits(story, at, self.random.randrange(2, 6), pricing=1)
            self.know(story, "need", at)
            if self.random.random() < 0.4:
                self.add(story, "asset_download", at - 2 * DAY, asset="Cut overtime in 90 days")
        elif stage == "sql":
            self.visits(story, at, self.random.randrange(2, 5), pricing=self.random.randrange(2, 4))
            for dimension in ("budget", "authority", "timeline"):
                if self.random.random() < 0.85:
                    self.know(story, dimension, at)
            self.add(story, "call_connected", at + timedelta(hours=3), by=rep, outcome="connected")
            if self.random.random() < 0.5:
                self.add(
                    story,
                    "webinar_attended",
                    at - 3 * DAY,
                    webinar="Rest rules without the spreadsheet",
                )
        elif stage == "proposal":
            story.amount = story.amount or self.price(story)
            self.add(story, "meeting_held", at - DAY, by=rep)
            self.add(story, "quote_sent", at, by=rep, amount=story.amount)
        elif stage == "won":
            story.amount = story.amount or self.price(story)
            self.add(story, "purchase", at, amount=story.amount, currency="EUR")

    def end(self, story: Story) -> None:
        """Most that are not won are lost some weeks after they stopped moving."""
        if story.closed_at is not None:
            return
        last = story.path[-1][1]
        patience = timedelta(days=self.random.lognormvariate(math.log(30), 0.6))
        idle = self.now - last
        unanswered = story.responded_at is None
        if unanswered:
            patience = min(patience, 2 * DAY)
        certain = unanswered or idle > 140 * DAY
        if idle > patience and (certain or self.random.random() < 0.95):
            story.closed_at = last + patience
            reasons = list(LOST_REASONS)
            weights = list(LOST_REASONS.values())
            story.lost_reason = (
                "no_response" if story.responded_at is None else self.weighted(reasons, weights)
            )
            story.path.append(("lost", story.closed_at))

    def live(self, story: Story) -> None:
        """The small things between the big ones, and the next step of what is still open."""
        ends = story.closed_at or self.now
        span = max((ends - story.created_at).total_seconds(), 60)
        for _ in range(min(int(self.random.expovariate(1 / 3)), 14)):
            at = story.created_at + timedelta(seconds=span * self.random.random() ** 1.7)
            story.happenings.append(self.page(at))
        if story.closed_at is None and story.owner and self.random.random() < 0.72:
            self.next_step(story)

    def next_step(self, story: Story) -> None:
        kind, title = self.random.choice(
            [
                ("call", "Call back"),
                ("email", "Send the case study"),
                ("call", "Ask about the timeline"),
                ("meeting", "Show the product"),
                ("todo", "Check the price with Daniel"),
            ]
        )
        due = self.now + timedelta(hours=self.random.triangular(-30, 120, 20))
        story.tasks.append((kind, title, due.replace(minute=0, second=0), None))

    def warm_up(self, story: Story, warmth: int, last: datetime) -> None:
        """Recent behaviour of the tour's leads, so that they stand where the tour says."""
        if warmth >= 1:
            self.visits(story, last, 2, pricing=0)
        if warmth >= 2:
            self.visits(story, last, 1, pricing=2)
            self.know(story, "need", last - DAY)
        if warmth >= 3:
            for dimension in self.random.sample(["budget", "authority", "timeline"], k=2):
                self.know(story, dimension, last - DAY)
        story.happenings.append(self.page(last, "/pricing" if warmth >= 2 else None))
        if story.responded_at is not None:
            self.next_step(story)

    # Small parts --------------------------------------------------------------------------------

    def visits(self, story: Story, before: datetime, count: int, *, pricing: int) -> None:
        for n in range(count):
            at = before - timedelta(hours=self.random.uniform(0.2, 60))
            story.happenings.append(self.page(at, "/pricing" if n < pricing else None))
        for n in range(max(pricing - count, 0)):
            at = before - timedelta(hours=1 + n)
            story.happenings.append(self.page(at, "/pricing"))

    def page(self, at: datetime, path: str | None = None) -> Happening:
        path = path or self.random.choice(PAGES)
        if path == "/pricing":
            return Happening("pricing_view", at, {"url": path})
        if path.startswith("/product/"):
            return Happening(
                "product_view", at, {"url": path}, category=self.random.choice(CATEGORIES)
            )
        return Happening("page_view", at, {"url": path})

    def add(
        self, story: Story, type_: str, at: datetime, *, by: str = "", **properties: Any
    ) -> None:
        if at < self.now:
            story.happenings.append(Happening(type_, max(at, story.created_at), properties, by=by))

    def know(self, story: Story, dimension: str, at: datetime, level: str = "") -> None:
        level = level or self.weighted(["yes", "partial", "no"], [7, 3, 1])
        value = self.random.choice(BANT_VALUES[dimension]) if level != "no" else ""
        story.bant[dimension] = (level, value, max(min(at, self.now), story.created_at))

    def price(self, story: Story) -> int:
        size = int(story.fields.get("company_size") or 80)
        return int(min(max(size, 25), 900) * self.random.uniform(45, 80) // 50 * 50)

    def message(self, fields: dict[str, Any]) -> str:
        return self.random.choice(names.MESSAGES).format(
            staff=fields.get("company_size") or 120,
            sites=self.random.randrange(2, 7),
            percent=self.random.randrange(7, 15),
        )

    def weighted(self, items: Any, weights: Any) -> Any:
        return self.random.choices(items, weights)[0]


def patience_lost(story: Story) -> float:
    """Who waits longer buys less often: what the response-time page should find out."""
    if story.responded_at is None:
        return 1.0
    hours = (story.responded_at - story.created_at).total_seconds() / 3600
    return 0.72 if hours < 0.25 else 0.85 if hours < 1 else 1.1 if hours < 8 else 1.6


def fit_of(fields: dict[str, Any]) -> float:
    """How well a lead suits the company: this is what scoring should find out."""
    fit = 1.0
    if fields["job_title"] in {"Student", "Office Manager", "IT Manager"}:
        fit *= 0.35
    if fields["job_title"].startswith(("Head", "Chief", "HR", "Workforce", "Operations")):
        fit *= 1.3
    if fields["industry"] in {"Logistics", "Health care", "Hospitality"}:
        fit *= 1.35
    if fields["email"].endswith("gmail.com"):
        fit *= 0.45
    size = fields["company_size"] or 0
    return fit * (1.3 if 100 <= size <= 1500 else 0.75)


def rep_of(key: str) -> Colleague | None:
    return next((rep for rep in REPS if rep.key == key), None)


def working_moment(at: datetime, rep: Colleague) -> datetime:
    """`at`, or the start of the rep's next working day when it is outside the hours."""
    local = at.astimezone(ZoneInfo(rep.time_zone))
    if local.time() >= DAY_ENDS:
        local = local.replace(hour=9, minute=0, second=0) + DAY
    elif local.time() < DAY_STARTS:
        local = local.replace(hour=9, minute=0, second=0)
    while local.weekday() >= 5:
        local = local.replace(hour=9, minute=0, second=0) + DAY
    return max(local.astimezone(at.tzinfo), at)


def slug(text: str) -> str:
    plain = text.lower().translate(
        str.maketrans("øåäöüéèêëíóúñçłßąęśžřýńćæ", "oaaoueeeeiouncl" + "s" + "aeszrync" + "a")
    )
    return "-".join("".join(c if c.isascii() and c.isalnum() else " " for c in plain).split())


def address(first: str, last: str, domain: str) -> str:
    return f"{slug(first)}.{slug(last)}@{domain}"
