from django.utils import timezone

from leadcrm.lib import pump
from pipeline.actions import mail, response, routing
from pipeline.models import ResponseClock, StaffEmail


def drain_waiting() -> int:
    return routing.drain_waiting(at=timezone.now())


pump.register(response.QUEUE, response.sweep_clocks, model=ResponseClock)
pump.register(routing.QUEUE, drain_waiting)
pump.register(mail.QUEUE, mail.send_due, model=StaffEmail)
