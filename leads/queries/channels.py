"""What the rules of channels would do, and what they decide of one address."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection
from django.db.models import Max

from leads.attribution import sql
from leads.attribution.rules import Decision, RuleSet, Seen, decide, external
from leads.capture.origin import Origin, origin_of
from leads.models import ChannelRuleSet, Regrouping, Source, Touch

MOST_PREVIEWED = 200_000


@dataclass(frozen=True, slots=True)
class Move:
    """So many touches would go from one channel to another."""

    before: str
    after: str
    touches: int


@dataclass(frozen=True, slots=True)
class Preview:
    """`sampled`: there are more touches than were asked."""

    seen: int
    moves: tuple[Move, ...]
    sampled: bool

    @property
    def moving(self) -> int:
        return sum(move.touches for move in self.moves)


def preview(rules: RuleSet, *, limit: int = MOST_PREVIEWED) -> Preview:
    """What publishing would change of the touches there are, of the newest when they are many."""
    last = Touch.objects.aggregate(last=Max("pk"))["last"] or 0
    chosen, params = sql.of_touches(rules, "t.id > %s", [last - limit])
    statement = (
        f"SELECT channel, chosen, count(*) FROM ({chosen}) AS each "  # noqa: S608  (see `sql`)
        "GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        rows = cursor.fetchall()
    moves = tuple(Move(a, b, n) for a, b, n in rows if a != b)
    return Preview(sum(n for *_, n in rows), moves, sampled=last > limit)


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of an address in the tester."""

    origin: Origin
    decision: Decision
    referring_site: str
    internal: bool


def try_out(rules: RuleSet, context: Mapping[str, str], source: Source | None) -> Tried:
    origin = origin_of(context, {}, source)
    seen: Seen = origin.seen
    site = external(seen.referrer, seen.landing_page, rules.own_hosts)
    return Tried(origin, decide(rules, seen), site, internal=bool(seen.referrer) and not site)


def versions() -> list[ChannelRuleSet]:
    """The newest versions that were published."""
    found = ChannelRuleSet.objects.exclude(state=ChannelRuleSet.State.DRAFT)
    return list(found.select_related("published_by").order_by("-number")[:10])


def latest_regrouping() -> Regrouping | None:
    return Regrouping.objects.select_related("rule_set").order_by("-pk").first()
