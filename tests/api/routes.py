"""Every operation under /api/, as the URLconf has it: a table that is checked against this cannot forget one."""

from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

SIGNED = "api/v1/payments/webhook/"  # the gateway's own protocol: tests/shop/test_payment_webhook.py


def operations(*methods: str) -> set[str]:
    """``{"POST api/v1/orders/", …}``: those with one of ``methods``."""
    return {
        f"{method} {route}" for route, view in views(get_resolver().url_patterns) for method in _methods(view, methods)
    }


def views(patterns: list[Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and route.startswith("api/") and route != SIGNED:
            yield route, pattern.callback


def _methods(view: Any, methods: tuple[str, ...]) -> Iterator[str]:
    handled = getattr(view, "actions", None) or dir(getattr(view, "view_class", None) or view.cls)
    for method in methods:
        if method.lower() in handled:
            yield method
