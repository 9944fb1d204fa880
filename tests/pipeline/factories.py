"""Leads with inquiries, pools and rules for tests of the pipeline."""

from datetime import datetime
from typing import Any

from django.test.utils import CaptureQueriesContext

from leadcrm.accounts.models import User
from leadcrm.eventlog.actions import publish
from leads.events import LeadCaptured
from leads.models import Inquiry, Lead
from pipeline import actions
from pipeline.models import Pool, PoolMember, RoutingRule, RuleSet, SalesCycle
from tests.factories import NOON, LeadFactory, SourceFactory, make_funnel


def make_inquiry(lead: Lead, *, at: datetime = NOON, **fields: Any) -> Inquiry:
    return Inquiry.objects.create(lead=lead, source=SourceFactory(), received_at=at, **fields)


def capture(lead: Lead, *, at: datetime = NOON, is_new: bool = True, **fields: Any) -> Inquiry:
    """What the ground floor does when a form arrives."""
    inquiry = make_inquiry(lead, at=at, **fields)
    publish(LeadCaptured(lead_id=lead.pk, inquiry_id=inquiry.pk, is_new=is_new), at=at)
    return inquiry


def open_lead(*, at: datetime = NOON, **fields: Any) -> Lead:
    """A lead whose inquiry of `at` opened a cycle; its clock runs."""
    make_funnel()
    lead = LeadFactory(**fields)
    actions.open_cycle(lead.pk, at=at, inquiry=make_inquiry(lead, at=at))
    lead.refresh_from_db()
    return lead


def asked_by_the_page(queries: CaptureQueriesContext) -> list[str]:
    """The statements of a page itself, without those that keep the list of sessions."""
    statements = [query["sql"] for query in queries.captured_queries]
    return [
        sql
        for sql in statements
        if "usersessions" not in sql
        and not sql.startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE"))
    ]


def cycle_of(lead: Lead) -> SalesCycle:
    return SalesCycle.objects.filter(lead=lead).order_by("-number")[0]


def make_pool(*users: User, weights: tuple[int, ...] = (), **fields: Any) -> Pool:
    pool = Pool.objects.create(**{"name": "Inside sales", **fields})
    for position, user in enumerate(users):
        weight = weights[position] if weights else 1
        PoolMember.objects.create(pool=pool, user=user, position=position, weight=weight)
    return pool


def publish_rules(*rules: actions.NewRule, at: datetime = NOON) -> RuleSet:
    actions.save_draft(rules, at=at)
    return actions.publish_draft(at=at)


def pool_rule(pool: Pool, **fields: Any) -> actions.NewRule:
    values = {"name": pool.name, "target_kind": RoutingRule.Target.POOL, "target_id": pool.pk}
    return actions.NewRule(**{**values, **fields})
