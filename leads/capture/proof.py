"""Proof of work in ALTCHA's protocol: a browser pays with a second of computing, no third party.

The challenge is signed, so that none is stored; what is kept for a while is which were used up.
Who has no JavaScript sends none and only gains points (see `leads.capture.spam`).
"""

import base64
import binascii
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import redis
import structlog
from altcha import v1 as altcha
from django.conf import settings

from leadcrm.lib import ratelimit
from leadcrm.lib.recent import Recent
from leadcrm.lib.tokens import keyed_hash
from leads.models import SpamPolicy

logger = structlog.get_logger(__name__)

VALID_SECONDS = 2 * 3600  # people leave a form open
WANTED_AFTER = 3  # posts of one address in an hour, where proof is asked for when suspicious
PARTS = {"algorithm": str, "challenge": str, "number": int, "salt": str, "signature": str}
_policy: Recent[SpamPolicy] = Recent(10)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`code` is "valid", "missing", "expired", "forged" or "replayed"."""

    code: str

    @property
    def is_valid(self) -> bool:
        return self.code == "valid"


def policy() -> SpamPolicy:
    """How strict this workspace is, as of some seconds ago."""
    found = _policy.get("")
    if found is None:
        found = SpamPolicy.load()
        _policy.put("", found)
    return found


def forget_policy() -> None:
    _policy.clear()


def challenge(form: str = "") -> dict[str, Any]:
    """What the widget in the page solves; `form` is what it counts for, such as its slug."""
    made = altcha.create_challenge(
        altcha.ChallengeOptions(
            algorithm="SHA-256",
            max_number=policy().proof_effort,
            hmac_key=_key(),
            expires=datetime.now(UTC) + timedelta(seconds=VALID_SECONDS),
            params={"form": form},
        )
    )
    found: dict[str, Any] = made.to_dict()
    return found


def challenge_text(form: str = "") -> str:
    """For `templates/leads/public/proof.html`."""
    return json.dumps(challenge(form))


def is_wanted(mode: str, address: str) -> bool:
    """Whether a page asks for proof: "always", "suspicious" (this address posts often), "off"."""
    if mode != "suspicious":
        return mode == "always"
    return not ratelimit.hit(f"proof-asked:{address}", limit=WANTED_AFTER, seconds=3600).allowed


def verify(payload: str, *, form: str = "", at: float | None = None, user: str = "") -> Verdict:
    """Judge a solution that was sent at `at`; `user` is what may use it, once: the receipt."""
    if not payload:
        return Verdict("missing")
    solution = _read(payload)
    if solution is None or not altcha.verify_solution(solution, _key(), check_expires=False)[0]:
        return Verdict("forged")
    said = parse_qs(solution["salt"].partition("?")[2].rstrip("&"), keep_blank_values=True)
    if said.get("form", [""])[0] != form:
        return Verdict("forged")
    if (at or time.time()) > float(said["expires"][0]):
        return Verdict("expired")
    return Verdict("valid" if _use(solution["signature"], user) else "replayed")


def _key() -> str:
    return keyed_hash("altcha", "challenge")


def _read(payload: str) -> Any:
    try:
        solution = json.loads(base64.b64decode(payload[:4000], validate=True))
    except (ValueError, binascii.Error, RecursionError):
        return None
    if not isinstance(solution, dict):
        return None
    return solution if all(type(solution.get(k)) is kind for k, kind in PARTS.items()) else None


def _use(signature: str, user: str) -> bool:
    """True for the first who uses it, and for the same one again; open while Valkey is away."""
    prefix = settings.CACHES["default"]["KEY_PREFIX"]
    name = f"{prefix}:proof:{signature[:64]}"
    try:
        client = ratelimit.client()
        if client.set(name, user or "-", nx=True, ex=VALID_SECONDS):
            return True
        stored: Any = client.get(name)
    except redis.RedisError:
        logger.warning("proof_unscreened")
        return True
    return bool(user) and stored is not None and stored.decode() == user
