"""Counting requests in Valkey. When Valkey is away the limit fails open, and says so."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import redis
import structlog
from django.conf import settings

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`screened` is False when nothing could be counted; the caller flags what it lets through."""

    allowed: bool
    retry_after: int = 0
    screened: bool = True


# KEYS: one for each window. ARGV: the weight, then for how long each counter is kept.
COUNT = """
local counts = {}
for n, key in ipairs(KEYS) do
  counts[n] = redis.call('INCRBY', key, ARGV[1])
  redis.call('EXPIRE', key, ARGV[n + 1])
end
return counts
"""


_client: redis.Redis | None = None


def client() -> redis.Redis:
    global _client  # one connection pool a process
    if _client is None:
        _client = redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5
        )
    return _client


def hits(windows: Sequence[tuple[str, int, int]], *, weight: int = 1) -> list[Verdict]:
    """Count one request (or `weight` of them) in several windows of `(key, limit, seconds)`.

    All in one round trip.
    """
    now, prefix = int(time.time()), settings.CACHES["default"]["KEY_PREFIX"]
    keys = [f"{prefix}:rate:{key}:{now // seconds}" for key, _, seconds in windows]
    kept = [seconds + 1 for *_, seconds in windows]
    try:
        count = client().register_script(COUNT)  # sent once, then known by its hash
        counts = [int(n) for n in count(keys=keys, args=[weight, *kept])]
    except redis.RedisError:
        logger.warning("rate_limit_unscreened", key=windows[0][0].partition(":")[0])
        return [Verdict(allowed=True, screened=False)] * len(windows)
    return [
        Verdict(count <= limit, retry_after=0 if count <= limit else seconds - now % seconds)
        for count, (_, limit, seconds) in zip(counts, windows, strict=True)
    ]


def hit(key: str, *, limit: int, seconds: int, weight: int = 1) -> Verdict:
    """The same for one window."""
    return hits([(key, limit, seconds)], weight=weight)[0]
