"""Card numbers: what looks like one, and whose it is (ISO/IEC 7812). Knows no framework."""

import re
from collections.abc import Iterator

SHORTEST, LONGEST = 13, 19  # digits
GROUPS = re.compile(r"\d+(?:[\s\-\u2010-\u2015]\d+)*")
BRANDS = (
    ("visa", r"4"),
    ("mastercard", r"5[1-5]|2(22[1-9]|2[3-9]|[3-6]|7[01]|720)"),
    ("amex", r"3[47]"),
    ("discover", r"6011|64[4-9]|65"),
    ("jcb", r"35(2[89]|[3-8])"),
    ("diners", r"3(0[0-5]|[689])"),
    ("unionpay", r"62"),
    ("maestro", r"50|5[6-9]|6"),
)


def is_card_number(digits: str) -> bool:
    """Whether its last digit is the check digit of the others (Luhn), and there are as many as a card has."""
    if not SHORTEST <= len(digits) <= LONGEST:
        return False
    total = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        total += digit if place % 2 == 0 else 2 * digit - 9 * (digit > 4)
    return total % 10 == 0


def has_card_number(text: str) -> bool:
    """Whether some groups of digits, with a blank or a hyphen between them at most, make one."""
    return any(is_card_number(digits) for run in GROUPS.finditer(text) for digits in _joined(run[0]))


def _joined(run: str) -> Iterator[str]:
    groups = re.findall(r"\d+", run)
    for first in range(len(groups)):
        digits = ""
        for group in groups[first:]:
            digits += group
            if len(digits) > LONGEST:
                break
            yield digits


def brand_of(digits: str) -> str:
    return next((brand for brand, prefix in BRANDS if re.match(prefix, digits)), "other")
