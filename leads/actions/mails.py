"""What a person decides about a mail that was not sent, or perhaps was."""

from datetime import datetime

from django.db.models.functions import Now

from leadcrm.accounts.models import User
from leadcrm.lib import pump
from leadcrm.lib.errors import Conflict
from leads import mailing
from leads.models import TransactionalMail

State = TransactionalMail.State
SEND, ARRIVED = "send", "arrived"


class MayArriveTwice(Conflict):
    code = "may_arrive_twice"

    def __init__(self) -> None:
        super().__init__(
            "This mail was perhaps sent. Ask whether it arrived; "
            "to send it again, say that it may arrive twice."
        )


class NothingToDecide(Conflict):
    code = "nothing_to_decide"

    def __init__(self, state: str) -> None:
        label = State(state).label.lower()
        super().__init__(f"This mail is {label} by now. Nothing was changed.")


def send_again(mail_id: int, *, by: User, at: datetime, twice_is_fine: bool = False) -> None:
    """Queue it once more, with the same Message-ID; what was surely sent is never sent again.

    :raises MayArriveTwice: it is in doubt, and nobody said that a second one does no harm.
    :raises NothingToDecide: it is on its way, or somebody else has decided.
    """
    mail = TransactionalMail.objects.get(pk=mail_id)
    if mail.state == State.UNKNOWN and not twice_is_fine:
        raise MayArriveTwice
    if mail.state not in (State.UNKNOWN, State.FAILED):
        raise NothingToDecide(mail.state)
    _decide(mail, SEND, by=by, at=at, state=State.QUEUED, due_at=Now(), attempts=0)
    pump.wake(mailing.QUEUE)


def try_now(mail_id: int) -> None:
    """Do not wait for the next attempt.

    :raises NothingToDecide: it does not wait.
    """
    waits = TransactionalMail.objects.filter(pk=mail_id, state=State.QUEUED, lease_token=None)
    if not waits.update(due_at=Now()):
        raise NothingToDecide(TransactionalMail.objects.get(pk=mail_id).state)
    pump.wake(mailing.QUEUE)


def call_arrived(mail_id: int, *, by: User, at: datetime) -> None:
    """The person has it.

    :raises NothingToDecide: it was not in doubt.
    """
    mail = TransactionalMail.objects.get(pk=mail_id)
    if mail.state != State.UNKNOWN:
        raise NothingToDecide(mail.state)
    _decide(mail, ARRIVED, by=by, at=at, state=State.SENT, sent_at=at)


def _decide(
    mail: TransactionalMail, decision: str, *, by: User, at: datetime, **changes: object
) -> None:
    """Only from the state that was looked at: of two people who press at once one decides."""
    same = TransactionalMail.objects.filter(pk=mail.pk, state=mail.state)
    changed = same.update(
        decided_by=by, decided_at=at, decision=decision, lease_token=None, **changes
    )
    if not changed:
        raise NothingToDecide(TransactionalMail.objects.get(pk=mail.pk).state)
