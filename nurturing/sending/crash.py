"""Dying on purpose at a named point, so that tests can prove what a crash leaves behind.

`LEADCRM_CRASH_AT=after_body` dies the first time, `after_body:3` the third.
"""

import os

from django.conf import settings

POINTS = ("after_claim", "after_gate", "after_rcpt", "after_body", "after_handoff", "after_accept")
_seen: dict[str, int] = {}


def point(name: str) -> None:
    wanted = os.environ.get("LEADCRM_CRASH_AT")
    if not wanted or not settings.DEBUG:
        return
    where, _, count = wanted.partition(":")
    if where == name:
        _seen[name] = _seen.get(name, 0) + 1
        if _seen[name] >= int(count or 1):
            os._exit(137)
