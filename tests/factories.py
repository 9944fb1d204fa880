"""People, leads and funnels for tests. Alice is a rep, Bob another, Charlie a manager."""

from datetime import UTC, datetime
from typing import Any

import factory
from factory.django import DjangoModelFactory

from leadcrm.accounts.models import Membership, Role, Team, User
from leads.models import Form, FormVersion, Lead, LeadIdentifier, LeadScore, Pipeline, Source, Stage

NOON = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)
PASSWORD = "correct-horse-battery"

STAGES = [
    ("new", "New", "awareness", "open", 5),
    ("contacted", "Contacted", "awareness", "open", 10),
    ("mql", "MQL", "research", "open", 20),
    ("sql", "SQL", "purchase", "open", 40),
    ("proposal", "Proposal", "purchase", "open", 70),
    ("won", "Won", "retention", "won", 100),
    ("lost", "Lost", "retention", "lost", 0),
]


class TeamFactory(DjangoModelFactory[Team]):
    class Meta:
        model = Team

    name = factory.Sequence(lambda n: f"Team {n}")


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@example.com")
    name = factory.Sequence(lambda n: f"Person {n}")
    role = Role.REP

    @factory.post_generation
    def password(self, create: bool, extracted: str | None, **_: Any) -> None:
        self.set_password(extracted or PASSWORD)  # type: ignore[attr-defined]
        if create:
            self.save()  # type: ignore[attr-defined]

    @factory.post_generation
    def team(self, create: bool, extracted: Team | None, **_: Any) -> None:
        if create and extracted is not None:
            Membership.objects.create(user=self, team=extracted)  # type: ignore[misc]


class SourceFactory(DjangoModelFactory[Source]):
    class Meta:
        model = Source
        django_get_or_create = ("key",)

    key = "website"
    name = "Website"


class LeadFactory(DjangoModelFactory[Lead]):
    """A lead with its score row and its e-mail identifier, as the product makes them."""

    class Meta:
        model = Lead
        skip_postgeneration_save = True

    first_name = "Priya"
    last_name = factory.Sequence(lambda n: f"Raman{n}")
    email = factory.Sequence(lambda n: f"priya{n}@kestrel.example")
    company_name = "Kestrel Logistics"

    @factory.post_generation
    def score(self, create: bool, extracted: int | None, **_: Any) -> None:
        if create:
            LeadScore.objects.create(lead=self, score=extracted or 0)  # type: ignore[misc]

    @factory.post_generation
    def identifier(self, create: bool, extracted: Any, **_: Any) -> None:
        if create and self.email:
            LeadIdentifier.objects.create(
                lead=self,  # type: ignore[misc]
                kind=LeadIdentifier.Kind.EMAIL,
                value=self.email.casefold(),  # type: ignore[attr-defined]
            )


def make_funnel() -> dict[str, Stage]:
    """The default pipeline with its stages, by key."""
    pipeline, _ = Pipeline.objects.get_or_create(
        key="default", defaults={"name": "Sales", "is_default": True}
    )
    for position, (key, name, type_, category, probability) in enumerate(STAGES):
        Stage.objects.get_or_create(
            pipeline=pipeline,
            key=key,
            defaults={
                "name": name,
                "short_name": name,
                "position": position,
                "type": type_,
                "category": category,
                "probability": probability,
            },
        )
    return {stage.key: stage for stage in Stage.objects.filter(pipeline=pipeline)}


def make_form(slug: str = "book-a-demo", **changes: Any) -> Form:
    """A published form asking name, e-mail, company and a message, with a consent box."""
    source = SourceFactory(key=f"form-{slug}", name="Book a demo", kind="form")
    form = Form.objects.create(slug=slug, name="Book a demo", source=source)
    fields = changes.pop("fields", None) or [
        {"key": "first_name", "label": "First name", "type": "text", "maps_to": "first_name"},
        {"key": "last_name", "label": "Last name", "type": "text", "maps_to": "last_name"},
        {
            "key": "email",
            "label": "Work e-mail",
            "type": "email",
            "required": True,
            "maps_to": "email",
        },
        {"key": "company", "label": "Company", "type": "text", "maps_to": "company_name"},
        {"key": "message", "label": "What do you need?", "type": "textarea", "maps_to": "message"},
    ]
    version = FormVersion.objects.create(
        form=form,
        number=1,
        title="Book a demo",
        fields=fields,
        consent_text="Yes, send me tips on shift planning by e-mail.",
        **changes,
    )
    form.published = version
    form.save(update_fields=["published"])
    return form
