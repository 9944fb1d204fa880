from django.utils import timezone

from leadcrm.lib import pump
from pipeline import facts
from pipeline.actions import (
    answers,
    automation,
    covering,
    ladder,
    ledger,
    mail,
    response,
    resting,
    routing,
    watching,
)
from pipeline.models import CoverShift, Offer, ResponseClock, Rest, StaffEmail, StageTimer, Watch


def drain_waiting() -> int:
    return routing.drain_waiting(at=timezone.now())


def sweep_timers() -> int:
    return automation.sweep_timers(at=timezone.now())


pump.register(ledger.TIMER_QUEUE, sweep_timers, model=StageTimer)
pump.register(response.QUEUE, ladder.sweep_clocks, model=ResponseClock)
pump.register(routing.QUEUE, drain_waiting)
pump.register(watching.QUEUE, watching.sweep_watches, model=Watch)
pump.register(covering.QUEUE, covering.sweep_shifts, model=CoverShift)
pump.register(answers.QUEUE, answers.sweep_offers, model=Offer)
pump.register(mail.QUEUE, mail.send_due, model=StaffEmail)
pump.register(facts.QUEUE, facts.catch_up)
pump.register(resting.QUEUE, lambda: resting.wake_due(at=timezone.now()), model=Rest)
