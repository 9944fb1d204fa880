"""What rules would do with leads, now or at past moments. Nothing here writes."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from django.db.models import Q

from leadcrm.accounts.models import Absence, User
from leads.models import Lead
from pipeline.models import (
    Assignment,
    Pool,
    PoolMember,
    RoutingRule,
)
from pipeline.queries.availability import calendars_of
from pipeline.queries.conditions import leads_matching
from pipeline.queries.owners import candidates, fit_of, previous_owner
from pipeline.queries.routing import company_owner, demand_of, fallback_team
from pipeline.routing import Candidate, choose, choose_named
from pipeline.worktime import is_working


@dataclass(frozen=True, slots=True)
class Arrival:
    """A lead that rules are asked about, as if it came at `at`; it was open until `ends`."""

    lead_id: int
    at: datetime
    ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """Where one lead would go: the rule, and a person or a queue."""

    lead_id: int
    rule: str
    user: str
    queue: str
    key: str = ""
    user_id: int | None = None
    team: str = ""  # whose queue it waits in


def dry_run(
    rules: Sequence[RoutingRule], lead_ids: Sequence[int], *, at: datetime
) -> list[Forecast]:
    """Who would get these leads, in this order, were the rules in force. Writes nothing.

    Each rule is asked once for all leads; turns are played on from the pools' present credits.
    """
    return play(rules, [Arrival(pk, at) for pk in lead_ids], PresentFacts(at))


def play(
    rules: Sequence[RoutingRule], arrivals: Sequence[Arrival], facts: "Facts"
) -> list[Forecast]:
    leads = Lead.objects.select_related("company__owner", "owner").in_bulk(
        [arrival.lead_id for arrival in arrivals]
    )
    rule_of, owner_of = _matching(rules, leads)
    fallback = str(fallback_team() or "")
    found = [
        _forecast(arrival, leads.get(arrival.lead_id), rule_of, owner_of, facts)
        for arrival in arrivals
    ]
    return [each if each.user or each.team else replace(each, team=fallback) for each in found]


def _matching(
    rules: Sequence[RoutingRule], leads: Mapping[int, Lead]
) -> tuple[dict[int, RoutingRule], dict[int, User]]:
    """The first rule that holds for each lead and names somebody, and whom, where it is one."""
    rule_of: dict[int, RoutingRule] = {}
    owner_of: dict[int, User] = {}
    for rule in rules:
        undecided = [pk for pk in leads if pk not in rule_of]
        for pk in sorted(leads_matching(rule.condition, undecided) if undecided else ()):
            owner = _known_owner(rule, leads[pk])
            if owner is not None:
                owner_of[pk] = owner
            elif rule.target_kind in OF_THE_LEAD:
                continue
            rule_of[pk] = rule
    return rule_of, owner_of


OF_THE_LEAD = (RoutingRule.Target.COMPANY_OWNER, RoutingRule.Target.PREVIOUS_OWNER)


def _known_owner(rule: RoutingRule, lead: Lead) -> User | None:
    if rule.target_kind == RoutingRule.Target.COMPANY_OWNER:
        return company_owner(lead)
    if rule.target_kind == RoutingRule.Target.PREVIOUS_OWNER:
        return previous_owner(lead)
    return rule.target_user


def _forecast(
    arrival: Arrival,
    lead: Lead | None,
    rule_of: Mapping[int, RoutingRule],
    owner_of: Mapping[int, User],
    facts: "Facts",
) -> Forecast:
    rule = rule_of.get(arrival.lead_id)
    if rule is None or lead is None:
        return Forecast(arrival.lead_id, "", "", "Fallback queue")
    if rule.target_queue is not None:
        team = str(rule.target_queue)
        return Forecast(lead.pk, rule.name, "", team, rule.key, team=team)
    if rule.target_pool is not None:
        chosen = facts.take_turn(rule.target_pool, rule, lead, arrival)
        queue = "" if chosen else f"{rule.target_pool.queue or rule.target_pool}"
        name, user_id = (chosen.name, chosen.user_id) if chosen else ("", None)
        team = str(rule.target_pool.queue or "")
        return Forecast(lead.pk, rule.name, name, queue, rule.key, user_id, team)
    owner = facts.available(owner_of[lead.pk], arrival)
    if owner is None:
        return Forecast(lead.pk, rule.name, "", "Fallback queue", rule.key)
    return Forecast(lead.pk, rule.name, str(owner), "", rule.key, owner.pk)


class Facts:
    """The people of pools at a moment; what a run gives them counts from then on."""

    def __init__(self) -> None:
        self.members: dict[int, list[PoolMember]] = {}

    def members_of(self, pool: Pool) -> list[PoolMember]:
        if pool.pk not in self.members:
            found = pool.members.select_related("user").order_by("position", "pk")
            self.members[pool.pk] = list(found)
        return self.members[pool.pk]

    def take_turn(
        self, pool: Pool, rule: RoutingRule, lead: Lead, arrival: Arrival
    ) -> Candidate | None:
        members = self.members_of(pool)
        known = {c.user_id: c for c in self.candidates(members, arrival)}
        asked = [
            replace(
                known[m.user_id], credit=m.credit, refused="", **fit_of(m.user, lead, rule.skills)
            )
            for m in members
        ]
        choice = choose(demand_of(pool), asked)
        for member in members:
            member.credit = choice.after[member.user_id]
        if choice.chosen is not None:
            self.gain(choice.chosen.user_id, arrival)
        return choice.chosen

    def candidates(self, members: list[PoolMember], arrival: Arrival) -> list[Candidate]:
        raise NotImplementedError

    def gain(self, user_id: int, arrival: Arrival) -> None:
        raise NotImplementedError

    def available(self, user: User, arrival: Arrival) -> User | None:
        raise NotImplementedError


class PresentFacts(Facts):
    """As it is at one moment, and the leads of this run on top."""

    def __init__(self, at: datetime) -> None:
        super().__init__()
        self.at = at
        self.known: dict[tuple[int, ...], list[Candidate]] = {}
        self.gained: Counter[int] = Counter()

    def candidates(self, members: list[PoolMember], arrival: Arrival) -> list[Candidate]:
        key = tuple(member.pk for member in members)
        if key not in self.known:
            self.known[key] = candidates(members, at=self.at)
        return [
            replace(
                c,
                open_leads=c.open_leads + self.gained[c.user_id],
                leads_today=c.leads_today + self.gained[c.user_id],
            )
            for c in self.known[key]
        ]

    def gain(self, user_id: int, arrival: Arrival) -> None:
        self.gained[user_id] += 1

    def available(self, user: User, arrival: Arrival) -> User | None:
        known = candidates([PoolMember(user=user)], at=self.at)[0]
        return user if choose_named(known).chosen is not None else None


@dataclass(slots=True)
class Load:
    """When somebody's leads began and ended, both in order; how many were open is their
    difference."""

    starts: list[datetime] = field(default_factory=list)
    ends: list[datetime] = field(default_factory=list)

    def at(self, moment: datetime) -> int:
        return bisect_right(self.starts, moment) - bisect_right(self.ends, moment)


class PastFacts(Facts):
    """As it was at the moment of each lead: shifts, absences, and what people had besides
    the leads of this run. Accounts, pauses, weights and caps are those of today.
    """

    def __init__(self, users: Iterable[User], arrivals: Sequence[Arrival]) -> None:
        super().__init__()
        people = {user.pk: user for user in users}
        self.people = people
        self.calendars = calendars_of(people.values())
        self.away: dict[int, list[tuple[date, date]]] = defaultdict(list)
        for absence in Absence.objects.filter(user__in=people):
            self.away[absence.user_id].append((absence.first_day, absence.last_day))
        self.loads = _loads(list(people), arrivals)
        self.gained: dict[int, list[Arrival]] = defaultdict(list)
        self.today: Counter[tuple[int, date]] = Counter()

    def candidates(self, members: list[PoolMember], arrival: Arrival) -> list[Candidate]:
        return [self._candidate(member, arrival.at) for member in members]

    def _candidate(self, m: PoolMember, at: datetime) -> Candidate:
        calendar = self.calendars[m.user_id]
        gained = sum(a.ends is None or a.ends > at for a in self.gained[m.user_id])
        return Candidate(
            user_id=m.user_id,
            name=m.user.name,
            weight=m.weight,
            position=m.position,
            is_active=m.user.is_active,
            is_paused=m.paused,
            is_absent=self._is_away(m.user, at),
            is_on_shift=is_working(calendar, at),
            open_leads=self.loads[m.user_id].at(at) + gained,
            open_cap=m.open_cap,
            leads_today=self.today[m.user_id, at.astimezone(m.user.zone).date()],
            day_cap=m.day_cap,
        )

    def _is_away(self, user: User, at: datetime) -> bool:
        day = at.astimezone(user.zone).date()
        return any(first <= day <= last for first, last in self.away[user.pk])

    def gain(self, user_id: int, arrival: Arrival) -> None:
        self.gained[user_id].append(arrival)
        day = arrival.at.astimezone(self.people[user_id].zone).date()
        self.today[user_id, day] += 1

    def available(self, user: User, arrival: Arrival) -> User | None:
        return user if user.is_active and not self._is_away(user, arrival.at) else None


def _loads(user_ids: Sequence[int], arrivals: Sequence[Arrival]) -> dict[int, Load]:
    loads: dict[int, Load] = defaultdict(Load)
    if not arrivals:
        return loads
    first, last = arrivals[0].at, arrivals[-1].at
    rows = (
        Assignment.objects.filter(owner__in=user_ids, from_at__lte=last)
        .filter(Q(to_at=None) | Q(to_at__gte=first), Q(cycle__isnull=False))
        .exclude(lead__in=[arrival.lead_id for arrival in arrivals])
        .order_by()
        .values_list("owner_id", "from_at", "to_at", "cycle__closed_at")
    )
    for owner_id, from_at, to_at, closed_at in rows.iterator():
        ended = min(filter(None, (to_at, closed_at)), default=None)
        load = loads[owner_id]
        load.starts.append(from_at)
        if ended is not None:
            load.ends.append(max(ended, from_at))
    for load in loads.values():
        load.starts.sort()
        load.ends.sort()
    return loads


# Against what happened ----------------------------------------------------------------------------

LONGEST_DAYS = 92
MOST_LEADS = 2_000


@dataclass(frozen=True, slots=True)
class Difference:
    """A lead, who got it, and who would have got it."""

    lead_id: int
    at: datetime
    did: str
    would: str
    rule_then: str
    rule: str

    @property
    def is_same(self) -> bool:
        return self.did == self.would


@dataclass(frozen=True, slots=True)
class Share:
    name: str
    did: int
    would: int

    @property
    def change(self) -> int:
        return self.would - self.did


@dataclass(frozen=True, slots=True)
class Comparison:
    rows: Sequence[Difference]
    is_cut: bool = False

    @property
    def differences(self) -> list[Difference]:
        return [row for row in self.rows if not row.is_same]

    @property
    def shares(self) -> list[Share]:
        """For each person and queue, who would have got most first."""
        did = Counter(row.did for row in self.rows)
        would = Counter(row.would for row in self.rows)
        names = sorted(did.keys() | would.keys(), key=lambda name: (-would[name], name))
        return [Share(name, did[name], would[name]) for name in names]

    @property
    def rules(self) -> list[tuple[str, int]]:
        return Counter(row.rule or "No rule" for row in self.rows).most_common()


@dataclass(frozen=True, slots=True)
class Routed:
    """Who first got a lead, and by which rule, or how else."""

    arrival: Arrival
    did: str
    rule: str


def compare(rules: Sequence[RoutingRule], routed: Sequence[Routed]) -> Comparison:
    """Play the rules over leads that were routed, in the order in which they were."""
    cut = sorted(routed[:MOST_LEADS], key=lambda each: each.arrival.at)
    arrivals = [each.arrival for each in cut]
    forecasts = play(rules, arrivals, PastFacts(_people_of(rules), arrivals))
    rows = [
        Difference(
            each.arrival.lead_id,
            each.arrival.at,
            each.did,
            forecast.user or f"Queue: {forecast.team}",
            each.rule,
            forecast.rule,
        )
        for each, forecast in zip(cut, forecasts, strict=True)
    ]
    return Comparison(rows, is_cut=len(routed) > MOST_LEADS)


def _people_of(rules: Sequence[RoutingRule]) -> list[User]:
    pools = [rule.target_pool_id for rule in rules if rule.target_pool_id]
    return list(User.objects.filter(pool_memberships__pool__in=pools).distinct().order_by("pk"))


NOT_GIVEN = (
    Assignment.Cause.OPENED,
    Assignment.Cause.LEFT,
    Assignment.Cause.COVER,
    Assignment.Cause.RETURNED,
    Assignment.Cause.MERGED,
)


def routed_leads(principal: object, *, at: datetime, days: int) -> list[Routed]:
    """Who first got each lead of the last `days`, by a rule or otherwise, the newest first."""
    visible = Lead.objects.visible_to(principal).values("pk")
    since = at - timedelta(days=min(days, LONGEST_DAYS))
    given = (
        Assignment.objects.filter(lead__in=visible, from_at__gte=since, from_at__lte=at)
        .filter(Q(owner__isnull=False) | Q(decision__isnull=False))
        .exclude(cause__in=NOT_GIVEN)
        .order_by("-from_at", "-pk")
        .values_list(
            "lead_id", "from_at", "owner__name", "team__name", "decision__rule_name",
            "cause", "cycle__closed_at",
        )[: MOST_LEADS * 2]
    )  # fmt: skip
    first = {row[0]: row for row in given}
    labels = dict(Assignment.Cause.choices)
    return [
        Routed(Arrival(pk, moment, ends), owner or f"Queue: {team}", rule or labels[cause])
        for pk, moment, owner, team, rule, cause, ends in sorted(
            first.values(), key=lambda row: row[1], reverse=True
        )
    ]
