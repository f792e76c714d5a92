"""What stands behind the question mark of an address: looked at once, and all that is wrong with it said at once."""

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from django.urls import register_converter
from django.urls.converters import IntConverter
from rest_framework.request import Request

from shop.problems import Problem

T = TypeVar("T")

LONGEST = 1000  # characters of one value; a cursor is the longest
CONTROL = re.compile("[\0-\x1f\x7f\ufffd]")  # the last stands where the address was not UTF-8


class Asked:
    """The parameters of a request. ``settle``, once all are read, raises all that is wrong with them as one problem."""

    def __init__(self, request: Request, known: Iterable[str]) -> None:
        self.known = sorted(known)
        self.values: dict[str, str] = {}
        self.errors: list[dict[str, str]] = []
        for name, values in request.query_params.lists():
            if name not in self.known:
                here = ", ".join(self.known) or "none"
                self.wrong(name[:100], f"There is no such parameter here; there is {here}.", "unknown_parameter")
            elif len(values) > 1:
                self.wrong(name, f"It stands {len(values)} times; once is enough.", "repeated_parameter")
            elif not values[0] or len(values[0]) > LONGEST or CONTROL.search(values[0]):
                self.wrong(name, f"A value has 1 to {LONGEST} characters of UTF-8, and none that control.")
            else:
                self.values[name] = values[0]

    def get(self, name: str, read: Callable[[str], T]) -> T | None:
        """The parameter as ``read`` understands it; None when it is not there, or when it says ValueError."""
        if name not in self.values:
            return None
        try:
            return read(self.values[name])
        except (ValueError, OverflowError) as error:
            self.wrong(name, str(error))
            return None

    def wrong(self, name: str, detail: str, code: str = "bad_parameter") -> None:
        self.errors.append({"parameter": name, "code": code, "detail": detail})

    def alone(self, *names: str) -> None:
        """At most one of ``names`` may be there."""
        there = [name for name in names if name in self.values]
        for name in there[1:]:
            self.wrong(name, f"It cannot be asked together with {there[0]}.")

    def settle(self) -> None:
        if self.errors:
            codes = {error["code"] for error in self.errors}
            raise Problem(codes.pop() if len(codes) == 1 else "bad_parameter", errors=self.errors)


class Ordinal(IntConverter):
    """1, 2, … in a path."""

    regex = "[1-9][0-9]{0,8}"


register_converter(Ordinal, "ordinal")


def number(text: str) -> int:
    if not re.fullmatch("[0-9]{1,18}", text):
        raise ValueError(f"{text[:40]!r} is no whole number of at most 18 digits.")
    return int(text)
