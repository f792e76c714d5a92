"""Words, prices and pictures, as the storefront's pages write them."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from shop.storefront.art import art as picture_of
from shop.storefront.countries import COUNTRIES, NAME_OF
from shop.values import Money, plain

register = template.Library()

SIGNS = {"EUR": "€", "GBP": "£", "USD": "$"}
AMOUNT = re.compile(rf"\b\d+\.\d\d ({'|'.join(SIGNS)})\b")


@register.filter
def money(value: Any, currency: str = "") -> str:
    """€12.50; 12.50 CHF."""
    if value is None:
        return ""
    if isinstance(value, str):  # as the log writes it
        text, _, currency = value.partition(" ")
        value = Money(Decimal(text), currency)
    amount, code = (value.amount, value.currency) if isinstance(value, Money) else (value, currency)
    return f"{SIGNS[code]}{plain(amount)}" if code in SIGNS else f"{plain(amount)} {code}"


@register.simple_tag
def art(sku: str, name: str) -> SafeString:
    return mark_safe(picture_of(sku, name))  # noqa: S308  # nothing of the two is in it


@register.simple_tag
def key() -> SafeString:
    """What makes two submits of one form one command."""
    return format_html('<input type="hidden" name="key" value="{}">', uuid4().hex)


@register.filter
def country(code: str) -> str:
    return NAME_OF.get(code, code)


@register.filter
def instant(value: Any) -> SafeString:
    """An instant, exactly for machines, and for people as they say it."""
    at = datetime.fromisoformat(value) if isinstance(value, str) and value else value
    if not at:
        return mark_safe("")
    return format_html('<time datetime="{}">{}</time>', at.isoformat(), f"{at:%-d %B %Y, %H:%M}")


@register.filter
def clock(value: Any) -> SafeString:
    """The time of an instant; with its day where that is not today."""
    at = datetime.fromisoformat(value) if isinstance(value, str) and value else value
    if not at:
        return mark_safe("")
    now = datetime.now(UTC)
    day = "" if at.date() == now.date() else f"{at:%-d %b}, " if at.year == now.year else f"{at:%-d %b %Y}, "
    return format_html('<time datetime="{}">{}</time>', at.isoformat(), f"{day}{at:%H:%M} UTC")


@register.filter
def priced(text: str) -> str:
    """A text with the amounts in it, which the log writes as 12.50 EUR, as the storefront writes them."""
    return AMOUNT.sub(lambda found: money(found[0]), text)


@register.inclusion_tag("storefront/field.html")
def field(
    name: str, label: str, errors: dict[str, str], filled: Any = None, *, hint: str = "", **attributes: Any
) -> dict[str, Any]:
    """A labelled field, with what is wrong with it. Its id is ``id_NAME``, or ``id``."""
    given = attributes.pop("id", f"id_{name}")
    required = attributes.pop("required", True)
    value = filled.get(name, "") if hasattr(filled, "get") else ""
    return {
        "name": name,
        "label": label,
        "id": given,
        "error": errors.get(name, "") if errors else "",
        "value": value,
        "hint": hint,
        "required": required,
        "type": attributes.pop("type", "text"),
        "attributes": {each.replace("_", "-"): text for each, text in attributes.items()},
        "countries": COUNTRIES if name == "country" else None,
    }
