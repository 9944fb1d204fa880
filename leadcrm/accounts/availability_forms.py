"""Working hours, absences, holidays and abilities as people type them."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from django import forms

from leadcrm.accounts.availability import WEEKDAYS, Hours
from leadcrm.accounts.models import HolidayCalendar, User, WorkingHours
from leadcrm.lib.errors import FieldError

BLOCKS = 2  # a day, in the form: before and after the break
DAY_FORMATS = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y")


class HoursForm(forms.Form):
    """Two blocks for each weekday; a day without is a day off."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for day, name in enumerate(WEEKDAYS):
            for block in range(BLOCKS):
                for end, word in (("from", "from"), ("to", "to")):
                    self.fields[f"day_{day}_{block}_{end}"] = forms.TimeField(
                        required=False,
                        label=f"{name} {word}{' (second block)' if block else ''}",
                        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
                    )

    @property
    def days(self) -> Iterator[tuple[str, list[tuple[Any, Any]], list[str]]]:
        for day, name in enumerate(WEEKDAYS):
            pairs = [
                (self[f"day_{day}_{block}_from"], self[f"day_{day}_{block}_to"])
                for block in range(BLOCKS)
            ]
            yield name, pairs, self.wrong.get(f"day_{day}", [])

    @property
    def wrong(self) -> dict[str, list[str]]:
        """What an action refused, by weekday, and what is no time."""
        found: dict[str, list[str]] = {}
        for error in getattr(self, "refused", ()):
            found.setdefault(error.field, []).append(error.message)
        for name, texts in self.errors.items():
            found.setdefault(name[:5], []).extend(map(str, texts))
        return found

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        for day, name in enumerate(WEEKDAYS):
            for block in range(BLOCKS):
                starts, ends = (given.get(f"day_{day}_{block}_{end}") for end in ("from", "to"))
                if bool(starts) != bool(ends):
                    self.add_error(
                        f"day_{day}_{block}_to", f"{name}: say when it starts and when it ends."
                    )
        return given

    def refuse(self, errors: Sequence[FieldError]) -> None:
        self.refused = errors

    @property
    def blocks(self) -> list[Hours]:
        given = self.cleaned_data
        pairs = [
            (day, given.get(f"day_{day}_{block}_from"), given.get(f"day_{day}_{block}_to"))
            for day in range(len(WEEKDAYS))
            for block in range(BLOCKS)
        ]
        return [Hours(day, starts, ends) for day, starts, ends in pairs if starts and ends]


def initial_hours(user: User | None) -> dict[str, Any]:
    initial: dict[str, Any] = {}
    counts: dict[int, int] = {}
    rows = WorkingHours.objects.filter(user=user).order_by("weekday", "starts")
    for row in rows:
        block = counts.get(row.weekday, 0)
        counts[row.weekday] = block + 1
        if block < BLOCKS:
            initial[f"day_{row.weekday}_{block}_from"] = row.starts
            initial[f"day_{row.weekday}_{block}_to"] = row.ends
    return initial


class AbsenceForm(forms.Form):
    first_day = forms.DateField(
        label="First day away", widget=forms.DateInput(attrs={"type": "date"})
    )
    last_day = forms.DateField(
        label="Last day away", widget=forms.DateInput(attrs={"type": "date"})
    )
    cover = forms.ChoiceField(
        required=False,
        label="Covered by",
        help_text="Gets what rules would send to you by name, and what you are the contact of.",
    )
    moves_leads = forms.BooleanField(
        required=False,
        label="Hand over my open leads on the first day, and give them back after the last",
    )
    note = forms.CharField(required=False, max_length=100, label="Note")

    def __init__(self, *args: Any, of: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        colleagues = User.objects.filter(is_active=True).exclude(pk=of.pk).order_by("name")
        self.people = {user.public_id: user for user in colleagues}
        names = [(key, user.name) for key, user in self.people.items()]
        self.fields["cover"].choices = [("", "Nobody"), *names]  # type: ignore[attr-defined]

    @property
    def values(self) -> dict[str, Any]:
        return {**self.cleaned_data, "cover": self.people.get(self.cleaned_data["cover"])}


class AbilitiesForm(forms.Form):
    languages = forms.CharField(
        required=False, max_length=300, help_text="Codes with commas between them, such as en, nl."
    )
    territory = forms.CharField(
        required=False,
        max_length=400,
        label="Countries",
        help_text="Codes with commas between them, such as NL, BE.",
    )
    skills = forms.CharField(
        required=False, max_length=1_300, help_text="With commas, such as SAP, enterprise."
    )
    holidays = forms.ModelChoiceField(
        HolidayCalendar.objects.order_by("name"),
        required=False,
        empty_label="Those of the workspace",
        label="Holidays",
    )

    @property
    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        lists = {name: given[name].split(",") for name in ("languages", "territory", "skills")}
        return {**lists, "holidays": given["holidays"]}


def initial_abilities(user: User) -> dict[str, Any]:
    return {
        "languages": ", ".join(user.languages),
        "territory": ", ".join(user.territory),
        "skills": ", ".join(user.skills),
        "holidays": user.holidays,
    }


class CalendarForm(forms.Form):
    name = forms.CharField(max_length=60, help_text="Such as Netherlands.")
    days = forms.CharField(
        required=False,
        max_length=40_000,
        widget=forms.Textarea(attrs={"rows": 14, "class": "code"}),
        help_text="One a line: the date, then its name, such as 2026-12-25 Christmas Day.",
    )
    is_default = forms.BooleanField(
        required=False,
        label="The holidays of the workspace",
        help_text="They count for everybody who has no calendar of their own.",
    )

    def clean_days(self) -> list[tuple[date, str]]:
        found, wrong = [], []
        for number, line in enumerate(self.cleaned_data["days"].splitlines(), start=1):
            text = line.strip()
            if not text:
                continue
            day = _day(text.split()[0])
            if day is None:
                wrong.append(
                    f"Line {number} does not begin with a date: “{text[:40]}”. "
                    "Write it as 2026-12-25 Christmas Day."
                )
            else:
                found.append((day, text.partition(" ")[2].strip()))
        if wrong:
            raise forms.ValidationError(wrong[:10])
        return found


def _day(text: str) -> date | None:
    for form in DAY_FORMATS:
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007  # a day has no zone
        except ValueError:
            continue
    return None


def days_as_text(days: Iterable[Any]) -> str:
    return "\n".join(f"{holiday.day:%Y-%m-%d} {holiday.name}".rstrip() for holiday in days)
