"""What the scoring page shows, put together for its template."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from leadcrm.accounts.models import Role, User
from leadcrm.lib.errors import NotFound
from leads import conditions
from leads.models import Lead
from scoring import engine, queries
from scoring.bands import BANDS, Band
from scoring.comparing import compare, differs
from scoring.describing import words_of
from scoring.forms import ThresholdsForm
from scoring.models import ModelVersion, Rule, ScoringModel

INLINE_LIMIT = 20_000  # leads; with more of them the page loads first and looks ahead after
LOOK_AHEAD_LIMIT = 100_000
HITS_SECONDS = 600
PLOT_HEIGHT = 110


def default_model() -> ScoringModel:
    model = queries.default_model()
    if model is None:
        raise NotFound("There is no scoring model.")
    return model


def home_of(model: ScoringModel) -> str:
    """The page of its rules; also the query that every address of its pages takes."""
    return "/scoring/" if model.is_default else f"/scoring/?model={model.key}"


@dataclass(frozen=True, slots=True)
class Row:
    """A rule with what the page says about it. `was` is what the published version gives."""

    rule: Rule
    words: str
    band: Band
    is_edited: bool
    was: str
    hits: int | None
    broken: str

    @property
    def min(self) -> int:
        return -100 if self.rule.override_note else self.band.low

    @property
    def max(self) -> int:
        return 100 if self.rule.override_note else self.band.high


class ScoringPage:
    """:param is_part: for a fragment, which also replaces what it finds elsewhere on the page.
    :param inline: work out the preview now, if there are not too many leads.
    :param look_ahead: work it out however many there are.
    """

    def __init__(
        self,
        user: User,
        *,
        at: datetime,
        model: ScoringModel | None = None,
        is_part: bool = False,
        inline: bool = True,
        look_ahead: bool = False,
    ) -> None:
        self.user, self.at, self.is_part = user, at, is_part
        self.model = model or default_model()
        self.inline, self.look_ahead = inline, look_ahead

    @cached_property
    def draft(self) -> ModelVersion | None:
        return queries.draft_of(self.model)

    @cached_property
    def published(self) -> ModelVersion | None:
        """The version that counts; of a model's first one, the one that is being published."""
        state = ModelVersion.State
        found = self.model.versions.filter(state__in=[state.PUBLISHED, state.PUBLISHING])
        return found.select_related("model").order_by("state").first()

    @cached_property
    def version(self) -> ModelVersion:
        version = self.draft or self.published
        if version is None:
            raise NotFound("There is no scoring model.")
        return version

    @cached_property
    def rules(self) -> list[Rule]:
        return queries.rules_of(self.version)

    @cached_property
    def before(self) -> dict[Any, Rule]:
        """The published rules by the id they keep in every version."""
        if self.draft is None or self.published is None:
            return {rule.uid: rule for rule in self.rules}
        return {rule.uid: rule for rule in queries.rules_of(self.published)}

    @cached_property
    def preview(self) -> engine.Preview | None:
        wanted = self.look_ahead or (self.inline and queries.leads_up_to(INLINE_LIMIT))
        if not wanted:
            return None
        ahead = engine.preview(self.version, self.rules, at=self.at, limit=LOOK_AHEAD_LIMIT)
        cache.set(self.hits_key, ahead.hits, HITS_SECONDS)
        return ahead

    @property
    def hits_key(self) -> str:
        return f"scoring-hits:{self.version.pk}"

    @cached_property
    def hits(self) -> dict[str, int]:
        if self.preview is not None:
            return self.preview.hits
        known: dict[str, int] = cache.get(self.hits_key) or {}
        return known

    def rows(self, group: str) -> list[Row]:
        return [self.row(rule) for rule in self.rules if rule.group == group]

    def row(self, rule: Rule) -> Row:
        before = self.before.get(rule.uid)
        edited = before is None or differs(before, rule)
        was = f"{before.points:+d}".replace("-", "−") if before else ""
        return Row(
            rule=rule,
            words=_more_than(rule.label, words_of(rule)),
            band=BANDS[rule.weight_class],
            is_edited=edited,
            was=was if before and before.points != rule.points else "",
            hits=self.hits.get(str(rule.uid)),
            broken=queries.broken(rule),
        )

    @property
    def edits(self) -> int:
        """How many things the draft changes."""
        if self.draft is None or self.published is None:
            return 0
        before = list(self.before.values())
        return len(compare(self.published, before, self.draft, self.rules))

    def context(self) -> dict[str, Any]:
        groups = [
            {"key": key, "label": label, "cap": self.version.caps[key], "rows": self.rows(key)}
            for key, label in Rule.Group.choices
        ]
        return {
            "model": self.model,
            "version": self.version,
            "draft": self.draft,
            "groups": groups,
            "state": self.state,
            "thresholds": self.thresholds(),
            "can_edit": self.user.has_role(Role.MARKETER),
            "qualifications": self.qualifications(),
            "rescore": queries.running_rescore(self.model),
            "broken": [row for row in map(self.row, self.rules) if row.broken],
            "home": home_of(self.model),
            "suffix": home_of(self.model).removeprefix("/scoring/"),
            "models": queries.models(),
            "section": "scoring",
            "tab": "rules",
            "ahead": self.ahead(),
            "is_part": self.is_part,
        }

    @property
    def state(self) -> str:
        if self.draft is None:
            return f"Version {self.version.number}"
        return f"Draft, {self.edits} edit{'' if self.edits == 1 else 's'}"

    def thresholds(self) -> list[tuple[str, str, int]]:
        fields = ThresholdsForm.base_fields.items()
        return [(name, str(f.label), getattr(self.version, name)) for name, f in fields]

    def qualifications(self) -> list[tuple[str, str, str]]:
        """Name, when, and until when."""
        names = {"mql": "Marketing-qualified", "sql": "Sales-qualified", "pql": "Product-qualified"}
        slack = self.version.hysteresis
        until = f"until {slack} points below" if slack else ""
        leavings = {
            kind: f"until {conditions.describe(tree)}"
            for kind, tree in self.version.leavings.items()
        }
        return [
            (names[kind], conditions.describe(condition), leavings.get(kind, until))
            for kind, condition in self.version.qualifications.items()
        ]

    def ahead(self) -> dict[str, Any] | None:
        ahead = self.preview
        if ahead is None:
            return None
        order = {"hot": 0, "warm": 1, "cold": 2}
        compares = self.model.is_default  # the score of a category is nobody's temperature
        found = ahead.moves.items() if compares else ()
        moves = sorted(found, key=lambda m: (order[m[0][1]], order[m[0][0]]))
        return {
            "leads": ahead.leads,
            "compares": compares and self.draft is not None,
            "is_sample": ahead.leads >= LOOK_AHEAD_LIMIT,
            "moves": [(count, *pair) for pair, count in moves],
            "spread": spread(ahead, self.version, compare=compares and self.draft is not None),
            "table": table(ahead),
            "totals": [(name, ahead.totals.get(name, 0)) for name in ("cold", "warm", "hot")],
            "rising": self.rising(ahead) if compares else [],
        }

    def rising(self, ahead: engine.Preview) -> list[tuple[Lead, int, int]]:
        """Those becoming hot whom this person may see."""
        scores = {lead: (now, then) for lead, now, then in ahead.rising}
        leads = Lead.objects.visible_to(self.user).filter(pk__in=scores)
        return sorted(((lead, *scores[lead.pk]) for lead in leads), key=lambda row: -row[2])


def table(ahead: engine.Preview) -> list[tuple[str, int, int]]:
    """The numbers behind the spread."""
    pairs = zip(ahead.spread_now, ahead.spread_then, strict=True)
    step = engine.BIN
    return [(f"{n * step} to {n * step + step - 1}", *pair) for n, pair in enumerate(pairs)]


def _more_than(label: str, words: str) -> str:
    """Words that only repeat the label are not worth reading."""
    return "" if words.casefold() in label.casefold() else words


def spread(ahead: engine.Preview, version: ModelVersion, *, compare: bool) -> SafeString:
    """Columns of five points: now grey, the draft in colour, the thresholds dashed."""
    top = max([1, *ahead.spread_now, *ahead.spread_then])
    width = 100 / len(ahead.spread_now)
    bars = []
    for n, counts in enumerate(zip(ahead.spread_now, ahead.spread_then, strict=True)):
        for index, (tone, count) in enumerate(zip(("s0", "s1"), counts, strict=True)):
            height = PLOT_HEIGHT * count / top * 0.9
            place = (f"{(n + 0.08 + 0.42 * index) * width:.2f}", f"{width * 0.4:.2f}")
            bars.append((tone, *place, f"{PLOT_HEIGHT - height:.1f}", f"{height:.1f}"))
    shown = bars if compare else [bar for bar in bars if bar[0] == "s1"]
    rects = format_html_join(
        "", '<rect class="{}" x="{}%" width="{}%" y="{}" height="{}" rx="1"/>', shown
    )
    lines = format_html_join(
        "",
        '<line class="ref" x1="{0}%" x2="{0}%" y1="0" y2="112"/>'
        '<text x="{0}%" dx="4" y="9">{1}</text>',
        (
            (f"{border * 100 / version.total_cap:g}", border)
            for border in (version.warm_from, version.hot_from)
        ),
    )
    return format_html(
        '{}{}<line class="grid" x1="0" x2="100%" y1="110.5" y2="110.5"/>', rects, lines
    )
