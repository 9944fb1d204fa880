"""One nudge serves many batches: a worker drains all that is there."""

from leads.capture.pacing import Pace

PACE = Pace()
