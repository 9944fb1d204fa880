"""Whether this process has time to process a capture right after storing it.

A lone capture is a lead within milliseconds; in a rush the web only stores, and workers process.
"""

import threading
import time

INLINE_PER_SECOND = 5.0
BURST = 5.0
QUIET_SECONDS = 0.05  # after another capture, this one is part of a rush
INLINE_BYTES = 64_000
NUDGE_SECONDS = 0.25


class Pace:
    """A token bucket, and a gate so that one capture is processed inline at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokens = BURST
        self._at = time.monotonic()
        self._seen_at = self._nudged_at = 0.0
        self._busy = False

    def enter(self) -> bool:
        with self._lock:
            now = time.monotonic()
            self._tokens = min(BURST, self._tokens + (now - self._at) * INLINE_PER_SECOND)
            quiet, self._at, self._seen_at = now - self._seen_at > QUIET_SECONDS, now, now
            if self._busy or not quiet or self._tokens < 1:
                return False
            self._tokens -= 1
            self._busy = True
            return True

    def leave(self) -> None:
        with self._lock:
            self._busy = False

    def may_nudge(self) -> bool:
        """A worker drains all that is there, so one nudge serves many captures."""
        with self._lock:
            now = time.monotonic()
            if now - self._nudged_at < NUDGE_SECONDS:
                return False
            self._nudged_at = now
            return True


PACE = Pace()
