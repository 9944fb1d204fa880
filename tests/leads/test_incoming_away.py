"""The database is away while other people's programs send."""

from typing import Any

import pytest

from leads import capture
from leads.incoming import KNOWN
from leads.models import Lead
from tests.leads.sources import Sender, connect, encoded, payload, settle_captures
from tests.leads.test_lifeboat import database_away, spool

__all__ = ["spool"]
pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "whsec-of-the-provider"


def send(sender: Sender, address: str, secret: str = SECRET) -> Any:
    body = payload("tally.json")
    return sender.client.generic(
        "POST",
        address,
        body,
        "application/json",
        headers={"Tally-Signature": encoded(secret, body)},
    )


class TestWhileTheDatabaseIsAway:
    def test_a_known_sender_is_taken_into_the_lifeboat_and_still_has_to_prove_itself(self) -> None:
        sender = Sender(connect("tally", secret=SECRET))
        address = sender.address
        sender.client.get(address)

        with database_away():
            answer = send(sender, address)
            afterwards = send(sender, address, secret="another")
        capture.lifeboat.drain()
        settle_captures()

        assert (answer.status_code, afterwards.status_code) == (200, 401)
        assert Lead.objects.get().email == "alice@kestrel.example"

    def test_one_that_nobody_remembers_is_asked_to_come_again(self) -> None:
        sender = Sender(connect("tally", secret=SECRET))
        address = sender.address
        KNOWN.__init__(1.0)  # type: ignore[misc]

        with database_away():
            answer = send(sender, address)

        assert answer.status_code == 503
        assert answer["Retry-After"] == "30"
