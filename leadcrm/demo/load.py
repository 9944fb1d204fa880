"""Writes the demo company down: in bulk and in order, so that every ledger agrees with the present.

Nothing is announced: history has happened, nobody is to be mailed or notified for it.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from operator import attrgetter, itemgetter
from random import Random
from typing import TypeVar
from urllib.parse import urlencode

from django.db import transaction
from django.db.models import Model

from leadcrm.accounts.models import Membership, Team, User, WorkingHours, Workspace
from leadcrm.demo import company, own
from leadcrm.demo.journeys import earlier_visits
from leadcrm.demo.story import TARGET, Story, stories
from leadcrm.lib import normalise
from leads.activity_types import type_of
from leads.models import (
    Activity,
    Company,
    Consent,
    Form,
    FormVersion,
    InboxItem,
    Inquiry,
    Lead,
    LeadIdentifier,
    LeadScore,
    LeadTag,
    Lifecycle,
    MarketingCampaign,
    Source,
    SpendEntry,
    Stage,
    Status,
    Tag,
    Touch,
)
from pipeline import actions as pipeline
from pipeline.models import (
    Assignment,
    Deal,
    Pool,
    PoolMember,
    ResponseClock,
    SalesCycle,
    Task,
    Transition,
)
from scoring.models import BantAnswer

Row = TypeVar("Row", bound=Model)
BATCH = 2000
WORKDAYS = range(5)
STATUS_AT = {
    "new": Status.NEW,
    "contacted": Status.ATTEMPTING,
    "mql": Status.CONNECTED,
    "sql": Status.QUALIFIED,
    "proposal": Status.QUALIFIED,
    "won": Status.WON,
    "lost": Status.LOST,
}
LIFECYCLE_AT = {
    "new": Lifecycle.LEAD,
    "contacted": Lifecycle.LEAD,
    "mql": Lifecycle.MQL,
    "sql": Lifecycle.SQL,
    "proposal": Lifecycle.OPPORTUNITY,
    "won": Lifecycle.CUSTOMER,
    "lost": Lifecycle.LEAD,
}


@dataclass(frozen=True, slots=True)
class Staff:
    """Whom the stories speak of, by key."""

    users: dict[str, User]
    teams: dict[str, Team]
    sources: dict[str, Source]
    campaigns: dict[str, MarketingCampaign]
    forms: dict[str, Form]
    stages: dict[str, Stage]

    def user(self, key: str) -> User | None:
        return self.users.get(key)


@transaction.atomic
def load_company(*, now: datetime) -> Staff:
    """Colleagues, teams, working hours, forms, sources, campaigns with their costs."""
    pipeline.ensure_defaults()
    Workspace.objects.update_or_create(pk=1, defaults=company.WORKSPACE)
    teams = load_teams()
    users = {person.key: load_colleague(person, teams) for person in company.COLLEAGUES}
    Team.objects.filter(name="Sales").update(manager=users["daniel"])
    sources = {
        origin.key: Source.objects.update_or_create(
            key=origin.key,
            defaults={"name": origin.name, "kind": origin.kind, "channel": origin.channel},
        )[0]
        for origin in company.ORIGINS
    }
    staff = Staff(
        users=users,
        teams=teams,
        sources=sources,
        campaigns=load_campaigns(),
        forms={form.slug: load_form(form, sources) for form in company.FORMS},
        stages={stage.key: stage for stage in Stage.objects.filter(pipeline__is_default=True)},
    )
    own.define()
    load_routing(staff, now=now)
    load_spend(staff, now=now)
    return staff


def load_teams() -> dict[str, Team]:
    teams: dict[str, Team] = {}
    for name, parent in company.TEAMS.items():
        teams[name], _ = Team.objects.update_or_create(
            name=name, defaults={"parent": teams.get(parent or "")}
        )
    return teams


def load_colleague(person: company.Colleague, teams: dict[str, Team]) -> User:
    user = User.objects.filter(email=person.email).first() or User(email=person.email)
    user.name, user.role, user.hue = person.name, person.role, person.hue
    user.time_zone = person.time_zone
    user.set_password(company.PASSWORD)
    user.save()
    Membership.objects.get_or_create(user=user, team=teams[person.team])
    # Who has no hours is always on duty, so that the demo works at night too.
    if person.keeps_hours and not user.working_hours.exists():
        WorkingHours.objects.bulk_create(
            WorkingHours(user=user, weekday=day, starts=time(9), ends=time(17, 30))
            for day in WORKDAYS
        )
    return user


def load_campaigns() -> dict[str, MarketingCampaign]:
    return {
        origin.campaign: MarketingCampaign.objects.update_or_create(
            utm_campaign=origin.campaign,
            defaults={
                "name": origin.campaign.replace("-", " ").capitalize(),
                "channel": origin.channel,
                "budget": 12 * origin.monthly or None,
            },
        )[0]
        for origin in company.ORIGINS
        if origin.campaign
    }


def load_form(form: company.DemoForm, sources: dict[str, Source]) -> Form:
    origin = next(o for o in company.ORIGINS if o.form == form.slug)
    row, made = Form.objects.get_or_create(
        slug=form.slug,
        defaults={"name": form.name, "source": sources[origin.key], "kind": form.activity},
    )
    if made:
        row.published = FormVersion.objects.create(
            form=row,
            number=1,
            title=form.title,
            intro=form.intro,
            fields=[{"key": key, **company.FIELDS[key]} for key in form.asks],
            consent_text=company.CONSENT_TEXT,
            submit_label=form.submit_label,
        )
        row.save(update_fields=["published"])
    return row


def load_routing(staff: Staff, *, now: datetime) -> None:
    """Two regions with their pools; the rest is shared by everybody, by weight."""
    pool = Pool.objects.get(includes_everyone=True)
    fill_pool(pool, company.REPS, staff)
    rules = [regional_rule(region, staff) for region in company.REGIONS]
    pipeline.save_draft(
        [
            *rules,
            pipeline.NewRule(name="Everyone else", target_kind="pool", target_id=pool.pk),
        ],
        at=now,
        fallback_queue=staff.teams["Sales"],
    )
    pipeline.publish_draft(at=now)


def regional_rule(region: company.Region, staff: Staff) -> pipeline.NewRule:
    """Leads of these countries go to the reps of the team that speaks their languages."""
    pool, _ = Pool.objects.get_or_create(
        name=region.team, defaults={"queue": staff.teams[region.team]}
    )
    fill_pool(pool, [rep for rep in company.REPS if rep.team == region.team], staff)
    return pipeline.NewRule(
        name=region.team,
        target_kind="pool",
        target_id=pool.pk,
        condition={"field": "country", "op": "in", "value": list(region.countries)},
    )


def fill_pool(pool: Pool, reps: Sequence[company.Colleague], staff: Staff) -> None:
    for position, rep in enumerate(reps):
        PoolMember.objects.update_or_create(
            pool=pool,
            user=staff.users[rep.key],
            defaults={"position": position, "weight": rep.weight},
        )


def load_spend(staff: Staff, *, now: datetime) -> None:
    """What each paid way in has cost, month by month."""
    random = Random(7)
    SpendEntry.objects.filter(campaign__in=staff.campaigns.values()).delete()
    first = now.date().replace(day=1)
    rows = []
    for months_ago in range(24):
        start = (first - timedelta(days=30 * months_ago)).replace(day=1)
        end = (start + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        growth = 1 - 0.025 * months_ago
        rows += [
            SpendEntry(
                channel=origin.channel,
                campaign=staff.campaigns.get(origin.campaign),
                first_day=start,
                last_day=end,
                amount=Decimal(int(origin.monthly * growth * random.uniform(0.85, 1.15))),
                currency="EUR",
            )
            for origin in company.ORIGINS
            if origin.monthly
        ]
    SpendEntry.objects.bulk_create(rows)


# Leads ------------------------------------------------------------------------------------------


def load_stories(staff: Staff, *, count: int, seed: int, now: datetime) -> list[tuple[Story, Lead]]:
    """Everything that happened to `count` leads; two people with one address are one lead."""
    told: dict[str, Story] = {}
    for story in stories(count=count, seed=seed, now=now):
        story.happenings.sort(key=lambda happening: happening.at)
        told[story.fields["email"]] = story
    in_order = sorted(told.values(), key=attrgetter("created_at"))
    writer = Writer(staff, in_order, now=now, seed=seed)
    return list(zip(writer.told, writer.write(), strict=True))


class Writer:
    """Writes one list of stories, table by table."""

    def __init__(self, staff: Staff, told: list[Story], *, now: datetime, seed: int) -> None:
        self.staff = staff
        self.told = told
        self.now = now
        self.random = Random(seed)
        self.pipeline = staff.stages["new"].pipeline

    @transaction.atomic
    def write(self) -> list[Lead]:
        companies = self.write_companies()
        self.leads = bulk(self.lead(story, companies) for story in self.told)
        pairs = list(zip(self.told, self.leads, strict=True))
        bulk(identifier for story, lead in pairs for identifier in identifiers(lead))
        bulk(self.score_row(story, lead) for story, lead in pairs)
        items = bulk(self.inbox_item(story, lead, at) for story, lead, at in self.asked(pairs))
        inquiries = bulk(
            self.inquiry(story, lead, at, item)
            for (story, lead, at), item in zip(self.asked(pairs), items, strict=True)
        )
        bulk(
            self.touch(story, lead, inquiry)
            for (story, lead, _), inquiry in zip(self.asked(pairs), inquiries, strict=True)
        )
        bulk(
            touch
            for story, lead in pairs
            for touch in earlier_visits(story, lead, self.staff.campaigns)
        )
        bulk(row for story, lead in pairs for row in self.consents(story, lead))
        bulk(row for story, lead in pairs for row in self.activities(story, lead))
        self.write_tags(pairs)
        bulk(row for story, lead in pairs for row in bant_answers(story, lead))
        self.write_pipeline(pairs, {inquiry.lead_id: inquiry for inquiry in reversed(inquiries)})
        return self.leads

    def asked(self, pairs: Sequence[tuple[Story, Lead]]) -> Iterable[tuple[Story, Lead, datetime]]:
        """Each inquiry with its moment, in the order they came."""
        moments = [
            (at, lead.pk, story, lead)
            for story, lead in pairs
            for at in (story.created_at, story.asked_again_at)
            if at
        ]
        for at, _, story, lead in sorted(moments, key=itemgetter(0, 1)):
            yield story, lead, at

    def write_companies(self) -> dict[str, Company]:
        wanted: dict[str, Company] = {}
        for story in self.told:
            name = story.fields["company_name"]
            if name and name not in wanted:
                domain = story.fields["email"].rpartition("@")[2]
                wanted[name] = Company(
                    name=name,
                    domain="" if domain == "gmail.com" else domain,
                    industry=story.fields["industry"],
                    size=story.fields["company_size"],
                    country=story.fields["country"],
                    city=story.fields["city"],
                    created_at=story.created_at,
                )
        taken: set[str] = set()
        for row in wanted.values():
            row.domain = "" if row.domain in taken else row.domain
            taken.add(row.domain)
        return {row.name: row for row in bulk(wanted.values())}

    def lead(self, story: Story, companies: dict[str, Company]) -> Lead:
        stage, entered_at = story.path[-1]
        waiting_since = self.waiting_since(story)
        started = waiting_since or story.created_at
        unanswered = story.closed_at is not None and story.responded_at is None
        tasks = [due for *_, due, done in story.tasks if done is None]
        return Lead(
            **story.fields,
            custom=own.values_of(story, now=self.now),
            company=companies.get(story.fields["company_name"]),
            source=self.staff.sources[story.origin.key],
            created_at=story.created_at,
            updated_at=entered_at,
            stage=self.staff.stages[stage],
            stage_entered_at=entered_at,
            status=STATUS_AT[stage],
            lifecycle=LIFECYCLE_AT[stage],
            owner=self.staff.user(story.owner),
            team=None if story.owner else self.staff.teams["Sales"],
            next_step_at=min(tasks, default=None),
            response_started_at=None if unanswered else started,
            response_due_at=None if unanswered else started + TARGET,
            responded_at=None if waiting_since else story.responded_at,
        )

    def waiting_since(self, story: Story) -> datetime | None:
        """Since when an open lead waits for a person, if it does."""
        if story.closed_at is not None:
            return None
        return story.asked_again_at or (None if story.responded_at else story.created_at)

    def score_row(self, story: Story, lead: Lead) -> LeadScore:
        scored = [happening for happening in story.happenings if type_of(happening.type).scored]
        last = scored[-1] if scored else None
        return LeadScore(
            lead=lead,
            last_activity_at=last.at if last else None,
            last_activity_type=last.type if last else "",
        )

    def inbox_item(self, story: Story, lead: Lead, at: datetime) -> InboxItem:
        form = self.staff.forms.get(story.origin.form)
        answers = {key: value for key, value in story.fields.items() if value}
        body = (urlencode(answers) if form else json.dumps({"fields": answers})).encode()
        return InboxItem(
            source=self.staff.sources[story.origin.key],
            form_version=form.published if form else None,
            door=f"form:{form.pk}" if form else "api",
            path=f"/f/{form.slug}/" if form else "/api/v1/capture/",
            content_type="application/x-www-form-urlencoded" if form else "application/json",
            headers={"User-Agent": "Mozilla/5.0"},
            email=lead.email,
            progress=[
                {"step": "parsed", "words": f"{len(answers)} answers to “{story.origin.name}”"},
                {"step": "matched", "words": "A new lead: nobody known by this address or number"},
                {"step": "applied", "words": "Part of the lead’s story"},
            ],
            body=body,
            remote_address="192.0.2.0",
            content_hash=hashlib.sha256(body).hexdigest(),
            state=InboxItem.State.APPLIED,
            lead=lead,
            received_at=at,
            settled_at=at + timedelta(seconds=1),
            due_at=None,
        )

    def inquiry(self, story: Story, lead: Lead, at: datetime, item: InboxItem) -> Inquiry:
        last = story.asked_again_at or story.created_at
        return Inquiry(
            lead=lead,
            inbox_item=item,
            source=item.source,
            form_version=item.form_version,
            fields={"email": lead.email},
            context={"page_url": f"https://marlow.example{story.landing_page}"},
            message=story.message if at == last else "",
            received_at=at,
        )

    def touch(self, story: Story, lead: Lead, inquiry: Inquiry) -> Touch:
        campaign = self.staff.campaigns.get(story.origin.campaign)
        paid = story.origin.channel.startswith("paid")
        return Touch(
            lead=lead,
            inquiry=inquiry,
            channel=story.origin.channel,
            campaign=campaign,
            utm_source=story.origin.key.partition("-")[0] if campaign else "",
            utm_medium="cpc" if paid else "",
            utm_campaign=story.origin.campaign,
            landing_page=story.landing_page,
            occurred_at=inquiry.received_at,
        )

    def consents(self, story: Story, lead: Lead) -> Iterable[Consent]:
        if story.consents:
            yield Consent(
                lead=lead,
                purpose=Consent.Purpose.MARKETING_EMAIL,
                granted=True,
                wording=company.CONSENT_TEXT,
                wording_hash=hashlib.sha256(company.CONSENT_TEXT.encode()).hexdigest(),
                source=story.origin.name,
                at=story.created_at,
            )

    def activities(self, story: Story, lead: Lead) -> Iterable[Activity]:
        for happening in story.happenings:
            yield Activity(
                lead=lead,
                type=happening.type,
                occurred_at=happening.at,
                received_at=happening.at,
                properties=happening.properties,
                category=happening.category,
                user=self.staff.user(happening.by),
            )
        for (earlier, _), (stage, at) in zip(story.path, story.path[1:], strict=False):
            yield Activity(
                lead=lead,
                type="stage_changed",
                occurred_at=at,
                received_at=at,
                properties={
                    "from": self.staff.stages[earlier].name,
                    "to": self.staff.stages[stage].name,
                },
                user=self.staff.user(story.owner),
            )

    def write_tags(self, pairs: Sequence[tuple[Story, Lead]]) -> None:
        names = sorted({name for story in self.told for name in story.tags})
        tags = {name: Tag.objects.get_or_create(name=name)[0] for name in names}
        bulk(LeadTag(lead=lead, tag=tags[name]) for story, lead in pairs for name in story.tags)

    # Pipeline -----------------------------------------------------------------------------------

    def write_pipeline(
        self, pairs: Sequence[tuple[Story, Lead]], first_inquiry: dict[int, Inquiry]
    ) -> None:
        cycles = bulk(self.cycle(story, lead, first_inquiry[lead.pk]) for story, lead in pairs)
        three = list(zip(self.told, self.leads, cycles, strict=True))
        bulk(row for story, lead, cycle in three for row in self.transitions(story, lead, cycle))
        pipeline.recount_reached()
        bulk(self.clock(story, lead, cycle) for story, lead, cycle in three)
        bulk(self.assignment(story, lead, cycle) for story, lead, cycle in three)
        bulk(self.deal(story, lead, cycle) for story, lead, cycle in three if story.amount)
        bulk(row for story, lead, _ in three for row in self.tasks(story, lead))

    def cycle(self, story: Story, lead: Lead, inquiry: Inquiry) -> SalesCycle:
        reached = dict(reversed(story.path))
        won = "won" in reached
        closed = story.closed_at is not None
        return SalesCycle(
            lead=lead,
            number=1,
            pipeline=self.pipeline,
            source=lead.source,
            opened_at=story.created_at,
            opened_by_inquiry=inquiry,
            received_at=story.created_at,
            first_response_at=story.responded_at,
            first_response_by=self.staff.user(story.owner) if story.responded_at else None,
            mql_at=reached.get("mql"),
            sql_at=reached.get("sql"),
            accepted_at=reached.get("sql"),
            closed_at=story.closed_at,
            outcome=("won" if won else "lost") if closed else "",
            lost_reason=story.lost_reason if closed and not won else "",
            owner_at_close=lead.owner if closed else None,
        )

    def transitions(self, story: Story, lead: Lead, cycle: SalesCycle) -> Iterable[Transition]:
        previous: tuple[str, datetime] | None = None
        for stage, at in story.path:
            yield Transition(
                lead=lead,
                cycle=cycle,
                from_stage=self.staff.stages[previous[0]] if previous else None,
                to_stage=self.staff.stages[stage],
                at=at,
                actor=lead.owner if previous else None,
                cause=Transition.Cause.MANUAL if previous else Transition.Cause.OPENED,
                seconds_in_from=int((at - previous[1]).total_seconds()) if previous else None,
            )
            previous = (stage, at)

    def clock(self, story: Story, lead: Lead, cycle: SalesCycle) -> ResponseClock:
        waiting_since = self.waiting_since(story)
        started = waiting_since or story.created_at
        answered = None if waiting_since else story.responded_at
        seconds = int((answered - started).total_seconds()) if answered else None
        late = (answered or self.now) > started + TARGET
        return ResponseClock(
            cycle=cycle,
            lead=lead,
            target_minutes=int(TARGET.total_seconds() // 60),
            started_at=started,
            respond_by=started + TARGET,
            first_response_at=answered,
            stopped_by=lead.owner if answered else None,
            wall_seconds=seconds,
            working_seconds=seconds,
            cancelled_at=story.closed_at if answered is None and story.closed_at else None,
            late_at=started + TARGET if late else None,
            warned_at=started + TARGET / 2 if late else None,
            due_at=None if late or answered or story.closed_at else started + TARGET,
        )

    def assignment(self, story: Story, lead: Lead, cycle: SalesCycle) -> Assignment:
        return Assignment(
            lead=lead,
            cycle=cycle,
            owner=lead.owner,
            team=lead.team,
            from_at=story.created_at,
            cause=Assignment.Cause.ROUTED if lead.owner else Assignment.Cause.OPENED,
            accepted_at=story.created_at if lead.owner else None,
        )

    def deal(self, story: Story, lead: Lead, cycle: SalesCycle) -> Deal:
        state = cycle.outcome or Deal.State.OPEN
        expected = (
            story.closed_at or self.now + timedelta(days=self.random.randrange(5, 80))
        ).date()
        return Deal(
            lead=lead,
            cycle=cycle,
            name=f"{lead.company_name or lead.name}, yearly plan",
            amount=Decimal(story.amount),
            currency="EUR",
            expected_close=expected,
            state=state,
            closed_at=story.closed_at,
            created_by=lead.owner,
            created_at=story.path[-1][1] if story.closed_at is None else story.created_at,
            updated_at=story.closed_at or self.now,
        )

    def tasks(self, story: Story, lead: Lead) -> Iterable[Task]:
        for kind, title, due_at, done_at in story.tasks:
            yield Task(
                lead=lead,
                assignee=lead.owner,
                kind=kind,
                title=title,
                due_at=due_at,
                done_at=done_at,
                done_by=lead.owner if done_at else None,
                created_by=lead.owner,
                created_at=story.path[-1][1],
            )


def identifiers(lead: Lead) -> Iterable[LeadIdentifier]:
    if email := normalise.email(lead.email):
        yield LeadIdentifier(lead=lead, kind=LeadIdentifier.Kind.EMAIL, value=email.canonical)
    if lead.phone:
        yield LeadIdentifier(lead=lead, kind=LeadIdentifier.Kind.PHONE, value=lead.phone)


def bant_answers(story: Story, lead: Lead) -> Iterable[BantAnswer]:
    for dimension, (level, value, at) in story.bant.items():
        yield BantAnswer(
            lead=lead,
            dimension=dimension,
            level=level,
            value=value,
            source=BantAnswer.Source.REP,
            answered_by=lead.owner,
            at=at,
        )


def bulk(rows: Iterable[Row]) -> list[Row]:
    """Insert in batches; the rows come back with their keys."""
    rows = list(rows)
    if not rows:
        return []
    return list(type(rows[0])._default_manager.bulk_create(rows, batch_size=BATCH))
