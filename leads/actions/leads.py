"""Making, changing and removing leads."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypedDict

from django.db import IntegrityError, transaction
from django.db.models import F

from leadcrm.accounts.models import User, Workspace
from leadcrm.eventlog.actions import Actor, deliver_for, publish
from leadcrm.lib import normalise
from leadcrm.lib.errors import Conflict, FieldError, Invalid, NotFound, StaleVersion
from leads.actions.activities import mark_dirty, record_activity
from leads.actions.duplicates import look_for_twins
from leads.actions.uniques import refuse_taken
from leads.events import LeadCreated, LeadDeleted, LeadRestored, LeadUpdated
from leads.fields import records
from leads.freemail import is_free_provider
from leads.models import Company, Lead, LeadIdentifier, LeadScore, LeadTag, Source, Tag

TEXT_LIMITS = {
    "first_name": 100,
    "last_name": 100,
    "email": 254,
    "phone": 40,
    "job_title": 120,
    "company_name": 200,
    "website": 300,
    "country": 2,
    "region": 80,
    "city": 80,
    "language": 10,
    "time_zone": 50,
    "industry": 80,
}


# What tells that two leads may be one person.
TELLING = frozenset({"first_name", "last_name", "email", "phone", "company_name", "website"})


class ContactFields(TypedDict, total=False):
    """The fields people fill in. See `Lead`."""

    first_name: str
    last_name: str
    email: str
    phone: str
    job_title: str
    company_name: str
    website: str
    country: str
    region: str
    city: str
    language: str
    time_zone: str
    industry: str
    company_size: int | None
    custom: dict[str, Any]


class EmailTaken(Conflict):
    """Another lead has this e-mail address."""

    code = "email_taken"

    def __init__(self, lead: Lead) -> None:
        super().__init__(
            f"The e-mail address belongs to {lead.name}. Open that lead, or merge the two.",
            errors=[FieldError("email", "This address belongs to another lead.", "email_taken")],
        )
        self.lead = lead


class IdTaken(Conflict):
    """Another lead has this id of another system."""

    code = "id_taken"

    def __init__(self, lead: Lead) -> None:
        super().__init__(
            f"The id belongs to {lead.name}. Open that lead, or merge the two.",
            errors=[FieldError("external_id", "This id belongs to another lead.", "id_taken")],
        )
        self.lead = lead


@transaction.atomic
def create_lead(
    fields: ContactFields,
    *,
    at: datetime,
    source: Source | None = None,
    actor: Actor | None = None,
    user: User | None = None,
    is_test: bool = False,
    announce: bool = True,
    channel: str = "app",
    external: str = "",
) -> Lead:
    """Make a lead with its score row, identifiers and company.

    :param announce: publish `LeadCreated`; a capture publishes its own event instead.
    :param external: an id of another system, `<source>:<id>`.
    :raises EmailTaken: the address identifies another lead. :raises IdTaken: the id does.
    :raises ValueTaken: another lead has a value of a field that must be unique.
    :raises Invalid: the e-mail address is not one.
    """
    values = clean_fields(fields)
    if "custom" in values:
        values["custom"] = records.joined({}, values["custom"])
        refuse_taken(values["custom"])
    lead = Lead(**values, source=source, is_test=is_test, created_at=at, updated_at=at)
    lead.company = find_company(lead)
    lead.save(force_insert=True)
    LeadScore.objects.create(lead=lead)
    _identify(lead, external=external)
    if announce:
        publish(LeadCreated(lead_id=lead.pk), at=at, actor=actor, channel=channel)
        record_activity(lead.pk, "lead_created", at=at, user=user)
    mark_dirty([lead.pk])
    look_for_twins([lead.pk])
    if announce and user is not None:
        # A rep sees a lead once it has an owner, and is about to look at it.
        deliver_for(lead.pk)
        lead.refresh_from_db()
    return lead


@transaction.atomic
def update_lead(
    lead_id: int,
    changes: ContactFields,
    *,
    at: datetime,
    version: int | None = None,
    actor: Actor | None = None,
    user: User | None = None,
) -> Lead:
    """Change contact fields; only real changes are written and announced.

    Of the custom fields only those named change; None takes a value out.

    :param version: what the editor read; None writes over whatever is there.
    :raises StaleVersion: somebody saved in between.
    :raises EmailTaken, ValueTaken, Invalid, NotFound:
    """
    lead = (
        Lead.objects.live().select_for_update(of=("self",), no_key=True).filter(pk=lead_id).first()
    )
    if lead is None:
        raise NotFound
    if version is not None and version != lead.version:
        raise StaleVersion(
            f"Somebody else saved this lead (version {lead.version}, you had {version}). "
            "Reload, look at their change, then save yours again."
        )
    values = clean_fields(changes)
    own = values.pop("custom", {})
    refuse_taken(
        {key: value for key, value in own.items() if lead.custom.get(key) != value},
        lead_id=lead.pk,
    )
    stored = _apply(lead, values)
    changed = stored + _apply_custom(lead, own)
    if not changed:
        return lead
    if len(changed) > len(stored):
        stored = [*stored, "custom"]
    if {"company_name", "website"} & set(changed) or (lead.company is None and "email" in changed):
        lead.company = find_company(lead)
        stored.append("company")
    lead.updated_at = at
    lead.version = F("version") + 1
    lead.save(update_fields=[*stored, "updated_at", "version"])
    lead.refresh_from_db(fields=["version"])
    if {"email", "phone"} & set(changed):
        _identify(lead)
    record_activity(lead.pk, "lead_updated", at=at, user=user, properties={"fields": changed})
    publish(LeadUpdated(lead_id=lead.pk, fields=changed), at=at, actor=actor)
    mark_dirty([lead.pk])
    if TELLING & set(changed):
        look_for_twins([lead.pk])
    return lead


@transaction.atomic
def delete_lead(lead_id: int, *, at: datetime, actor: Actor | None = None) -> None:
    """Hide a lead everywhere. Its history stays until it is erased or restored."""
    if Lead.objects.live().filter(pk=lead_id).update(deleted_at=at, updated_at=at):
        publish(LeadDeleted(lead_id=lead_id), at=at, actor=actor)


@transaction.atomic
def delete_leads(lead_ids: Iterable[int], *, at: datetime, actor: Actor | None = None) -> int:
    """Hide many; return how many there were. `restore_leads` finds them by the moment."""
    live = (
        Lead.objects.live()
        .filter(pk__in=list(lead_ids))
        .select_for_update(of=("self",), no_key=True)
    )
    ids = list(live.order_by("pk").values_list("pk", flat=True))
    Lead.objects.filter(pk__in=ids).update(deleted_at=at, updated_at=at)
    for lead_id in ids:
        publish(LeadDeleted(lead_id=lead_id), at=at, actor=actor, channel="app")
    return len(ids)


@transaction.atomic
def restore_leads(deleted_at: datetime, *, at: datetime, actor: Actor | None = None) -> int:
    """Bring back what was deleted at one moment; return how many."""
    leads = list(
        Lead.objects.select_for_update(of=("self",), no_key=True).filter(deleted_at=deleted_at)
    )
    for lead in leads:
        publish(LeadRestored(lead_id=lead.pk), at=at, actor=actor, channel="app")
    ids = [lead.pk for lead in leads]
    Lead.objects.filter(pk__in=ids).update(deleted_at=None, updated_at=at)
    mark_dirty(ids)
    return len(ids)


@transaction.atomic
def add_tags(lead_ids: Iterable[int], names: Iterable[str]) -> list[str]:
    """Give many leads the same tags; those they have already stay.

    :raises Invalid: no tag was named.
    """
    tags = _tags(names)
    if not tags:
        raise Invalid.field("tags", "Write at least one tag.", "required")
    ids = sorted(set(lead_ids))
    LeadTag.objects.bulk_create(
        [LeadTag(lead_id=lead_id, tag=tag) for lead_id in ids for tag in tags],
        ignore_conflicts=True,
    )
    mark_dirty(ids)
    return [tag.name for tag in tags]


@transaction.atomic
def remove_tag(lead_id: int, name: str) -> None:
    LeadTag.objects.filter(lead_id=lead_id, tag__name__iexact=name).delete()
    mark_dirty([lead_id])


@transaction.atomic
def set_tags(lead_id: int, names: Iterable[str], *, at: datetime) -> list[str]:
    """Make these the lead's tags; unknown ones are created."""
    tags = _tags(names)
    LeadTag.objects.filter(lead_id=lead_id).exclude(tag__in=tags).delete()
    LeadTag.objects.bulk_create(
        [LeadTag(lead_id=lead_id, tag=tag) for tag in tags], ignore_conflicts=True
    )
    Lead.objects.filter(pk=lead_id).update(updated_at=at)
    mark_dirty([lead_id])
    return [tag.name for tag in tags]


def _tags(names: Iterable[str]) -> list[Tag]:
    """The tags of these names, made where there are none. A comma parts two names."""
    wanted = {
        normalise.clean_text(part, limit=40): None for name in names for part in name.split(",")
    }
    return [_tag(name) for name in wanted if name]


def _tag(name: str) -> Tag:
    found = Tag.objects.filter(name__iexact=name).first()
    if found:
        return found
    try:
        with transaction.atomic():
            return Tag.objects.create(name=name)
    except IntegrityError:  # somebody made it in between
        return Tag.objects.get(name__iexact=name)


def clean_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Trimmed, normalised and cut to what the columns hold.

    :raises Invalid: an e-mail address, country or company size that cannot be meant.
    """
    values: dict[str, Any] = {
        name: normalise.clean_text(str(fields[name] or ""), limit=limit)
        for name, limit in TEXT_LIMITS.items()
        if name in fields
    }
    if values.get("email"):
        email = normalise.email(values["email"])
        if email is None:
            raise Invalid.field(
                "email",
                f"“{values['email']}” is not an e-mail address. It looks like name@company.com.",
                "invalid_email",
            )
        values["email"] = email.address
    if values.get("country"):
        values["country"] = values["country"].upper()
    if values.get("phone"):
        region = values.get("country")
        if not region and not values["phone"].startswith("+"):
            region = Workspace.load().country
        values["phone"] = normalise.phone(values["phone"], region=region) or values["phone"]
    if "company_size" in fields:
        values["company_size"] = _size(fields["company_size"])
    if "custom" in fields:
        values["custom"] = records.clean_custom(fields["custom"] or {})
    return values


def _size(raw: Any) -> int | None:
    if raw in (None, ""):
        return None
    try:
        size = int(raw)
    except (TypeError, ValueError):
        size = -1
    if not 0 <= size < 100_000_000:
        raise Invalid.field("company_size", "Enter the number of employees as a whole number.")
    return size


def _apply(lead: Lead, values: Mapping[str, Any]) -> list[str]:
    changed = [name for name, value in values.items() if getattr(lead, name) != value]
    for name in changed:
        setattr(lead, name, values[name])
    return changed


def _apply_custom(lead: Lead, changes: Mapping[str, Any]) -> list[str]:
    """The names of what changed, as `custom.<key>`."""
    before = lead.custom or {}
    lead.custom = records.joined(before, changes)
    return [f"custom.{key}" for key in changes if lead.custom.get(key) != before.get(key)]


def _identify(lead: Lead, *, external: str = "") -> None:
    """Store what identifies the lead; an address or id of another lead is refused."""
    kinds = LeadIdentifier.Kind
    if email := normalise.email(lead.email):
        other = _claim(lead, kinds.EMAIL, email.canonical)
        if other is not None:
            raise EmailTaken(other)
    if external:
        other = _claim(lead, kinds.EXTERNAL, external)
        if other is not None:
            raise IdTaken(other)
    if lead.phone.startswith("+"):
        numbers = LeadIdentifier.objects.filter(lead=lead, kind=kinds.PHONE, value=lead.phone)
        if not numbers.exists():
            LeadIdentifier.objects.create(lead=lead, kind=kinds.PHONE, value=lead.phone)


def _claim(lead: Lead, kind: str, value: str) -> Lead | None:
    """Make this the lead's; else whose it is."""
    mine = LeadIdentifier(kind=kind, value=value, lead=lead)
    LeadIdentifier.objects.bulk_create([mine], ignore_conflicts=True)
    # After a conflict the row is another's, or was ours before.
    row = LeadIdentifier.objects.filter(kind=kind, value=value)
    if row.values_list("lead_id", flat=True).get() == lead.pk:
        return None
    return row.select_related("lead").get().lead


def find_company(lead: Lead) -> Company | None:
    """The company by the web domain of the lead's address or site, else by its exact name.

    Free mail providers name no company. A name with no known company makes one.
    """
    domain = company_domain(lead)
    if domain and (found := Company.objects.filter(domain=domain).first()):
        return found
    if not lead.company_name:
        return None
    named = Company.objects.filter(name__iexact=lead.company_name, domain__in=["", domain]).first()
    if named:
        return named
    # Two people of one new company may arrive at once, and spell its name differently.
    known_by = {"domain": domain} if domain else {"domain": "", "name": lead.company_name}
    company, _ = Company.objects.get_or_create(
        **known_by,
        defaults={
            "name": lead.company_name,
            "industry": lead.industry,
            "size": lead.company_size,
            "country": lead.country,
            "city": lead.city,
        },
    )
    return company


def company_domain(lead: Lead) -> str:
    if lead.website and (host := normalise.host(lead.website)):
        return host[:253]
    email = normalise.email(lead.email)
    return "" if email is None or is_free_provider(email.domain) else email.domain
