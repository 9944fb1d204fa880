"""People who are in the demo company's list twice, as they came: other address, other spelling."""

from random import Random

from leads.actions.duplicates import find_twins
from leads.models import DuplicateCandidate, Inquiry, Lead, LeadIdentifier

PAIRS = 9
WAYS = ("tag", "phone", "name")


def load_twins(*, seed: int) -> None:
    """Give some leads the name, and an address or number like it, of an earlier one."""
    if DuplicateCandidate.objects.exists():
        return
    random = Random(seed)
    open_ = Lead.objects.live().open().exclude(first_name="").exclude(phone="")
    people = list(open_.filter(phone__startswith="+").order_by("-created_at", "-pk")[: 12 * PAIRS])
    random.shuffle(people)
    made = []
    for n in range(min(PAIRS, len(people) // 2)):
        one, other = sorted(people[2 * n : 2 * n + 2], key=lambda lead: lead.created_at)
        _resemble(other, one, WAYS[n % len(WAYS)])
        made.append(other.pk)
    find_twins(made)


def _resemble(lead: Lead, like: Lead, way: str) -> None:
    mailbox, _, domain = like.email.partition("@")
    email = {
        "tag": f"{mailbox}+work@{domain}",
        "phone": f"{like.first_name[:1]}.{like.last_name}@gmail.com".lower().replace(" ", ""),
        "name": f"{mailbox.replace('.', '-')}@{domain}",
    }[way]
    values = {
        "first_name": like.first_name,
        "last_name": like.last_name,
        "email": email,
        "company_name": like.company_name,
        "company_id": like.company_id,
        "country": like.country,
        "phone": like.phone if way == "phone" else lead.phone,
    }
    LeadIdentifier.objects.filter(lead=lead).delete()
    Lead.objects.filter(pk=lead.pk).update(**values)
    known = [("email", email), ("phone", str(values["phone"]))]
    LeadIdentifier.objects.bulk_create(
        LeadIdentifier(lead=lead, kind=kind, value=value) for kind, value in known
    )
    said = {name: values[name] for name in ("first_name", "last_name", "email")}
    for inquiry in Inquiry.objects.filter(lead=lead):
        inquiry.fields |= {name: value for name, value in said.items() if name in inquiry.fields}
        inquiry.save(update_fields=["fields"])
