"""A CSV file of spend: what its rows mean, before anything is written."""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from leads.actions.marketing import SpendValues
from leads.attribution import channels
from leads.models import CampaignAlias, MarketingCampaign, SpendEntry

MOST_ROWS = 5_000
MOST_BYTES = 1_000_000
DAY_FORMATS = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%Y/%m/%d")
NAMES = {
    "day": ("day", "date", "first_day", "from", "start"),
    "last": ("last_day", "to", "until", "end"),
    "amount": ("amount", "cost", "spend", "costs"),
    "channel": ("channel",),
    "campaign": ("campaign", "utm_campaign", "campaign name"),
    "currency": ("currency",),
    "note": ("note", "comment"),
    "id": ("id", "external_id"),
}


@dataclass(slots=True)
class Line:
    """A row of the file as it was understood. `tag`: the campaign it names is new."""

    number: int
    values: SpendValues = field(default_factory=lambda: SpendValues())
    tag: str = ""
    errors: list[str] = field(default_factory=list)
    is_known: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """`problem`: why the file as a whole cannot be read."""

    lines: tuple[Line, ...] = ()
    problem: str = ""

    @property
    def good(self) -> list[Line]:
        return [line for line in self.lines if not line.errors and not line.is_known]

    @property
    def bad(self) -> list[Line]:
        return [line for line in self.lines if line.errors]

    @property
    def known(self) -> list[Line]:
        return [line for line in self.lines if line.is_known]

    @property
    def total(self) -> dict[str, Decimal]:
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for line in self.good:
            sums[line.values["currency"]] += line.values["amount"]
        return dict(sums)


def read_spend(text: str, currency: str) -> Reading:
    """The rows of a CSV file with a first line of names; nothing is written."""
    if "\x00" in text:
        return Reading(problem="This is not a text file. Save it as CSV and try again.")
    rows = list(csv.reader(io.StringIO(text), delimiter=_delimiter(text)))
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if len(rows) < 2:
        return Reading(problem="There are no rows below the first line with the names.")
    if len(rows) > MOST_ROWS + 1:
        return Reading(problem=f"There are more than {MOST_ROWS:,} rows. Split the file.")
    places = _places(rows[0])
    missing = [name for name in ("day", "channel", "amount") if name not in places]
    if missing:
        return Reading(problem=f"The first line names no column “{missing[0]}”.")
    reader = LineReader(places, currency)
    return Reading(tuple(reader.read(number, row) for number, row in enumerate(rows[1:], 2)))


def _delimiter(text: str) -> str:
    first = text.partition("\n")[0]
    return max(",;\t", key=first.count)


def _places(names: list[str]) -> dict[str, int]:
    lowered = [name.strip().lower().removeprefix("\ufeff") for name in names]
    return {
        key: lowered.index(name)
        for key, known in NAMES.items()
        for name in reversed(known)
        if name in lowered
    }


class LineReader:
    """Understands one row after the other, with what is known already at hand."""

    def __init__(self, places: dict[str, int], currency: str) -> None:
        self.places, self.currency = places, currency
        self.channels = {known.name.casefold(): known.key for known in channels.all_channels()}
        self.channels |= {known.key: known.key for known in channels.all_channels()}
        self.campaigns = dict(_tags())
        names = ("channel", "campaign_id", "first_day", "last_day", "amount", "currency")
        self.known = set(SpendEntry.objects.filter(external_id="").values_list(*names))

    def read(self, number: int, row: list[str]) -> Line:
        line = Line(number)
        said = {
            name: row[place].strip()[:300] if place < len(row) else ""
            for name, place in self.places.items()
        }
        self._fill(line, said)
        values = line.values
        if not line.errors and not values.get("external_id"):
            key = (
                values["channel"],
                values.get("campaign"),
                values["first_day"],
                values["last_day"],
                values["amount"],
                values["currency"],
            )
            line.is_known = not line.tag and key in self.known
        return line

    def _fill(self, line: Line, said: dict[str, str]) -> None:
        line.values = {
            "channel": self._channel(line, said["channel"]),
            "first_day": _day(line, said["day"], "day"),
            "amount": _amount(line, said["amount"]),
            "currency": (said.get("currency") or self.currency).upper(),
            "note": said.get("note", ""),
            "external_id": said.get("id", "")[:100],
        }
        last = said.get("last", "")
        line.values["last_day"] = _day(line, last, "last day") if last else line.values["first_day"]
        if not line.errors and line.values["last_day"] < line.values["first_day"]:  # type: ignore[operator]
            line.errors.append("The last day lies before the first.")
        if not re.fullmatch(r"[A-Z]{3}", line.values["currency"]):
            line.errors.append(f"“{line.values['currency'][:10]}” is not a currency’s code.")
        if named := said.get("campaign", ""):
            line.values["campaign"] = self.campaigns.get(named.casefold())
            line.tag = "" if line.values["campaign"] else named[:200]

    def _channel(self, line: Line, said: str) -> str:
        found = self.channels.get(said.casefold(), "")
        if not found:
            line.errors.append(f"There is no channel “{said[:40]}”.")
        return found


def _tags() -> Iterator[tuple[str, int]]:
    for pk, name, tag in MarketingCampaign.objects.values_list("pk", "name", "utm_campaign"):
        yield name.casefold(), pk
        yield tag.casefold(), pk
    for spelling, pk in CampaignAlias.objects.values_list("spelling", "campaign_id"):
        yield spelling, pk


def _day(line: Line, said: str, name: str) -> date:
    for pattern in DAY_FORMATS:
        try:
            found = datetime.strptime(said, pattern).date()  # noqa: DTZ007  (a day has no zone)
        except ValueError:
            continue
        if date(2000, 1, 1) <= found <= date(2100, 1, 1):
            return found
    line.errors.append(f"“{said[:30]}” is not a {name}. Write it as 2026-11-30.")
    return date(2000, 1, 1)


def _amount(line: Line, said: str) -> Decimal:
    plain = re.sub(r"[^\d.,-]", "", said)
    if re.search(r",\d{1,2}$", plain):
        plain = plain.replace(".", "").replace(",", ".")
    try:
        value = Decimal(plain.replace(",", ""))
    except InvalidOperation:
        value = Decimal(-1)
    if not 0 <= value < Decimal(10) ** 10 or value != round(value, 2):
        line.errors.append(f"“{said[:30]}” is not an amount.")
        return Decimal(0)
    return value
