"""Marlow Scheduling itself: colleagues, teams, forms, sources, campaigns and what they cost."""

from dataclasses import dataclass
from typing import Any

WORKSPACE = {
    "name": "Marlow Scheduling",
    "time_zone": "Europe/Amsterdam",
    "currency": "EUR",
    "country": "NL",
    "postal_address": "Wijnhaven 12, 3011 WN Rotterdam",
}
PASSWORD = "leadcrm-demo"  # noqa: S105  (printed at start, refused in production)


@dataclass(frozen=True, slots=True)
class Colleague:
    """`median_minutes`: how fast this rep answers within working hours."""

    key: str
    name: str
    email: str
    role: str
    team: str
    hue: int
    time_zone: str = "Europe/Amsterdam"
    median_minutes: float = 0
    weight: int = 0
    keeps_hours: bool = False


TEAMS = {
    "Sales": None,
    "Benelux and Nordics": "Sales",
    "DACH and South": "Sales",
    "Marketing": None,
}

COLLEAGUES = (
    Colleague("noor", "Noor van Dijk", "admin@example.com", "admin", "Sales", 2),
    Colleague("daniel", "Daniel Hughes", "manager@example.com", "manager", "Sales", 8),
    Colleague("sofia", "Sofia Almeida", "marketer@example.com", "marketer", "Marketing", 7),
    Colleague(
        "maya",
        "Maya Lindqvist",
        "rep@example.com",
        "rep",
        "Benelux and Nordics",
        1,
        "Europe/Stockholm",
        9,
        3,
    ),
    Colleague(
        "tom",
        "Tom Okafor",
        "rep2@example.com",
        "rep",
        "Benelux and Nordics",
        2,
        "Europe/London",
        21,
        3,
    ),
    Colleague(
        "elena",
        "Elena Petrova",
        "rep3@example.com",
        "rep",
        "DACH and South",
        3,
        "Europe/Berlin",
        34,
        2,
    ),
    Colleague(
        "jonas",
        "Jonas Weber",
        "rep4@example.com",
        "rep",
        "DACH and South",
        4,
        "Europe/Berlin",
        26,
        2,
        keeps_hours=True,
    ),
    Colleague(
        "aisha",
        "Aisha Rahman",
        "rep5@example.com",
        "rep",
        "Benelux and Nordics",
        5,
        "Europe/London",
        13,
        2,
    ),
    Colleague(
        "luca",
        "Luca Moretti",
        "rep6@example.com",
        "rep",
        "DACH and South",
        6,
        "Europe/Rome",
        58,
        1,
        keeps_hours=True,
    ),
)
REPS = tuple(person for person in COLLEAGUES if person.role == "rep")


@dataclass(frozen=True, slots=True)
class Region:
    """The countries a team looks after."""

    team: str
    countries: tuple[str, ...]


REGIONS = (
    Region("DACH and South", ("DE", "AT", "CH", "IT", "ES", "FR", "PT", "PL", "MA")),
    Region("Benelux and Nordics", ("NL", "BE", "LU", "DK", "SE", "NO", "FI", "GB", "IE")),
)


@dataclass(frozen=True, slots=True)
class Origin:
    """A way leads come in. `quality` shifts how far they get; `monthly` is spend in EUR."""

    key: str
    name: str
    kind: str
    channel: str
    weight: int
    quality: float
    monthly: int = 0
    form: str = ""
    campaign: str = ""


ORIGINS = (
    Origin(
        "google-ads",
        "Google Ads",
        "form",
        "paid_search",
        22,
        1.0,
        4200,
        "book-a-demo",
        "rota-software",
    ),
    Origin("organic", "Organic search", "form", "organic_search", 24, 1.1, 0, "cost-calculator"),
    Origin(
        "linkedin-ads",
        "LinkedIn Ads",
        "form",
        "paid_social",
        13,
        0.8,
        3600,
        "overtime-guide",
        "overtime-guide",
    ),
    Origin("website", "Website form", "form", "direct", 14, 1.2, 0, "book-a-demo"),
    Origin("webinar", "Webinar", "form", "event", 10, 1.0, 900, "webinar", "rest-rules-webinar"),
    Origin("referral", "Referral", "manual", "referral", 6, 1.9, 0),
    Origin("trade-show", "Trade show", "import", "event", 6, 0.7, 2600, "", "shift-expo"),
    Origin("partner", "Partner", "api", "partner", 3, 1.7, 700, "", "payroll-partners"),
    Origin("newsletter", "Newsletter", "form", "email", 2, 0.6, 0, "newsletter"),
)


@dataclass(frozen=True, slots=True)
class DemoForm:
    slug: str
    name: str
    title: str
    intro: str
    submit_label: str
    activity: str
    asks: tuple[str, ...]


CONSENT_TEXT = "Yes, send me practical tips on shift planning by e-mail. I can stop at any time."

FORMS = (
    DemoForm(
        "book-a-demo",
        "Book a demo",
        "See your own rota in 20 minutes",
        "Tell us how you plan today. We answer within an hour on working days.",
        "Book a demo",
        "demo_requested",
        ("first_name", "last_name", "email", "phone", "company", "size", "timeline", "message"),
    ),
    DemoForm(
        "cost-calculator",
        "Cost calculator",
        "What does overtime cost you?",
        "Get the calculation for your own sites by e-mail.",
        "Send me the result",
        "form_submit",
        ("first_name", "last_name", "email", "company", "size"),
    ),
    DemoForm(
        "overtime-guide",
        "Overtime guide",
        "Cut overtime in 90 days",
        "24 pages, with the checklists our customers use.",
        "Download the guide",
        "asset_download",
        ("first_name", "last_name", "email", "company"),
    ),
    DemoForm(
        "webinar",
        "Webinar registration",
        "Rest rules without the spreadsheet",
        "45 minutes, with questions. You get the recording.",
        "Save my place",
        "webinar_registered",
        ("first_name", "last_name", "email", "company", "size"),
    ),
    DemoForm(
        "newsletter",
        "Newsletter",
        "One useful mail a month",
        "Planning tips from people who ran shifts themselves.",
        "Subscribe",
        "form_submit",
        ("first_name", "email"),
    ),
)

FIELDS: dict[str, dict[str, Any]] = {
    "first_name": {
        "label": "First name",
        "type": "text",
        "required": True,
        "maps_to": "first_name",
    },
    "last_name": {"label": "Last name", "type": "text", "maps_to": "last_name"},
    "email": {"label": "Work e-mail", "type": "email", "required": True, "maps_to": "email"},
    "phone": {
        "label": "Phone",
        "type": "tel",
        "maps_to": "phone",
        "help": "If you would rather be called.",
    },
    "company": {"label": "Company", "type": "text", "maps_to": "company_name"},
    "size": {"label": "How many people do you plan?", "type": "number", "maps_to": "company_size"},
    "timeline": {
        "label": "When would you like to start?",
        "type": "select",
        "maps_to": "bant.timeline",
        "options": ["Within 3 months", "Within 6 months", "Later this year", "Just looking"],
    },
    "message": {"label": "What should we know?", "type": "textarea", "maps_to": "message"},
}

PAGES = (
    "/",
    "/product",
    "/product/swaps",
    "/product/payroll",
    "/customers/logistics",
    "/customers/care",
    "/guides/overtime",
    "/blog/rest-rules",
    "/security",
)
CATEGORIES = ("planning", "time-tracking", "payroll")


@dataclass(frozen=True, slots=True)
class Known:
    """A lead of the tour: who it is and where it stands. `ago`: minutes since the last activity."""

    first: str
    last: str
    title: str
    company: str
    city: str
    country: str
    stage: str
    owner: str
    origin: str
    value: int
    ago: int
    warmth: int  # 0 cold … 3 very hot: how much it does and how well it is qualified
    waits: int | None = None  # minutes until the reply is due; negative: late


TOUR = (
    Known(
        "Priya",
        "Raman",
        "Head of Operations",
        "Kestrel Logistics",
        "Rotterdam",
        "NL",
        "sql",
        "maya",
        "google-ads",
        18400,
        4,
        3,
        12,
    ),
    Known(
        "Ingrid",
        "Øvergård",
        "HR Director",
        "Fjellvik Seafood",
        "Bergen",
        "NO",
        "mql",
        "elena",
        "webinar",
        31075,
        11,
        2,
    ),
    Known(
        "Amara",
        "Nwosu",
        "Regional Manager",
        "Harbour & Pine Hotels",
        "Lisbon",
        "PT",
        "sql",
        "tom",
        "website",
        22600,
        19,
        3,
        41,
    ),
    Known(
        "Łukasz",
        "Wiśniewski",
        "Plant Manager",
        "Północ Foods",
        "Gdańsk",
        "PL",
        "contacted",
        "tom",
        "organic",
        9110,
        26,
        1,
    ),
    Known(
        "Giulia",
        "Conti",
        "Workforce Planner",
        "Officine Brennero",
        "Verona",
        "IT",
        "contacted",
        "luca",
        "linkedin-ads",
        7400,
        35,
        1,
    ),
    Known(
        "Søren",
        "Kjær",
        "Head of Operations",
        "Øresund Terminals",
        "Copenhagen",
        "DK",
        "proposal",
        "maya",
        "partner",
        38900,
        52,
        3,
    ),
    Known(
        "Chloé",
        "Dubreuil",
        "HR Director",
        "Groupe Marjolaine",
        "Lyon",
        "FR",
        "mql",
        "elena",
        "trade-show",
        15800,
        60,
        1,
    ),
    Known(
        "Hannah",
        "Whitcombe",
        "Operations Manager",
        "Fernleigh Garden Centres",
        "Bristol",
        "GB",
        "new",
        "aisha",
        "website",
        5200,
        8,
        0,
        52,
    ),
    Known(
        "Dmytro",
        "Kovalenko",
        "Operations Manager",
        "Zelena Trans",
        "Lviv",
        "UA",
        "mql",
        "jonas",
        "google-ads",
        12300,
        70,
        2,
    ),
    Known(
        "Fatima",
        "El Idrissi",
        "Head of Operations",
        "Clinique Atlas Sud",
        "Casablanca",
        "MA",
        "sql",
        "elena",
        "referral",
        27500,
        75,
        3,
        -25,
    ),
    Known(
        "Marcus",
        "Feld",
        "Chief Operating Officer",
        "Brightwater Clinics",
        "Hamburg",
        "DE",
        "proposal",
        "maya",
        "referral",
        46200,
        120,
        3,
        -80,
    ),
    Known(
        "Oliver",
        "Brandt",
        "Chief Financial Officer",
        "Brandt & Söhne Bau",
        "Stuttgart",
        "DE",
        "contacted",
        "jonas",
        "organic",
        19900,
        125,
        1,
    ),
    Known(
        "Niamh",
        "Gallagher",
        "People Partner",
        "Corrib Data Halls",
        "Galway",
        "IE",
        "new",
        "aisha",
        "webinar",
        6100,
        14,
        0,
        46,
    ),
    Known(
        "Pieter",
        "Claes",
        "Plant Manager",
        "Scheldt Cold Storage",
        "Antwerp",
        "BE",
        "sql",
        "maya",
        "website",
        16750,
        135,
        3,
        38,
    ),
    Known(
        "Ana Belén",
        "Ortega",
        "Regional Manager",
        "Mercados Olivar",
        "Seville",
        "ES",
        "mql",
        "tom",
        "linkedin-ads",
        24300,
        180,
        2,
    ),
    Known(
        "Rasmus",
        "Lindholm",
        "Shift Supervisor",
        "Vänern Paper",
        "Karlstad",
        "SE",
        "new",
        "luca",
        "organic",
        3900,
        190,
        0,
    ),
    Known(
        "Joana",
        "Tavares",
        "HR Director",
        "Ponte Nova Care Homes",
        "Porto",
        "PT",
        "sql",
        "elena",
        "google-ads",
        20450,
        200,
        3,
    ),
    Known(
        "Stefan",
        "Gruber",
        "Managing Director",
        "Almhof Resorts",
        "Innsbruck",
        "AT",
        "contacted",
        "jonas",
        "trade-show",
        11200,
        240,
        1,
    ),
    Known(
        "Emily",
        "Castellane",
        "People Partner",
        "Solent Marine Services",
        "Southampton",
        "GB",
        "mql",
        "tom",
        "partner",
        29800,
        250,
        2,
    ),
    Known(
        "Kwame",
        "Boateng",
        "Head of Operations",
        "Sentra Guarding",
        "Birmingham",
        "GB",
        "proposal",
        "tom",
        "referral",
        52400,
        300,
        3,
    ),
    Known(
        "Réka",
        "Szabó",
        "Operations Manager",
        "Duna Csarnok Catering",
        "Budapest",
        "HU",
        "contacted",
        "luca",
        "website",
        4700,
        310,
        0,
    ),
    Known(
        "Mathilde",
        "Aubert",
        "Workforce Planner",
        "Aéroservices Garonne",
        "Toulouse",
        "FR",
        "mql",
        "elena",
        "webinar",
        33600,
        360,
        2,
    ),
    Known(
        "Viktor",
        "Hallström",
        "IT Manager",
        "Kaltberg Energi",
        "Luleå",
        "SE",
        "contacted",
        "luca",
        "organic",
        14100,
        420,
        1,
    ),
    Known(
        "Omar",
        "Haddad",
        "Managing Director",
        "Cedar Lane Bakeries",
        "Malmö",
        "SE",
        "contacted",
        "maya",
        "referral",
        8800,
        1440,
        1,
    ),
    Known(
        "Jin-woo",
        "Seo",
        "Head of Operations",
        "Hanbit Charging",
        "Amsterdam",
        "NL",
        "mql",
        "maya",
        "linkedin-ads",
        21700,
        1500,
        2,
    ),
    Known(
        "Carla",
        "Mendizábal",
        "Operations Manager",
        "Norte Rail Maintenance",
        "Bilbao",
        "ES",
        "contacted",
        "jonas",
        "webinar",
        17300,
        1560,
        1,
    ),
    Known(
        "Ondřej",
        "Malý",
        "Plant Manager",
        "Vltava Transit",
        "Prague",
        "CZ",
        "contacted",
        "jonas",
        "trade-show",
        13650,
        1600,
        1,
    ),
)
