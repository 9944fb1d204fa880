"""The last questions before a mail goes out, asked in the transaction that claims it.

The leads' rows are locked first, as everywhere: two workers that hold mails for the same lead see
each other's, so the frequency cap holds.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now

from leadcrm.accounts.models import Workspace
from leadcrm.lib import pump
from leads.actions import NewActivity, record_activities
from leads.actions.consent import email_hash
from leads.models import Consent
from nurturing.models import DripCampaign, Enrollment, FrequencyPolicy, Send
from nurturing.reasons import REASONS
from nurturing.schedule import Window, next_opening, zone_of

SOON = timedelta(minutes=1)
PAUSED_AGAIN_AT = timedelta(days=1)
MAX_ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true of one claimed mail at this moment."""

    send_id: int
    now: datetime
    email: str
    time_zone: str
    lead_gone: bool
    stage_over: bool
    enrollment_state: str
    campaign_state: str
    consent: bool | None
    suppressed: bool
    recent: datetime | None  # the mail that fills the frequency cap, if it is still full
    in_flight: bool  # another mail to the same lead is on its way right now


@dataclass(frozen=True, slots=True)
class Verdict:
    """Go; or not at all (`reason`); or not before `until`."""

    reason: str = ""
    until: datetime | None = None

    @property
    def goes(self) -> bool:
        return not self.reason


GO = Verdict()


@transaction.atomic
def pass_gate(sends: Sequence[Send], *, token: uuid.UUID) -> list[Send]:
    """Those that may go, marked as claimed; the others are skipped or postponed with a reason."""
    _lock_leads(sends)
    _follow_address(sends, token)
    policy, workspace = FrequencyPolicy.load(), Workspace.load()
    facts = _facts(sends, token=token, policy=policy)
    going: list[Send] = []
    busy: set[int] = set()
    for send in sends:
        known = facts.get(send.pk)
        if known is None:
            continue  # the lease was lost, or the mail skipped, since it was claimed
        verdict = judge(send, known, policy=policy, workspace=workspace)
        if verdict.goes and send.lead_id in busy:
            verdict = Verdict("frequency", known.now + SOON)
        if verdict.goes:
            busy.add(send.lead_id)
            going.append(send)
        else:
            _settle(send, verdict, now=known.now, token=token)
    Send.objects.filter(pk__in=[send.pk for send in going], lease_token=token).update(
        state=Send.State.CLAIMED, claimed_at=Now(), reason_code="", reason=""
    )
    return going


def judge(send: Send, facts: Facts, *, policy: FrequencyPolicy, workspace: Workspace) -> Verdict:
    """The first reason that speaks against sending, gravest first."""
    if refusal := _refusal(send, facts):
        return Verdict(refusal)
    if facts.campaign_state == DripCampaign.State.PAUSED or (
        facts.enrollment_state == Enrollment.State.PAUSED
    ):
        return Verdict("campaign_paused", facts.now + PAUSED_AGAIN_AT)
    if facts.in_flight:
        return Verdict("frequency", facts.now + SOON)
    if facts.recent is not None:
        return Verdict("frequency", facts.recent + timedelta(hours=policy.per_hours))
    window = Window(policy.opens_at, policy.closes_at, frozenset(policy.weekdays))
    zone = zone_of(facts.time_zone, workspace.time_zone)
    opening = next_opening(facts.now, window, zone)
    if opening is None:
        return Verdict("no_window")
    return GO if opening <= facts.now else Verdict("window", opening)


def _refusal(send: Send, facts: Facts) -> str:
    reasons = {
        "deleted": facts.lead_gone,
        "archived": facts.campaign_state == DripCampaign.State.ARCHIVED,
        "not_enrolled": facts.enrollment_state == Enrollment.State.EXITED,
        "no_address": not facts.email or not send.email_hash,
        "suppressed": facts.suppressed,
        "consent_withdrawn": facts.consent is False,
        "no_consent": facts.consent is None,
        "cycle_closed": facts.stage_over,
        "gave_up": send.attempts > MAX_ATTEMPTS,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _lock_leads(sends: Sequence[Send]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM leads_lead WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
            [sorted({send.lead_id for send in sends})],
        )


def _follow_address(sends: Sequence[Send], token: uuid.UUID) -> None:
    """A mail follows its lead: the address may have been corrected since it was planned."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.id, l.email FROM nurturing_send s JOIN leads_lead l ON l.id = s.lead_id "
            "WHERE s.id = ANY(%s) AND l.email <> s.to_address",
            [[send.pk for send in sends]],
        )
        changed = dict(cursor.fetchall())
    for send in sends:
        if send.pk in changed:
            send.to_address, send.email_hash = changed[send.pk], email_hash(changed[send.pk])
            Send.objects.filter(pk=send.pk, lease_token=token).update(
                to_address=send.to_address, email_hash=send.email_hash
            )


FACTS = """
SELECT s.id, now(), l.email, l.time_zone,
       l.deleted_at IS NOT NULL OR l.merged_into_id IS NOT NULL,
       COALESCE(g.category <> 'open' AND c.stop_on @> '["stage"]', false),
       e.state, c.state,
       (SELECT x.granted FROM leads_consent x
         WHERE x.lead_id = s.lead_id AND x.purpose = %(purpose)s
         ORDER BY x.at DESC, x.id DESC LIMIT 1),
       EXISTS (SELECT 1 FROM leads_suppression x
                WHERE x.email_hash = s.email_hash AND x.released_at IS NULL
                  AND x.scope IN ('global', s.topic)),
       (SELECT r.handed_off_at FROM nurturing_send r
         WHERE r.lead_id = s.lead_id AND r.handed_off_at > now() - %(hours)s * interval '1 hour'
         ORDER BY r.handed_off_at DESC OFFSET %(most)s - 1 LIMIT 1),
       EXISTS (SELECT 1 FROM nurturing_send r
                WHERE r.lead_id = s.lead_id AND r.state = 'claimed' AND r.due_at > now()
                  AND r.lease_token <> %(token)s)
  FROM nurturing_send s
  JOIN leads_lead l ON l.id = s.lead_id
  JOIN nurturing_enrollment e ON e.id = s.enrollment_id
  JOIN nurturing_dripcampaign c ON c.id = s.campaign_id
  LEFT JOIN leads_stage g ON g.id = l.stage_id
 WHERE s.id = ANY(%(sends)s) AND s.lease_token = %(token)s
"""


def _facts(sends: Sequence[Send], *, token: uuid.UUID, policy: FrequencyPolicy) -> dict[int, Facts]:
    values: dict[str, Any] = {
        "sends": [send.pk for send in sends],
        "token": token,
        "purpose": Consent.Purpose.MARKETING_EMAIL,
        "hours": policy.per_hours,
        "most": max(policy.max_mails, 1),
    }
    with connection.cursor() as cursor:
        cursor.execute(FACTS, values)
        return {row[0]: Facts(*row) for row in cursor.fetchall()}


def _settle(send: Send, verdict: Verdict, *, now: datetime, token: uuid.UUID) -> None:
    if verdict.until is None:
        skip(send, verdict.reason, at=now, token=token)
        return
    Send.objects.filter(pk=send.pk, lease_token=token).update(
        state=Send.State.DEFERRED,
        reason_code=verdict.reason,
        reason=REASONS[verdict.reason],
        due_at=verdict.until,
        lease_token=None,
        attempts=max(send.attempts - 1, 0),  # waiting is not failing
    )


def skip(send: Send, reason: str, *, at: datetime, token: uuid.UUID, words: str = "") -> None:
    """Never sent, with the reason on the row and on the lead's timeline."""
    done = pump.finish(
        Send,
        [send.pk],
        token=token,
        state=Send.State.FAILED if reason in {"gave_up"} else Send.State.SKIPPED,
        reason_code=reason,
        reason=words or REASONS[reason],
        settled_at=Now(),
    )
    if done:
        record_activities([skipped_activity(send, reason, at=at)])


def skipped_activity(send: Send, reason: str, *, at: datetime) -> NewActivity:
    return NewActivity(
        lead_id=send.lead_id,
        type="email_skipped",
        occurred_at=at,
        properties={
            "subject": send.subject, "send": send.public_id,
            "reason": reason, "words": REASONS[reason],
        },
        dedupe_key=f"send:{send.pk}:skipped",
    )  # fmt: skip
