"""One of everything, with an address for each route and somebody of every kind to ask for it."""

import io
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLPattern
from django.utils import timezone

from leadcrm.accounts.actions import create_api_key, notify
from leadcrm.accounts.models import (
    Absence,
    ApiKey,
    HolidayCalendar,
    Notification,
    Role,
    Team,
    User,
)
from leads import capture, exporting, undo
from leads.actions import record_consent
from leads.actions.attachments import attach
from leads.actions.knowing import propose
from leads.actions.merging import merge_leads
from leads.actions.saved_views import save_view
from leads.actions.segments import create_segment
from leads.importing import steering
from leads.models import (
    Activity,
    Asset,
    Company,
    ConnectionSecret,
    DuplicateCandidate,
    ExchangeRate,
    FormVersion,
    InboxDeed,
    InboxItem,
    Lead,
    MarketingCampaign,
    SpamRule,
    SpendEntry,
    Stage,
    TransactionalMail,
    Unfinished,
)
from nurturing import tracking
from nurturing.models import FrequencyPolicy, Sender
from nurturing.tracking import Recipient
from pipeline import actions as pipeline
from pipeline.actions.letters import save_template
from pipeline.actions.meetings import Plan, book_meeting
from pipeline.actions.products import save_product
from pipeline.models import CloseReason, ResponseTarget, RoutingDecision, RoutingRule
from scoring import actions as scoring
from scoring.actions.responses import answer_survey
from scoring.defaults import ensure_default_model
from scoring.models import BantAnswer, Rescore, ScoringModel
from tests.factories import LeadFactory, TeamFactory, UserFactory, make_form, make_funnel
from tests.leads.factories import FieldFactory
from tests.leads.sources import connect, secret_of
from tests.leads.websites import make_site, recognise
from tests.nurturing.factories import make_campaign, plan_mails
from tests.pipeline.factories import make_inquiry, make_pool
from tests.scoring.surveys import make_survey, token_of
from tests.test_public_routes import routes

APPS = ("leads", "pipeline", "scoring", "nurturing", "marketing", "admin")
WRITE_SCOPES = [f"{app}:write" for app in APPS]
READ_SCOPES = [*(f"{app}:read" for app in APPS), "reports:read"]
ALL_SCOPES = ["capture:write", *READ_SCOPES, *WRITE_SCOPES]
MAIL = "20261119-120000-0001.eml"


@dataclass(eq=False)
class World:
    """Alice owns the lead; Bob and Charlie work in another team."""

    lead: Lead
    people: dict[str, User]
    keys: dict[str, str]
    arguments: dict[str, dict[str, Any]] = field(default_factory=dict)

    def client(self, who: str, **more: Any) -> Client:
        """A browser in which `who` has signed in, or a program with the key `who`."""
        if who in self.keys:
            return Client(headers={"Authorization": f"Bearer {self.keys[who]}"}, **more)
        client = Client(**more)
        if who in self.people:
            client.force_login(self.people[who])
        return client

    def address(self, route: str, pattern: URLPattern) -> str:
        """The address of a route with its arguments filled in."""
        path = route
        for name, converter in pattern.pattern.converters.items():
            value = converter.to_url(self._argument(route, name))
            start = path.index("<")
            path = path[:start] + str(value) + path[path.index(">", start) + 1 :]
        return f"/{path}"

    def addresses(self) -> Iterator[tuple[str, str]]:
        """Every route of ours, with an address; the sign-in library's are its own affair."""
        for route, pattern in routes():
            if not route.startswith("accounts/"):
                yield route, self.address(route, pattern)

    def _argument(self, route: str, name: str) -> Any:
        found = [
            values[name]
            for prefix, values in self.arguments.items()
            if route.startswith(prefix) and name in values
        ]
        assert found, f"Say in tests/world.py what <{name}> is in {route}"
        return found[-1]


def make_world() -> World:
    """:returns: with arguments by the beginning of a route; the last that fits decides."""
    make_funnel()
    ensure_default_model()
    FrequencyPolicy.load()
    Sender.load()
    pipeline.ensure_default_routing()
    north, south = TeamFactory(name="North"), TeamFactory(name="South")
    people = _people(north, south)
    alice, now = people["owner"], timezone.now()
    lead = _lead(alice, north)
    keys = _keys(alice)
    world = World(lead, people, keys)
    make_form()
    campaign = make_campaign()
    send = plan_mails(campaign, lead)[0]
    capture.store(
        capture.Arrival(door="api", body=b"{}", content_type="application/json", path="/"), at=now
    )
    model = ScoringModel.objects.get(is_default=True)
    draft = scoring.create_draft(model.pk, at=now)
    Rescore.objects.create(version=draft, last_id=0, due_at=None, done_at=now)
    company = Company.objects.create(name="Kestrel Logistics")
    Lead.objects.filter(pk=lead.pk).update(company=company)
    deal = pipeline.create_deal(lead.pk, name="Seats", amount=100, at=now, actor=alice)
    task = pipeline.create_task(lead.pk, title="Call", due_at=now, at=now, actor=alice)
    notify(alice, kind="lead", title="A new lead", dedupe_key="world", url="/leads/")
    recipient = Recipient(send.public_id, send.email_hash)
    path = Path(settings.MAIL_DIR) / MAIL
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("From: a@x.example\nTo: b@x.example\nSubject: Hello\n\nHello\n")
    link = tracking.ensure_links(["https://marlow.example/pricing"])
    identity = _identity(lead, alice)
    imported = steering.accept(
        io.BytesIO(b"Name,E-mail\nDora,dora@x.example\n"), name="a.csv", principal=people["manager"]
    )
    steering.drain_jobs()
    exported = exporting.order(alice, format_="csv", query="")
    exporting.drain()
    world.arguments = {
        "": {
            **identity,
            **_selling(lead, alice),
            "lead_id": lead.public_id,
            "public_id": lead.public_id,
            "company_id": company.public_id,
            "deal_id": deal.pk,
            "task_id": task.pk,
            "slug": "book-a-demo",
            "row_id": begun().pk,
            "mail_id": doubtful_mail(lead).pk,
            "asset_id": _asset().pk,
            "segment_id": create_segment(name="Care", kind="frozen").public_id,
            "stage": "new",
            "name": "first_name",
            "receipt_id": InboxItem.objects.get().receipt_id,
            "view_id": save_view(alice, name="Mine", query="owner=me", shared=False).pk,
            "pool_id": make_pool(alice).pk,
            **_routing(lead, alice, now),
            "uid": draft.rules.order_by("pk").first().uid,
            "answer_id": _answer(lead, alice),
            "number": 1,
            "adjustment_id": scoring.adjust_score(
                lead.pk, points=5, reason="Met at the fair", at=now, user=alice
            ).pk,
            "notification_id": Notification.objects.get(user=alice, kind="lead").pk,
            "team_id": north.pk,
            "key_id": ApiKey.objects.order_by("pk").first().pk,
            "deed": "move",
            "site_id": make_site().pk,
            "link_id": recognise(lead).pk,
            "token": undo.token_for("move", alice, now),
        },
        "import/": {"job_id": imported.public_id, "deed": "pause"},
        "exports/": {"job_id": exported.public_id},
        "api/v1/imports/": {"job_id": imported.public_id, "deed": "pause"},
        "api/v1/exports/": {"job_id": exported.public_id},
        "leads/undo/": {"token": undo.token_for("delete", alice, now)},
        "e/u/": {"token": _token(tracking.unsubscribe_url(recipient))},
        "e/p/": {"token": _token(tracking.preferences_url(recipient))},
        "e/o/": {"token": _token(tracking.open_url(send.public_id))},
        "e/c/": {"token": _token(tracking.click_url(send.public_id, next(iter(link.values()))))},
        "api/v1/scoring-models/": {"key": model.key},
        "scoring/models/": {"key": model.key},
        "api/v1/drip-campaigns/": {"key": campaign.key},
        "api/v1/templates/": {"key": "your-guide"},
        "api/v1/leads/": {"key": campaign.key},
        "leads/": {"key": campaign.key, "deed": "accept"},
        "routing/rules/": {"key": _routing_rule_key()},
        "routing/watch/": {"kind": "waiting"},
        "settings/hours/": {"public_id": alice.public_id},
        "nurturing/": {"key": campaign.key, "step": campaign.published.steps.first().key},
        "nurturing/templates/": {"key": "your-guide"},
        "settings/fields/": {"key": FieldFactory().key},
        "settings/pipelines/": {"key": "default", "stage": "sql"},
        "api/v1/pipelines/": {"key": "default"},
        "settings/qualification/": {"key": "champ"},
        "settings/channels/list/": {"key": "email"},
        "settings/channels/rules/": {"key": "sites"},
        **{prefix: money_spent() for prefix in ("marketing/", "api/v1/marketing", "api/v1/spend/")},
        "api/v1/fields/": {"key": "plan"},
        "settings/spam/": {"rule_id": SpamRule.objects.create(kind="block", value="x.example").pk},
        "inbox/": {
            "deed_id": InboxDeed.objects.create(kind="reject", words="Spam", by=alice, upto=0).pk
        },
        "settings/people/": {"public_id": people["stranger"].public_id},
        "settings/mail/": {"key": MAIL},
        "api/v1/sources/": {"key": "partner-site"},
        "sources/": {"key": "partner-site", "use": "access"},
        "sources/<slug:key>/feedback/": {"key": connect("meta", name="Meta").source.key},
        **_survey(lead),
        "in/": {"key": source_address(), "provider": "webhook"},
    }
    return world


def _answer(lead: Lead, alice: User) -> int:
    """What Alice heard on the phone a moment ago."""
    said: dict[str, scoring.Answer] = {"need": {"level": "yes"}}
    scoring.answer_bant(lead.pk, said, source="rep", at=timezone.now(), user=alice)
    return int(BantAnswer.objects.get(lead=lead).pk)


def begun() -> Unfinished:
    """Somebody typed an address and went away."""
    version = FormVersion.objects.order_by("pk").first()
    now = timezone.now()
    row: Unfinished = Unfinished.objects.create(
        version=version, visit="v", answers={"email": "z@x.example"}, seen_at=now, expires_at=now
    )
    return row


def doubtful_mail(lead: Lead) -> TransactionalMail:
    mail: TransactionalMail = TransactionalMail.objects.create(
        kind="asset",
        to_address="z@x.example",
        subject="Your file",
        dedupe_key="world",
        lead=lead,
        state="unknown",
        due_at=None,
    )
    return mail


def _survey(lead: Lead) -> dict[str, dict[str, Any]]:
    """One that the lead has begun to answer by a personal link."""
    survey = make_survey()
    token = token_of(survey, lead, at=timezone.now())
    assert survey.published is not None
    answers = {"budget": "soon"}
    link, at = f"p:{token.rpartition('.')[0]}", timezone.now()
    begun = answer_survey(survey.published, answers, link=link, at=at, lead_id=lead.pk)
    known = {"slug": survey.slug, "response_id": begun.public_id, "deed": "discard"}
    return {"surveys/": known, "api/v1/surveys/": known, "q/": {"token": token}}


def money_spent() -> dict[str, Any]:
    """A campaign that cost something, and a rate to count it by."""
    campaign, _ = MarketingCampaign.objects.get_or_create(utm_campaign="spring", name="Spring")
    entry, _ = SpendEntry.objects.get_or_create(
        channel="email",
        campaign=campaign,
        first_day="2026-11-01",
        last_day="2026-11-30",
        amount=10,
        currency="USD",
    )
    rate, _ = ExchangeRate.objects.get_or_create(currency="USD", month="2026-11-01", rate=1)
    return {"campaign_id": campaign.pk, "entry_id": entry.pk, "rate_id": rate.pk}


def _selling(lead: Lead, alice: User) -> dict[str, Any]:
    """A meeting, a file, an e-mail template and a product, and an entry to correct."""
    pipeline.ensure_defaults()
    soon, now = timezone.now() + timedelta(days=1), timezone.now()
    plan = Plan(starts_at=soon, invites=False)
    upload = SimpleUploadedFile("offer.pdf", b"%PDF-1.7 an offer")
    return {
        "meeting_id": book_meeting(lead.pk, plan, user=alice, at=now).public_id,
        "file_id": attach(lead.pk, upload, user=alice, at=now).public_id,
        "activity_id": Activity.objects.filter(lead=lead).order_by("pk").first().pk,
        "template_id": save_template(
            name="Thanks", subject="Thank you", body="Hello {{ first_name }}", user=alice, at=now
        ).pk,
        "product_id": save_product(name="Seat", price=Decimal(10)).public_id,
        "stage_id": Stage.objects.get(key="sql").pk,
        "reason_id": CloseReason.objects.filter(kind="lost").first().pk,
        "kind": "lost",
    }


def _people(north: Team, south: Team) -> dict[str, User]:
    return {
        "owner": UserFactory(name="Alice Archer", team=north),
        "stranger": UserFactory(name="Bob Baker", team=south),
        "other manager": UserFactory(name="Charlie Cole", role=Role.MANAGER, team=south),
        "manager": UserFactory(name="Dora Dahl", role=Role.MANAGER, team=north),
        "marketer": UserFactory(name="Emil Eco", role=Role.MARKETER),
        "admin": UserFactory(name="Frida Falk", role=Role.ADMIN),
    }


def _lead(alice: User, team: Team) -> Lead:
    lead = LeadFactory(owner=alice, team=team)
    record_consent(lead.pk, "marketing_email", granted=True, at=timezone.now())
    inquiry = make_inquiry(lead, at=timezone.now() - timedelta(minutes=5))
    pipeline.open_cycle(lead.pk, at=timezone.now(), inquiry=inquiry)
    lead.refresh_from_db()
    return lead


def _identity(lead: Lead, alice: User) -> dict[str, Any]:
    """A twin of the lead, one that was merged into it, and a value it was given."""
    at = timezone.now()
    twin = LeadFactory(owner=alice, team=lead.team)
    pair = DuplicateCandidate.objects.create(lead_a=lead, lead_b=twin, score=80)
    merge = merge_leads(lead.pk, LeadFactory().pk, at=at)
    [proposal] = propose(lead.pk, {"job_title": "CFO"}, at=at)
    lead.refresh_from_db()
    return {
        "pair_id": pair.pk,
        "merge_id": merge.pk,
        "proposal_id": proposal.pk,
        "batch": uuid.uuid4(),
    }


def _keys(alice: User) -> dict[str, str]:
    def key(name: str, scopes: list[str], **more: Any) -> str:
        return create_api_key(name=name, scopes=scopes, **more).plain

    return {
        "reading key": key("Reports", READ_SCOPES),
        "wrong key": key("Other", ["tracking:write"]),
        "full key": key("Everything", ALL_SCOPES),
        "owner's key": key("Alice's", ALL_SCOPES, user=alice),
    }


def _asset() -> Asset:
    return Asset.objects.create(name="Guide", kind="link", url="https://marlow.example/guide")


def _token(url: str) -> str:
    return url.rstrip("/").rpartition("/")[2]


def source_address() -> str:
    connection = connect("webhook", name="Partner site")
    return secret_of(connection, ConnectionSecret.Use.ADDRESS)


def _routing(lead: Lead, alice: User, now: datetime) -> dict[str, Any]:
    """A decision, a target, an absence to come and a calendar of holidays."""
    decision = RoutingDecision.objects.create(lead=lead, reason="By hand", decided_at=now)
    day = (now + timedelta(days=30)).date()
    calendar = HolidayCalendar.objects.create(name="Netherlands")
    return {
        "decision_id": decision.pk,
        "target_id": ResponseTarget.objects.create(name="Every lead").pk,
        "absence_id": Absence.objects.create(user=alice, first_day=day, last_day=day).pk,
        "calendar_id": calendar.pk,
        "user_id": alice.public_id,
    }


def _routing_rule_key() -> str:
    return str(RoutingRule.objects.order_by("pk").first().key)
