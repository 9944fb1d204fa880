"""Moving due people on, a batch at a time: waits end, mails are planned, the end completes."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import prefetch_related_objects
from django.db.models.functions import Now
from psycopg2.extras import execute_values

from leadcrm.accounts.models import Workspace
from leadcrm.lib import memo, pump
from leadcrm.lib.tokens import new_public_id
from leads.actions.consent import email_hash
from leads.models import Lead
from nurturing.models import DripVersion, Enrollment, Send, Step
from nurturing.reasons import REASONS
from nurturing.rendering import Mail, TemplateBroken, compose, context_of, finish_html
from nurturing.tracking import (
    Recipient,
    click_url,
    ensure_links,
    is_ours,
    links_for,
    open_url,
)

logger = structlog.get_logger(__name__)

BATCH = 200
SENDS = "sends"


@dataclass(slots=True)
class Walk:
    """Where one person goes in one batch: the mails on the way and where they stand then."""

    enrollment: Enrollment
    mails: list[Step] = field(default_factory=list)
    stands_at: Step | None = None

    @property
    def done(self) -> bool:
        return self.stands_at is None

    @property
    def wait_minutes(self) -> int | None:
        return self.stands_at.wait_minutes if self.stands_at else None


@memo.continuing()
def advance_due(*, limit: int = BATCH) -> int:
    """Advance one batch; return how many were taken.

    Rendering happens outside of the transaction. Each write is fenced: who left the campaign in
    the meantime is not moved and gets nothing planned.
    """
    claim = pump.claim(Enrollment, limit=limit)
    if not claim:
        return 0
    prefetch_related_objects(claim.items, "campaign__topic")
    steps = steps_of({row.version_id for row in claim.items})
    walks = [walk(row, steps[row.version_id]) for row in claim.items]
    sends = _draft_sends(walks)
    with transaction.atomic():
        moved = _move(walks, claim.token)
        planned = [send for send in sends if send.enrollment_id in moved]
        Send.objects.bulk_create(planned, ignore_conflicts=True)
        if planned:
            pump.wake(SENDS)
    return len(claim.items)


def steps_of(version_ids: set[int]) -> dict[int, list[Step]]:
    steps: dict[int, list[Step]] = defaultdict(list)
    rows = Step.objects.filter(version__in=version_ids).select_related(
        "template__current", "template__topic"
    )
    for step in rows.order_by("version", "position"):
        steps[step.version_id].append(step)
    return steps


def walk(enrollment: Enrollment, steps: Sequence[Step]) -> Walk:
    """A due wait is over. Mails are passed until the next wait; an exit or the end completes."""
    result = Walk(enrollment)
    here = next((i for i, step in enumerate(steps) if step.pk == enrollment.step_id), len(steps))
    if here < len(steps) and steps[here].kind == Step.Kind.WAIT:
        here += 1
    for step in steps[here:]:
        if step.kind == Step.Kind.EMAIL:
            result.mails.append(step)
        else:
            result.stands_at = step if step.kind == Step.Kind.WAIT else None
            break
    return result


def _move(walks: Sequence[Walk], token: uuid.UUID) -> set[int]:
    """Write all new positions in one statement; return the enrollments that were still ours."""
    rows = [
        (w.enrollment.pk, w.stands_at.pk if w.stands_at else None, w.wait_minutes, w.done)
        for w in walks
    ]
    with connection.cursor() as cursor:
        found = execute_values(
            cursor.cursor,
            f"""
            UPDATE nurturing_enrollment AS e
               SET step_id = v.step, step_since = now(), lease_token = NULL, attempts = 0,
                   due_at = CASE WHEN v.done THEN NULL
                                 ELSE now() + v.wait * interval '1 minute' END,
                   state = CASE WHEN v.done THEN 'completed' ELSE e.state END,
                   ended_at = CASE WHEN v.done THEN now() END
              FROM (VALUES %s) AS v (id, step, wait, done)
             WHERE e.id = v.id AND e.lease_token = '{token}' AND e.state = 'active'
            RETURNING e.id
            """,  # noqa: S608 - the token is a UUID of our own
            rows,
            template="(%s::bigint, %s::bigint, %s::int, %s::boolean)",
            page_size=len(rows),
            fetch=True,
        )
    return {row[0] for row in found}


# Mails ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Draft:
    send: Send
    mail: Mail


def _draft_sends(walks: Sequence[Walk]) -> list[Send]:
    """The planned mails of a batch, filled in; links are stored once for all of them."""
    wanted = [(w.enrollment, step) for w in walks for step in w.mails]
    if not wanted:
        return []
    leads = Lead.objects.select_related("company", "owner").in_bulk(
        {enrollment.lead_id for enrollment, _ in wanted}
    )
    workspace = Workspace.load()
    results = [
        _draft(enrollment, step, leads[enrollment.lead_id], workspace)
        for enrollment, step in wanted
    ]
    drafts = [result for result in results if isinstance(result, Draft)]
    links = ensure_links(url for draft in drafts for url in draft.mail.addresses)
    return [_finish(result, links) if isinstance(result, Draft) else result for result in results]


def _draft(enrollment: Enrollment, step: Step, lead: Lead, workspace: Workspace) -> Draft | Send:
    send = _blank(enrollment, step, lead)
    version = step.template.current if step.template else None
    if not send.email_hash:
        return _stillborn(send, Send.State.SKIPPED, "no_address")
    if version is None:
        return _stillborn(send, Send.State.FAILED, "template_error")
    links = links_for(Recipient(send.public_id, send.email_hash))
    try:
        mail = compose(version, context_of(lead, workspace, links))
    except TemplateBroken as error:
        words = f"{REASONS['template_error']} {error}"[:300]
        return _stillborn(send, Send.State.FAILED, "template_error", words)
    except Exception:  # a bug, but one mail's bug: the others of the batch must go on
        logger.exception("mail_not_composed", template=version.pk, lead=lead.pk)
        return _stillborn(send, Send.State.FAILED, "template_error")
    topic = (step.template.topic if step.template else None) or enrollment.campaign.topic
    send.template_version, send.topic = version, topic.key if topic else ""
    send.subject, send.text = mail.subject, mail.text
    return Draft(send, mail)


def _blank(enrollment: Enrollment, step: Step, lead: Lead) -> Send:
    public_id = new_public_id()
    return Send(
        public_id=public_id,
        enrollment=enrollment,
        campaign_id=enrollment.campaign_id,
        step=step,
        step_key=step.key,
        lead=lead,
        message_id=f"<{public_id}.{uuid.uuid4().hex}@{message_domain()}>",
        email_hash=email_hash(lead.email),
        to_address=lead.email,
        planned_at=Now(),
        due_at=Now(),
    )


def message_domain() -> str:
    return settings.DEFAULT_FROM_EMAIL.rstrip("> ").rpartition("@")[2] or "localhost"


def _stillborn(send: Send, state: str, reason: str, words: str = "") -> Send:
    send.state, send.reason_code, send.reason = state, reason, words or REASONS[reason]
    send.due_at, send.settled_at = None, Now()
    return send


def _finish(draft: Draft, links: dict[str, int]) -> Send:
    def tracked(url: str) -> str:
        known = None if is_ours(url) else links.get(url)
        return url if known is None else click_url(draft.send.public_id, known)

    pixel = open_url(draft.send.public_id)
    try:
        draft.send.html = finish_html(draft.mail, rewrite=tracked, pixel=pixel)
    except Exception:
        logger.exception("mail_not_styled", lead=draft.send.lead_id)
        return _stillborn(draft.send, Send.State.FAILED, "template_error")
    return draft.send


def place_all(version: DripVersion, *, moves: dict[int, int | None]) -> None:
    """Set people down in a new version: from each old step id to the new one (None: the end)."""
    for old, new in moves.items():
        Enrollment.objects.filter(Enrollment.INSIDE, step_id=old).update(
            version=version, step_id=new, lease_token=None
        )
