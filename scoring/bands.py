"""How many points a rule of each weight class may give."""

from dataclasses import dataclass

from scoring.models import Rule


@dataclass(frozen=True, slots=True)
class Band:
    weight_class: str
    label: str
    low: int
    high: int

    def holds(self, points: int) -> bool:
        return self.low <= points <= self.high

    @property
    def words(self) -> str:
        return "below 0" if self.high < 0 else f"{self.low} to {self.high}"


BANDS = {
    Rule.WeightClass.MOST_IMPORTANT.value: Band("most_important", "Most important", 10, 15),
    Rule.WeightClass.VERY_IMPORTANT.value: Band("very_important", "Very important", 5, 9),
    Rule.WeightClass.VALID.value: Band("valid", "Valid", 1, 4),
    Rule.WeightClass.NEGATIVE.value: Band("negative", "Negative", -100, -1),
}
