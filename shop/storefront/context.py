"""What every page of the storefront needs."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from shop.roles import customer_of
from shop.storefront.baskets import pieces


def brand() -> dict[str, Any]:
    return {"shop_name": settings.SHOP_NAME}


def everywhere(request: HttpRequest) -> dict[str, Any]:
    """Nothing is looked up for pages that do not ask."""
    return brand() | {
        "pieces": SimpleLazyObject(lambda: pieces(request)),
        "is_customer": SimpleLazyObject(lambda: customer_of(request.user) is not None),
    }
