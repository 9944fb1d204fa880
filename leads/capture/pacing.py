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
    """A token bucket, and a gate: only a capture that is alone here is processed at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokens = BURST
        self._at = time.monotonic()
        self._seen_at = self._nudged_at = 0.0
        self._inside = 0

    def enter(self) -> bool:
        """Whether this capture may be processed at once; `leave` when it is done either way."""
        with self._lock:
            self._inside += 1
            now = time.monotonic()
            self._tokens = min(BURST, self._tokens + (now - self._at) * INLINE_PER_SECOND)
            quiet, self._at, self._seen_at = now - self._seen_at > QUIET_SECONDS, now, now
            if self._inside > 1 or not quiet or self._tokens < 1:
                return False
            self._tokens -= 1
            return True

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1

    def may_nudge(self) -> bool:
        """A worker drains all that is there, so one nudge serves many captures."""
        with self._lock:
            now = time.monotonic()
            if now - self._nudged_at < NUDGE_SECONDS:
                return False
            self._nudged_at = now
            return True


PACE = Pace()
