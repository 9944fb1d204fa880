"""Proof of work: what a browser computes is believed once, for one form, for two hours."""

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from leads.capture import proof
from leads.models import SpamPolicy

pytestmark = pytest.mark.django_db


def solve(challenge: dict[str, Any]) -> str:
    """What static/js/proof-worker.js does."""
    for number in range(challenge["maxNumber"] + 1):
        digest = hashlib.sha256(f"{challenge['salt']}{number}".encode()).hexdigest()
        if digest == challenge["challenge"]:
            break
    names = ("algorithm", "challenge", "salt", "signature")
    solution = {name: challenge[name] for name in names} | {"number": number}
    return base64.b64encode(json.dumps(solution).encode()).decode()


@pytest.fixture(autouse=True)
def cheap() -> Iterator[None]:
    SpamPolicy.objects.create(pk=1, proof_effort=200)
    proof.forget_policy()
    yield
    proof.forget_policy()


class TestASolution:
    def test_is_believed(self) -> None:
        payload = solve(proof.challenge("demo"))

        assert proof.verify(payload, form="demo", user="receipt").is_valid

    def test_is_believed_again_for_the_same_capture_only(self) -> None:
        payload = solve(proof.challenge("demo"))

        codes = [proof.verify(payload, form="demo", user=user).code for user in "aab"]

        assert codes == ["valid", "valid", "replayed"]

    def test_counts_for_its_form_only(self) -> None:
        payload = solve(proof.challenge("demo"))

        assert proof.verify(payload, form="contact").code == "forged"

    def test_expires(self) -> None:
        payload = solve(proof.challenge("demo"))

        later = time.time() + proof.VALID_SECONDS + 1
        assert proof.verify(payload, form="demo", at=later).code == "expired"

    def test_of_another_challenge_is_forged(self) -> None:
        first, other = proof.challenge("demo"), proof.challenge("demo")

        payload = solve(first | {"signature": other["signature"]})

        assert proof.verify(payload, form="demo").code == "forged"

    @pytest.mark.parametrize(
        "payload",
        ["x", "é", "NQ==", "W10=", "e30=", "bnVsbA==", base64.b64encode(b"[" * 2000).decode()],
    )
    def test_that_is_nonsense_is_forged(self, payload: str) -> None:
        assert proof.verify(payload).code == "forged"

    def test_that_was_not_sent_is_missing(self) -> None:
        assert proof.verify("").code == "missing"


class TestAsking:
    def test_follows_the_form(self) -> None:
        assert proof.is_wanted("always", "192.0.2.1")
        assert not proof.is_wanted("off", "192.0.2.1")

    def test_when_suspicious_begins_with_the_fourth_page(self) -> None:
        asked = [proof.is_wanted("suspicious", "192.0.2.7") for _ in range(5)]

        assert asked == [False, False, False, True, True]
