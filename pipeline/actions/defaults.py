"""What a new installation starts with: a funnel, a response target, and rules that share leads."""

from django.db import transaction
from django.utils import timezone

from leadcrm.accounts.models import Role, Team, User
from leads.models import Pipeline, Stage
from pipeline import queries
from pipeline.models import (
    CloseReason,
    LostReason,
    Pool,
    PoolMember,
    ResponseTarget,
    RoutingRule,
    RuleSet,
)

PIPELINE_KEY = "default"
QUEUE_NAME = "Inbound sales"
POOL_NAME = "Everyone"
TARGET_MINUTES = 60

# key, name, short name, type, category, probability in percent, days until a card rots
STAGES = [
    ("new", "New", "New", "awareness", "open", 5, 7),
    ("contacted", "Contacted", "Contacted", "awareness", "open", 10, 14),
    ("mql", "Marketing qualified", "MQL", "research", "open", 20, 14),
    ("sql", "Sales qualified", "SQL", "purchase", "open", 40, 14),
    ("proposal", "Proposal", "Proposal", "purchase", "open", 70, 21),
    ("won", "Won", "Won", "retention", "won", 100, 90),
    ("lost", "Lost", "Lost", "retention", "lost", 0, 90),
]


@transaction.atomic
def ensure_defaults() -> None:
    """Make what is missing, change nothing that is there. Safe to repeat."""
    ensure_default_funnel()
    ensure_default_reasons()
    if not ResponseTarget.objects.exists():
        ResponseTarget.objects.create(name="Every lead", minutes=TARGET_MINUTES)
    ensure_default_routing()


def ensure_default_funnel() -> Pipeline:
    pipeline = Pipeline.objects.filter(is_default=True).first()
    if pipeline is None:
        pipeline, _ = Pipeline.objects.get_or_create(
            key=PIPELINE_KEY, defaults={"name": "Sales", "is_default": True}
        )
    if not pipeline.stages.exists():
        Stage.objects.bulk_create(_stage(pipeline, position) for position in range(len(STAGES)))
    return pipeline


def _stage(pipeline: Pipeline, position: int) -> Stage:
    key, name, short_name, type_, category, probability, rot_days = STAGES[position]
    return Stage(
        pipeline=pipeline,
        position=position,
        key=key,
        name=name,
        short_name=short_name,
        type=type_,
        category=category,
        probability=probability,
        rot_days=rot_days,
    )


REASONS = {
    CloseReason.Kind.LOST: LostReason.choices,
    CloseReason.Kind.REJECTED: [
        ("not_a_fit", "Not a fit"),
        ("too_early", "Too early"),
        ("wrong_contact", "Contact data are wrong"),
        ("duplicate", "Somebody else has this lead"),
        ("other", "Other"),
    ],
}


def ensure_default_reasons() -> None:
    """Why leads are lost and rejected, where nobody has said it yet."""
    known = set(CloseReason.objects.values_list("kind", flat=True))
    CloseReason.objects.bulk_create(
        [
            CloseReason(
                kind=kind,
                key=key,
                label=label,
                position=position,
                needs_note=key == "other",
                asks_competitor=(kind, key) == ("lost", "competitor"),
                disqualifies=(kind, key) == ("lost", "not_a_fit"),
            )
            for kind, choices in REASONS.items()
            for position, (key, label) in enumerate(choices)
            if kind not in known
        ]
    )


@transaction.atomic
def ensure_default_routing() -> RuleSet:
    """The published rules; without any, one that shares all leads among all active reps."""
    published = RuleSet.objects.filter(state=RuleSet.State.PUBLISHED).first()
    if published is not None:
        return published
    pool, _ = Pool.objects.get_or_create(name=POOL_NAME, defaults={"includes_everyone": True})
    sync_everyone(pool)
    newest = RuleSet.objects.order_by("-number").first()
    rule_set, _ = RuleSet.objects.get_or_create(
        state=RuleSet.State.PUBLISHED,
        defaults={
            "number": newest.number + 1 if newest else 1,
            "published_at": timezone.now(),
        },
    )
    RoutingRule.objects.get_or_create(
        rule_set=rule_set,
        order=0,
        defaults={
            "name": POOL_NAME,
            "target_kind": RoutingRule.Target.POOL,
            "target_pool": pool,
        },
    )
    return rule_set


def sync_everyone(pool: Pool) -> bool:
    """Let every active rep who is not in the pool yet join it, with weight 1; whether any did."""
    newcomers = User.objects.filter(role=Role.REP, is_active=True).exclude(
        pool_memberships__pool=pool
    )
    made = PoolMember.objects.bulk_create(
        [PoolMember(pool=pool, user=user, position=user.pk % 32767) for user in newcomers],
        ignore_conflicts=True,
    )
    return bool(made)


def fallback_queue() -> Team:
    """The team that answers for leads nobody has: never none."""
    return queries.fallback_team() or Team.objects.get_or_create(name=QUEUE_NAME)[0]
