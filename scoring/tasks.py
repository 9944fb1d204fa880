"""The queues of scoring, and how each is drained."""

from django.utils import timezone

from leadcrm.lib import pump
from leads.models import DirtyLead
from scoring import actions
from scoring.actions.rescoring import DIRTY_QUEUE, DUE_QUEUE, RESCORE_QUEUE
from scoring.models import Rescore

pump.register(DIRTY_QUEUE, lambda: actions.rescore_dirty(at=timezone.now()), model=DirtyLead)
pump.register(DUE_QUEUE, lambda: actions.queue_due(at=timezone.now()))
pump.register(RESCORE_QUEUE, lambda: actions.continue_rescore(at=timezone.now()), model=Rescore)
