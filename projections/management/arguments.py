"""What may be said on a command line, and who says it."""

import getpass
from argparse import ArgumentTypeError


def share(text: str) -> float:
    """``5%`` or ``0.05``."""
    try:
        found = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        found = 0.0
    if not 0 < found <= 1:
        raise ArgumentTypeError(f"expected a share above 0% and up to 100%, such as 5%, found {text!r}")
    return found


def at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"expected a whole number from 1, found {text!r}")
    return int(text)


def who() -> str:
    """Who sits at the terminal, as the system knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "command line"
