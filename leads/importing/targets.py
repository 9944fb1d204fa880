"""Where a column can go, and where it probably goes: by its heading, else by what is in it."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from leadcrm.lib import normalise
from leads import fields
from leads.capture.mapping import target_of
from leads.countries import country_code

IGNORE, NEW_FIELD = "", "new"
NAME, TAGS, NOTE, CONSENT = "name", "tags", "note", "consent"
OWNER, STAGE, EXTERNAL, ID = "owner", "stage", "external_id", "id"


@dataclass(frozen=True, slots=True)
class Target:
    """A place for a column. `aliases` are headings in several languages, as `plain` gives them."""

    key: str
    label: str
    group: str
    aliases: str = ""


PERSON, WORK, PLACE, LIST, LEADCRM = "Person", "Work", "Place", "Lists and notes", "LeadCRM"
BUILT_IN = (
    Target("email", "E-mail", PERSON, "emailadresse mailadresse emailadres mailadres courriel"
           " adressemail correo correoelectronico emailadress primaryemail email1 posta"),
    Target(NAME, "Full name", PERSON, "naam volledigenaam nomcomplet nombrecompleto"
           " ansprechpartner contactpersoon kontakt leadname displayname"),
    Target("first_name", "First name", PERSON, "vorname voornaam prenom nombre nome givenname"),
    Target("last_name", "Last name", PERSON, "nachname familienname achternaam nom apellido"
           " apellidos cognome surname"),
    Target("phone", "Phone", PERSON, "telefon telefonnummer telefoon telefoonnummer mobiel handy"
           " mobil telefono telefone portable gsm phone1 mobilenumber directphone businessphone"),
    Target("job_title", "Job title", WORK, "funktion functie poste cargo puesto beruf jobtitel"
           " functietitel stelle"),
    Target("company_name", "Company", WORK, "firma bedrijf bedrijfsnaam entreprise societe empresa"
           " azienda unternehmen organisatie firmenname accountname organizationname"),
    Target("website", "Website", WORK, "webseite siteweb sitio webadresse domain internet"),
    Target("industry", "Industry", WORK, "branche branch secteur sector industria"),
    Target("company_size", "Staff", WORK, "mitarbeiter medewerkers aantalmedewerkers effectif"
           " empleados mitarbeiterzahl staff noemployees companysize size"),
    Target("country", "Country", PLACE, "land pays pais paese landcode"),
    Target("region", "Region", PLACE, "bundesland provincie departement kanton provincia"),
    Target("city", "City", PLACE, "stadt ort plaats stad woonplaats ville ciudad citta"),
    Target("language", "Language", PLACE, "sprache taal langue idioma"),
    Target("time_zone", "Time zone", PLACE, "zeitzone tijdzone"),
    Target(TAGS, "Tags", LIST, "tags tag labels label schlagworte categories list lists"),
    Target(NOTE, "Note", LIST, "note notes notiz notizen bemerkung bemerkungen opmerking"
           " opmerkingen remark remarks comment comments commentaire comentario description"),
    Target(CONSENT, "Marketing consent", LIST, "consent marketingconsent toestemming einwilligung"
           " optin newsletter subscribed consentement gdpr emailoptin marketingemail"),
    Target(OWNER, "Owner of new leads", LEADCRM, "owner leadowner eigenaar besitzer rep salesrep"
           " accountmanager contactowner assignedto"),
    Target(STAGE, "Stage of new leads", LEADCRM, "stage leadstage fase phase pipelinestage"),
    Target(EXTERNAL, "Id in another system", LEADCRM, "externalid contactid leadid recordid crmid"
           " hubspotid salesforceid customerid customernumber klantnummer kundennummer"),
    Target(ID, "LeadCRM id", LEADCRM, "id"),
)  # fmt: skip
BY_KEY = {target.key: target for target in BUILT_IN}
ALIASES = {alias: target.key for target in BUILT_IN for alias in target.aliases.split()}
# What LeadCRM's own exports also hold, and works out by itself.
WORKED_OUT = frozenset(
    [
        "score",
        "temperature",
        "created",
        "lastactivity",
        "lifecycle",
        "status",
        "source",
        "grade",
        "firstreply",
    ]
)
REPEATABLE = frozenset({TAGS, NOTE, NEW_FIELD, IGNORE})


def plain(heading: str) -> str:
    """Letters and digits without case and accents."""
    bare = unicodedata.normalize("NFKD", heading.casefold())
    return re.sub(r"[^a-z0-9]", "", bare)


def choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """All targets in groups, for a list to choose from."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for target in BUILT_IN:
        groups.setdefault(target.group, []).append((target.key, target.label))
    custom = [(definition.name, definition.label) for definition in fields.definitions()]
    if custom:
        groups["Custom fields"] = custom
    return list(groups.items())


def known() -> frozenset[str]:
    custom = (definition.name for definition in fields.definitions())
    return frozenset([IGNORE, NEW_FIELD, *BY_KEY, *custom])


def label_of(target: str) -> str:
    if target in BY_KEY:
        return BY_KEY[target].label
    definition = fields.definition_of(target.removeprefix("custom."))
    return definition.label if definition else target


def headings_hash(headings: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(map(plain, headings)).encode()).hexdigest()


def suggested(
    columns: Sequence[tuple[str, Sequence[str]]], remembered: Mapping[str, str]
) -> list[str]:
    """A target for each column (its heading and samples), no single place taken twice."""
    custom = {plain(word): d.name for d in fields.definitions() for word in (d.label, d.key)}
    taken: set[str] = set()
    found: list[str] = []
    for heading, samples in columns:
        target = remembered.get(heading)
        if target is None or target not in known():
            target = _by_heading(heading, custom)
        if target is None:
            target = _by_content(samples)
        if target in taken and target not in REPEATABLE:
            target = IGNORE
        taken.add(target)
        found.append(target)
    return found


def _by_heading(heading: str, custom: Mapping[str, str]) -> str | None:
    """None where the heading says nothing and the content may be asked."""
    name = plain(heading)
    if name in WORKED_OUT:
        return IGNORE
    for label in (heading.strip().casefold(), name):
        if found := next((t.key for t in BUILT_IN if label in (t.label.casefold(), t.key)), None):
            return found
    if name in custom:
        return custom[name]
    if name in ALIASES:
        return ALIASES[name]
    target = NOTE if (known := target_of(heading)) == "message" else known
    return target if target in BY_KEY else None


def _by_content(samples: Sequence[str]) -> str:
    said = [sample.strip() for sample in samples if sample.strip()]
    if not said:
        return IGNORE
    checks = {
        "email": lambda text: "@" in text and normalise.email(text) is not None,
        "website": lambda text: bool(re.match(r"https?://|www\.", text)),
        "phone": lambda text: bool(re.fullmatch(r"\+[\d ()/.-]{7,20}", text)),
        "country": lambda text: len(text) > 2 and country_code(text) is not None,
    }
    for target, fits in checks.items():
        if sum(map(fits, said)) * 10 >= len(said) * 8:
            return target
    return IGNORE


def fitting(target: str, samples: Sequence[str]) -> int:
    """How many samples look like what goes there."""
    if target == "email":
        return sum(normalise.email(text) is not None for text in samples)
    if target == "country":
        return sum(country_code(text) is not None for text in samples)
    return len(samples)
