"""Countries: their names, and the ways in which people type them into forms."""

from functools import cache

from babel import Locale

# Unions, pseudo-locales and outlying parts have codes too.
NO_COUNTRIES = frozenset({"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"})

NAMES = """
AE united arab emirates, uae|AR argentina, argentinien|AT austria, österreich|AU australia
BE belgium, belgië, belgique, belgien|BG bulgaria|BR brazil, brasil|CA canada
CH switzerland, schweiz, suisse, svizzera|CL chile|CN china|CO colombia|CY cyprus
CZ czechia, czech republic|DE germany, deutschland, allemagne|DK denmark, danmark|EE estonia
EG egypt|ES spain, españa|FI finland, suomi|FR france, frankreich
GB united kingdom, uk, great britain, england, scotland, wales, northern ireland|GR greece
HK hong kong|HR croatia|HU hungary|ID indonesia|IE ireland|IL israel|IN india|IS iceland
IT italy, italia|JP japan|KE kenya|KR south korea, korea|LT lithuania|LU luxembourg|LV latvia
MA morocco|MT malta|MX mexico, méxico|MY malaysia|NG nigeria
NL netherlands, the netherlands, holland, nederland|NO norway, norge|NZ new zealand|PE peru
PH philippines|PK pakistan|PL poland, polska|PT portugal|RO romania|RS serbia|SA saudi arabia
SE sweden, sverige|SG singapore|SI slovenia|SK slovakia|TH thailand|TR turkey, türkiye
TW taiwan|UA ukraine|US united states, united states of america, usa, america|VN vietnam
ZA south africa
"""
CODES = {
    name.strip(): entry[:2]
    for line in NAMES.strip().splitlines()
    for entry in line.split("|")
    for name in entry[3:].split(",")
}


def country_code(text: str) -> str | None:
    """ISO 3166-1 alpha-2, or None for a name that is not known."""
    plain = text.strip().rstrip(".").casefold()
    if plain in CODES:
        return CODES[plain]
    return plain.upper() if plain.upper() in _names() else None


@cache
def countries() -> list[tuple[str, str]]:
    """ISO 3166-1 codes with English names, by name."""
    names = {str(code): str(name) for code, name in Locale("en").territories.items()}
    codes = [code for code in names if len(code) == 2 and code not in NO_COUNTRIES]
    return sorted(((code, names[code]) for code in codes), key=lambda pair: pair[1])


@cache
def _names() -> dict[str, str]:
    return dict(countries())


def country_name(code: str) -> str:
    """The English name; the code itself where it has none."""
    return _names().get(code, code)
