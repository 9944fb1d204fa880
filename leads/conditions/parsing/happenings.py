"""Reading what somebody did or how they came: properties, counts, totals, moments, windows."""

from typing import Any

from leads.conditions.happenings import (
    ACTIVITY,
    DAY,
    TOUCH,
    TOUCH_COLUMNS,
    day_field,
    property_field,
)
from leads.conditions.operators import MEASURES, MOMENTS
from leads.conditions.parsing.limits import (
    ACTIVITY_NAME,
    MAX_DAYS,
    MAX_PROPERTIES,
    MAX_TIMES,
)
from leads.conditions.parsing.values import Values, start_of
from leads.conditions.tree import EVER, FieldTest, Happening, Window
from leads.conditions.types import Field, Type

WINDOW = ("within_days", "older_than_days", "since", "until")
MEASURED = ("distinct", "sum", *MOMENTS)
COUNTS = {"at_least", "at_most", "exactly"}
Range = tuple[float | None, float | None]


class Happenings(Values):
    def activity_test(self, raw: dict[str, Any], path: str, _: int) -> Happening | None:
        self.only(raw, path, {ACTIVITY, "where", "times", "total", *MEASURED, *WINDOW})
        type_ = raw[ACTIVITY]
        if not isinstance(type_, str) or not ACTIVITY_NAME.fullmatch(type_):
            self.wrong(
                f"{path}.activity",
                "Name an activity in lower case, such as page_view.",
                "unknown_activity",
            )
            return None
        where = self.where(raw.get("where", {}), f"{path}.where")
        return self.happening(raw, path, ACTIVITY, type_, where)

    def touch_test(self, raw: dict[str, Any], path: str, _: int) -> Happening | None:
        """How somebody came: `{"touch": {"utm_source": "google"}, "within_days": 30}`."""
        self.only(raw, path, {TOUCH, "times", "total", *MEASURED, *WINDOW})
        where = self.where(raw[TOUCH], f"{path}.touch", source=TOUCH)
        return self.happening(raw, path, TOUCH, "", where)

    def happening(
        self, raw: dict[str, Any], path: str, source: str, type_: str, where: tuple[FieldTest, ...]
    ) -> Happening:
        measure, of = self.measure(raw, path, source)
        window = self.window(raw, path)
        if measure in MOMENTS:
            when = self.moment_test(measure, raw[measure], f"{path}.{measure}")
            return Happening(source, type_, where, measure, when=when, window=window)
        least, most = self.range(raw, path, measure)
        return Happening(source, type_, where, measure, of, least, most, window=window)

    def measure(self, raw: dict[str, Any], path: str, source: str) -> tuple[str, Field | None]:
        asked = [name for name in MEASURED if name in raw]
        if len(asked) > 1:
            self.wrong(f"{path}.{asked[1]}", f"Ask for {asked[0]} or {asked[1]}, not for both.")
        measure = asked[0] if asked else "count"
        counted = "total" if measure == "sum" else "times"
        for name in ("times", "total"):
            if name in raw and (measure in MOMENTS or name != counted):
                cure = f"“{name}” does not fit “{measure}”."
                cure += "" if measure in MOMENTS else f" Write “{counted}” instead."
                self.wrong(f"{path}.{name}", cure + (" Remove it." if measure in MOMENTS else ""))
        if measure not in ("distinct", "sum"):
            return measure, None
        if measure == "distinct" and raw["distinct"] == DAY:
            return measure, day_field()
        return measure, self.property(raw[measure], f"{path}.{measure}", source)

    def range(self, raw: dict[str, Any], path: str, measure: str) -> Range:
        if measure == "sum":
            if "total" not in raw:
                self.wrong(f"{path}.total", 'Write how much, such as {"at_least": 500}.')
                return None, None
            return self.bounds(raw["total"], f"{path}.total", whole=False)
        return self.bounds(raw.get("times", {"at_least": 1}), f"{path}.times", whole=True)

    def bounds(self, raw: Any, path: str, *, whole: bool) -> Range:
        if not isinstance(raw, dict) or not raw or set(raw) - COUNTS:
            what = "often" if whole else "much"
            self.wrong(path, f'Write how {what}, such as {{"at_least": 3}}, at_most or exactly.')
            return None, None
        read = {
            name: self.whole(count, f"{path}.{name}", 0, MAX_TIMES, "times")
            if whole
            else self.number(count, f"{path}.{name}")
            for name, count in raw.items()
        }
        least, most = read.get("at_least"), read.get("at_most")
        if "exactly" in read:
            if len(read) > 1:
                self.wrong(path, "Write exactly alone, or at_least and at_most.")
            return read["exactly"], read["exactly"]
        if least is not None and most is not None and least > most:
            self.wrong(path, "at_least is more than at_most: nobody would match. Swap them.")
        return least, most

    def moment_test(self, measure: str, raw: Any, path: str) -> FieldTest | None:
        field = Field(measure, MEASURES[measure].capitalize(), Type.DATE, "")
        if not isinstance(raw, dict) or len(raw) != 1:
            self.wrong(path, 'Write one test of its date, such as {"older_than_days": 30}.')
            return None
        ((op, value),) = raw.items()
        return self.test(field, op, value, path)

    def window(self, raw: dict[str, Any], path: str) -> Window:
        given = [name for name in WINDOW if raw.get(name) is not None]
        if not given:
            return EVER
        if {"since", "until"} & set(given) and {"within_days", "older_than_days"} & set(given):
            self.wrong(f"{path}.{given[-1]}", "Count in days or between dates, not both.")
        within, older = (
            self.whole(raw[name], f"{path}.{name}", low, MAX_DAYS, "days")
            if name in given
            else None
            for name, low in (("within_days", 1), ("older_than_days", 0))
        )
        since, until = (
            self.moment(raw[name], f"{path}.{name}") if name in given else None
            for name in ("since", "until")
        )
        if within is not None and older is not None and older >= within:
            self.wrong(f"{path}.older_than_days", "Use fewer days than in within_days.")
        if since is not None and until is not None and start_of(since) > start_of(until):
            self.wrong(f"{path}.until", "Give a date after since.")
        return Window(within, older, since, until)

    # Properties -----------------------------------------------------------------------------------

    def where(self, raw: Any, path: str, source: str = ACTIVITY) -> tuple[FieldTest, ...]:
        if not isinstance(raw, dict) or len(raw) > MAX_PROPERTIES:
            self.wrong(path, 'Write properties such as {"url": {"contains": "/pricing"}}.')
            return ()
        tests = [self.property_test(key, test, path, source) for key, test in raw.items()]
        return tuple(test for test in tests if test is not None)

    def property_test(self, key: str, raw: Any, path: str, source: str) -> FieldTest | None:
        field = self.property(key, path, source)
        if field is None:
            return None
        path = f"{path}.{key}"
        if not isinstance(raw, dict):
            return self.test(field, "is", raw, path)
        if len(raw) != 1:
            self.wrong(path, 'Write one test, such as {"contains": "/pricing"}.')
            return None
        ((op, value),) = raw.items()
        return self.test(field, op, value, path)

    def property(self, key: Any, path: str, source: str) -> Field | None:
        if not isinstance(key, str) or not key or len(key) > 60 or "\0" in key:
            self.wrong(path, "Name a property with 1 to 60 characters.")
            return None
        field = property_field(source, key)
        if field is None:
            known = ", ".join(TOUCH_COLUMNS)
            self.wrong(path, f"A touch has these properties: {known}.", "unknown_property")
        return field
