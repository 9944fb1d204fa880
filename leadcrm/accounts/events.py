"""What happens to people, told to the apps above."""

from dataclasses import dataclass, field
from typing import ClassVar

from leadcrm.eventlog.registry import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailabilityChanged(Event):
    """Working hours, holidays, absences or zones changed: of these people, or of everybody."""

    name: ClassVar[str] = "person.availability_changed"
    user_ids: list[int] = field(default_factory=list)  # empty: everybody
