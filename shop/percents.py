"""Percentages as settings say them."""

from decimal import Decimal, InvalidOperation

from django.core.exceptions import ImproperlyConfigured

from shop.codes import COUNTRIES

EVERYWHERE = ""  # the key of what holds in all countries that are not named


def percent(setting: str, text: str) -> Decimal:
    """0 to 100, with up to four decimals. ImproperlyConfigured."""
    try:
        found = Decimal(text.strip())
        if not 0 <= found <= 100 or found != found.quantize(Decimal("0.0001")):
            raise ValueError
    except (InvalidOperation, ValueError):
        raise ImproperlyConfigured(f"{setting}: expected a percentage of 0 to 100, found {text!r}.") from None
    return found


def by_country(setting: str, text: str) -> dict[str, Decimal]:
    """``20``, or ``GB=20,DE=19``, or ``20,CH=0``: by country, and under ``EVERYWHERE`` else. ImproperlyConfigured."""
    found: dict[str, Decimal] = {}
    for part in text.split(","):
        country, equals, rate = part.strip().rpartition("=")
        if equals and country not in COUNTRIES:
            raise ImproperlyConfigured(f"{setting}: expected 20 or GB=20,DE=19, found the country {country!r}.")
        if country in found:
            raise ImproperlyConfigured(f"{setting}: expected {country or 'one rate for all others'} once, found two.")
        found[country] = percent(setting, rate)
    return {EVERYWHERE: Decimal(0)} | found
