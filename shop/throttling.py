"""How often who may ask: so many requests in each minute of the clock, counted for all processes together."""

import time
from typing import Any

from django.conf import settings
from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from shop.roles import customer_of

MINUTE = 60


class ByRole(BaseThrottle):
    """``settings.REQUESTS_A_MINUTE`` says how many staff, a customer, a newcomer, an address without sign-in may."""

    def allow_request(self, request: Request, view: Any) -> bool:
        scope, who = self.counted(request)
        if not (most := settings.REQUESTS_A_MINUTE.get(scope)):
            return True
        now = int(time.time())
        self.left = MINUTE - now % MINUTE
        key = f"requests:{scope}:{who}:{now // MINUTE}"
        if cache.add(key, 1, 2 * MINUTE):
            return True
        try:
            return bool(cache.incr(key) <= most)
        except ValueError:  # the cache forgot it this very moment
            return True

    def wait(self) -> float:
        return self.left

    def counted(self, request: Request) -> tuple[str, str]:
        """As what, and as whom."""
        user = request.user
        if not user or not user.is_authenticated:
            return "anonymous", str(self.get_ident(request))
        if user.is_staff:
            return "staff", str(user.pk)
        return "newcomer" if customer_of(user) is None else "customer", str(user.pk)
