"""The cache in Valkey. When Valkey is away nothing is remembered, and everything goes on."""

from collections.abc import Callable
from typing import Any

import redis
import structlog
from django.core.cache.backends.redis import RedisCache

logger = structlog.get_logger(__name__)


class ForgivingCache(RedisCache):
    """Counting failed sign-ins and the like must not keep anybody from signing in."""

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return forgiving(lambda: super(ForgivingCache, self).get(key, default, version), default)

    def add(self, key: Any, *args: Any, **options: Any) -> bool:
        # As if nobody had it: what is used as a lock would otherwise never open.
        return bool(
            forgiving(
                lambda: super(ForgivingCache, self).add(key, *args, **options), otherwise=True
            )
        )

    def set(self, key: Any, *args: Any, **options: Any) -> None:
        forgiving(lambda: super(ForgivingCache, self).set(key, *args, **options), None)

    def delete(self, key: Any, version: int | None = None) -> bool:
        return bool(
            forgiving(lambda: super(ForgivingCache, self).delete(key, version), otherwise=False)
        )

    def get_many(self, keys: Any, version: int | None = None) -> dict[Any, Any]:
        found: dict[Any, Any] = forgiving(
            lambda: super(ForgivingCache, self).get_many(keys, version), {}
        )
        return found

    def set_many(self, data: Any, *args: Any, **options: Any) -> list[Any]:
        missed: list[Any] = forgiving(
            lambda: super(ForgivingCache, self).set_many(data, *args, **options), list(data)
        )
        return missed


def forgiving(ask: Callable[[], Any], otherwise: Any) -> Any:
    try:
        return ask()
    except redis.RedisError:
        logger.warning("cache_is_away")
        return otherwise
