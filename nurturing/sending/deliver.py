"""The two-phase hand-over: a mail is accepted once, or known to be in doubt; never sent twice.

1. Claim a batch and pass the gate; commit.
2. Talk to the mail server up to the end of the body, without the final dot.
3. One fenced statement says `handed_off`, asking for suppression and consent a last time; commit.
4. Send the dot, wait for the answer, write `accepted`; commit.

A crash before 3 leaves a mail that was certainly not accepted: its lease ends and it is tried
again. A crash after 3 leaves one that nobody knows about: it becomes `unknown` and is shown.
"""

import random
import uuid
from datetime import timedelta

import structlog
from django.db import connection, transaction
from django.db.models import F, Q, prefetch_related_objects
from django.db.models.functions import Now
from django.utils import timezone

from leadcrm.lib import pump
from leads.actions import NewActivity, record_activities, suppress
from leads.models import Suppression
from nurturing.engine.leaving import leave, of_lead
from nurturing.models import Send, Sender
from nurturing.reasons import REASONS
from nurturing.sending import crash, gate, message
from nurturing.sending.faults import Meaning, SmtpFault, Stage, meaning_of
from nurturing.sending.smtp import Conversation

logger = structlog.get_logger(__name__)

BATCH = 50
LEASE = timedelta(minutes=5)
HANDED_OFF_LEASE_SECONDS = 900  # longer than the ten minutes a server may take to answer
FIRST_RETRY_SECONDS = 300
LONGEST_RETRY_SECONDS = 12 * 3600
GIVE_UP_AFTER = timedelta(hours=48)
BREAKER_FAILURES = 3
BREAKER_PAUSE = timedelta(minutes=5)
CLAIMABLE = Q(state__in=Send.WAITING)


def drain_sends(*, limit: int = BATCH) -> int:
    """Send one batch; return how many mails were taken."""
    recover()
    if _sender_paused():
        return 0
    claim = pump.claim(Send, limit=limit, lease=LEASE, where=CLAIMABLE)
    if not claim:
        return 0
    crash.point("after_claim")
    going = gate.pass_gate(claim.items, token=claim.token)
    crash.point("after_gate")
    prefetch_related_objects(going, "lead__owner")
    with Conversation() as conversation:
        for index, send in enumerate(going):
            if not deliver(send, conversation, token=claim.token):
                _give_back([s.pk for s in going[index + 1 :]], token=claim.token)
                break
        else:
            if going:
                _forget_failures()
    return len(claim.items)


def recover() -> int:
    """Mails whose worker died after the hand-over: in doubt, never sent again by themselves."""
    return Send.objects.filter(state=Send.State.HANDED_OFF, due_at__lte=Now()).update(
        state=Send.State.UNKNOWN,
        reason_code="in_doubt",
        reason=REASONS["in_doubt"],
        settled_at=Now(),
        due_at=None,  # the token stays: should the worker only be slow, its answer still counts
    )


def deliver(send: Send, conversation: Conversation, *, token: uuid.UUID) -> bool:
    """Hand one mail over; return False when the server refuses us altogether."""
    try:
        envelope = message.build(send)
        if not envelope.recipient.isascii() and not conversation.takes_any_address:
            raise SmtpFault(Stage.RCPT, 553, "5.6.7 The server takes ASCII addresses only")
        conversation.begin(envelope.sender, envelope.recipient, envelope.content)
        crash.point("after_body")
        if not hand_over(send, token=token):
            conversation.abandon()
            _ask_again(send, token=token)
            return True
        crash.point("after_handoff")
        answer = conversation.complete()
    except message.Unwritable as error:
        _fail(send, "rejected", SmtpFault(Stage.DATA, 0, str(error)), token=token)
        return True
    except SmtpFault as fault:
        return _note_fault(send, fault, token=token)
    crash.point("after_accept")
    _accept(send, answer, token=token)
    return True


HAND_OVER = """
UPDATE nurturing_send AS s
   SET state = 'handed_off', handed_off_at = clock_timestamp(),
       due_at = clock_timestamp() + %(lease)s * interval '1 second'
 WHERE s.id = %(send)s AND s.lease_token = %(token)s AND s.state = 'claimed'
   AND NOT EXISTS (SELECT 1 FROM leads_suppression x
                    WHERE x.email_hash = s.email_hash AND x.released_at IS NULL
                      AND x.scope IN ('global', s.topic))
   AND (SELECT x.granted FROM leads_consent x
         WHERE x.lead_id = s.lead_id AND x.purpose = 'marketing_email'
         ORDER BY x.at DESC, x.id DESC LIMIT 1)
   AND EXISTS (SELECT 1 FROM nurturing_enrollment e JOIN nurturing_dripcampaign c
                   ON c.id = e.campaign_id
                WHERE e.id = s.enrollment_id AND e.state IN ('active', 'completed')
                  AND c.state = 'active')
"""


def hand_over(send: Send, *, token: uuid.UUID) -> bool:
    """The point of no return, in one fenced statement; False: do not send the dot.

    The lead is locked in share mode. Unsubscribing locks it for itself, so once that has
    committed no hand-over follows.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM leads_lead WHERE id = %s FOR SHARE", [send.lead_id])
        cursor.execute(
            HAND_OVER, {"send": send.pk, "token": token, "lease": HANDED_OFF_LEASE_SECONDS}
        )
        return bool(cursor.rowcount == 1)


@transaction.atomic
def _accept(send: Send, answer: str, *, token: uuid.UUID) -> None:
    written = Send.objects.filter(
        pk=send.pk, lease_token=token, state__in=[Send.State.HANDED_OFF, Send.State.UNKNOWN]
    ).update(
        state=Send.State.ACCEPTED,
        accepted_at=Now(),
        settled_at=Now(),
        smtp_response=answer,
        reason_code="",
        reason="",
        due_at=None,
        lease_token=None,
    )
    if written:
        record_activities([_sent_activity(send)])


def _sent_activity(send: Send) -> NewActivity:
    return NewActivity(
        lead_id=send.lead_id,
        type="email_sent",
        occurred_at=timezone.now(),
        properties={"subject": send.subject, "send": send.public_id},
        dedupe_key=f"send:{send.pk}:sent",
    )


def _ask_again(send: Send, *, token: uuid.UUID) -> None:
    """The hand-over was refused: the gate says why, unless somebody else settled it already."""
    held = Send.objects.filter(pk=send.pk, lease_token=token, state=Send.State.CLAIMED)
    if held.exists() and gate.pass_gate([send], token=token):
        _give_back([send.pk], token=token)


def _give_back(send_ids: list[int], *, token: uuid.UUID) -> None:
    """Not tried: due again in a minute, without counting an attempt."""
    Send.objects.filter(pk__in=send_ids, lease_token=token, state__in=Send.WAITING).update(
        state=Send.State.PLANNED,
        due_at=pump.after(60),
        lease_token=None,
        attempts=F("attempts") - 1,
    )


# Faults ---------------------------------------------------------------------------------------


def _note_fault(send: Send, fault: SmtpFault, *, token: uuid.UUID) -> bool:
    """Write what the fault means; return whether the next mail may be tried."""
    meaning = meaning_of(fault)
    logger.warning("mail_not_accepted", send=send.public_id, stage=fault.stage, code=fault.code)
    if meaning == Meaning.IN_DOUBT:
        _doubt(send, fault, token=token)
    elif meaning == Meaning.NO_SUCH_ADDRESS:
        _bounce(send, fault, token=token)
    elif meaning in {Meaning.POLICY, Meaning.REJECTED}:
        _fail(send, meaning.value, fault, token=token)
    else:
        _retry(send, meaning, fault, token=token)
    # A server that cannot be reached, or refuses us, refuses the next mail too.
    broken = meaning == Meaning.SENDER or fault.stage == Stage.CONNECT
    if broken:
        _count_failure(fault)
    return not broken


def _doubt(send: Send, fault: SmtpFault, *, token: uuid.UUID) -> None:
    Send.objects.filter(
        pk=send.pk, lease_token=token, state__in=[Send.State.HANDED_OFF, Send.State.UNKNOWN]
    ).update(
        state=Send.State.UNKNOWN,
        reason_code="in_doubt",
        reason=fault.words,
        settled_at=Now(),
        due_at=None,
        lease_token=None,
    )


@transaction.atomic
def _bounce(send: Send, fault: SmtpFault, *, token: uuid.UUID) -> None:
    """The address does not exist: note it, suppress it, and end what the lead is in."""
    # The lead first, then its sends: the order everybody locks in.
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM leads_lead WHERE id = %s FOR NO KEY UPDATE", [send.lead_id])
    now = timezone.now()
    if not _finish(send, Send.State.BOUNCED, "bounced", fault, token=token):
        return
    suppress(send.to_address, reason=Suppression.Reason.BOUNCED, at=now, source="smtp")
    leave(of_lead(send.lead_id), reason="bounced", at=now)
    record_activities(
        [
            NewActivity(
                lead_id=send.lead_id,
                type="email_bounce",
                occurred_at=now,
                properties={"subject": send.subject, "send": send.public_id, "hard": True},
                klass="machine",
                dedupe_key=f"send:{send.pk}:bounced",
            )
        ]
    )


def _fail(send: Send, reason: str, fault: SmtpFault, *, token: uuid.UUID) -> None:
    _finish(send, Send.State.FAILED, reason, fault, token=token)


def _finish(send: Send, state: str, reason: str, fault: SmtpFault, *, token: uuid.UUID) -> int:
    return pump.finish(
        Send,
        [send.pk],
        token=token,
        state=state,
        reason_code=reason,
        reason=f"{REASONS[reason]} {fault.words}"[:300],
        smtp_response=f"{fault.code} {fault.text}"[:300],
        settled_at=Now(),
        handed_off_at=None,
    )


def _retry(send: Send, meaning: Meaning, fault: SmtpFault, *, token: uuid.UUID) -> None:
    """Certainly not accepted: planned again, later each time, for two days at most."""
    age = timezone.now() - send.planned_at
    if age > GIVE_UP_AFTER or send.attempts >= gate.MAX_ATTEMPTS:
        _fail(send, "gave_up", fault, token=token)
        return
    pump.postpone(
        Send,
        send.pk,
        token=token,
        seconds=retry_seconds(send.attempts),
        state=Send.State.PLANNED,
        reason_code=meaning.value,
        reason=f"{REASONS[meaning.value]} {fault.words}"[:300],
        smtp_response=f"{fault.code} {fault.text}"[:300],
        handed_off_at=None,
    )


def retry_seconds(attempts: int) -> float:
    """5 minutes, doubling to 12 hours, half as much more or less so that retries spread."""
    base = min(FIRST_RETRY_SECONDS * 2.0 ** max(attempts - 1, 0), LONGEST_RETRY_SECONDS)
    return float(base) * random.uniform(0.5, 1.5)  # noqa: S311 - spreading, not secrecy


# The circuit breaker --------------------------------------------------------------------------


def _sender_paused() -> bool:
    return Sender.objects.filter(paused_until__gt=Now()).exists()


def _forget_failures() -> None:
    """A whole batch went through: the server takes our mail."""
    Sender.objects.filter(~Q(failures=0) | ~Q(last_error="")).update(
        failures=0, paused_until=None, last_error=""
    )


def _count_failure(fault: SmtpFault) -> None:
    Sender.load()
    Sender.objects.update(failures=F("failures") + 1, last_error=fault.words)
    Sender.objects.filter(failures__gte=BREAKER_FAILURES).update(
        failures=0, paused_until=Now() + BREAKER_PAUSE
    )
