from leadcrm.lib import pump
from leads import capture, exporting, mailing
from leads.actions import channels, clicks, duplicates, feedback, membership
from leads.actions.sources import FETCH_QUEUE, POLL_QUEUE
from leads.capture import deeds, expiring, reconciling, unfinished
from leads.importing import steering
from leads.models import (
    DuplicateCheck,
    DuplicateSearch,
    ExportJob,
    FeedbackEvent,
    ImportChunk,
    ImportJob,
    InboxDeed,
    InboxItem,
    Poll,
    Regrouping,
    RemoteLead,
    Segment,
    TrackingBatch,
    TransactionalMail,
    Unfinished,
)
from leads.providers import pumping, telling
from leads.tracking import ingest, pruning, storing

pump.register(capture.QUEUE, capture.drain, model=InboxItem)
pump.register(capture.lifeboat.QUEUE, capture.lifeboat.drain)
pump.register(mailing.QUEUE, mailing.drain, model=TransactionalMail)
pump.register(deeds.QUEUE, deeds.drain, model=InboxDeed)
pump.register(reconciling.QUEUE, reconciling.drain)
pump.register(unfinished.QUEUE, unfinished.drain, model=Unfinished)
pump.register(expiring.QUEUE, expiring.drain)
pump.register(duplicates.CHECK_QUEUE, duplicates.drain_checks, model=DuplicateCheck)
pump.register(duplicates.SEARCH_QUEUE, duplicates.drain_search, model=DuplicateSearch)
pump.register(FETCH_QUEUE, pumping.drain_remote_leads, model=RemoteLead)
pump.register(POLL_QUEUE, pumping.drain_polls, model=Poll)
pump.register(feedback.QUEUE, telling.drain, model=FeedbackEvent)
pump.register(steering.JOBS, steering.drain_jobs, model=ImportJob)
pump.register(steering.CHUNKS, steering.drain_chunks, model=ImportChunk)
pump.register(storing.QUEUE, ingest.drain, model=TrackingBatch)
pump.register(pruning.QUEUE, pruning.drain)
pump.register(channels.QUEUE, channels.drain_regrouping, model=Regrouping)
pump.register(clicks.QUEUE, clicks.prune)
pump.register(membership.QUEUE, membership.drain, model=Segment)
pump.register(membership.CLOCK_QUEUE, membership.drain_clocks)
pump.register(exporting.QUEUE, exporting.drain, model=ExportJob)
