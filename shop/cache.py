"""A cache in Redis that may go away: then each process has one of its own, and nothing fails."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

AWAY = 5.0  # seconds for which a Redis that did not answer is not asked again


class ForgivingCache(RedisCache):
    """Redis while it answers, the memory of this process while it does not. Whoever reads must bear a miss."""

    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._own = LocMemCache(f"beside {server}", params)
        self._away_until = 0.0

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(super().get, self._own.get, *args, **kwargs)

    def set(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(super().set, self._own.set, *args, **kwargs)

    def add(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(super().add, self._own.add, *args, **kwargs)

    def incr(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(super().incr, self._own.incr, *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(super().delete, self._own.delete, *args, **kwargs)

    def get_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(super().get_many, self._own.get_many, *args, **kwargs)

    def set_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(super().set_many, self._own.set_many, *args, **kwargs)

    def clear(self) -> bool:
        """All that this cache has, and not what else lies in that Redis."""
        with suppress(RedisError):
            redis = self._cache.get_client(None, write=True)
            if keys := list(redis.scan_iter(match=self.make_key("*"), count=1000)):
                redis.delete(*keys)
        self._own.clear()
        return True

    def _ask(self, redis: Callable[..., Any], own: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if time.monotonic() >= self._away_until:
            try:
                return redis(*args, **kwargs)
            except RedisError:
                self._away_until = time.monotonic() + AWAY
        return own(*args, **kwargs)
