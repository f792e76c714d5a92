"""What a body may be: one JSON object that means the same to everybody."""

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from django.conf import settings
from django.utils.http import parse_header_parameters
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer

from shop.problems import Problem, step

DEEPEST = 10  # levels


class JSONLine(JSONRenderer):
    """JSON that ends its line, so that a terminal's prompt does not stand behind it."""

    def render(self, *args: Any, **kwargs: Any) -> bytes:
        written: bytes = super().render(*args, **kwargs)
        return written + b"\n" if written else written


class StrictJSONParser(BaseParser):
    """Takes one JSON object in UTF-8 that means the same to everybody (RFC 8259, I-JSON: RFC 7493)."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        headers = parser_context["request"].headers
        if (encoding := headers.get("Content-Encoding", "identity")).lower() != "identity":
            raise Problem("unsupported_media_type", f"A body is sent plain: {encoding!r} is not taken.")
        _, parameters = parse_header_parameters(media_type or "")
        if (charset := parameters.get("charset", "utf-8").lower()) not in ("utf-8", "utf8"):
            raise ParseError(f"JSON is UTF-8, not {charset}.")
        data = stream.read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
        if len(data) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise too_large()
        if len(data) < int(headers["Content-Length"]):
            raise ParseError(f"The body ended after {len(data)} of {headers['Content-Length']} bytes.")
        return read_object(data)


def read_object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(
            data.decode(),  # json would guess UTF-16
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_constant,
        )
    except UnicodeDecodeError:
        raise ParseError("The body is not UTF-8.") from None
    except RecursionError:
        raise ParseError(f"The body is nested deeper than {DEEPEST} levels.") from None
    except ValueError as error:
        raise ParseError(f"The body is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise ParseError("The body must be an object: {…}")
    if errors := list(_unstorable(found)):
        raise Problem("invalid", errors=errors)
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name[:100]!r} stands twice in one object.")
        found[name] = value
    return found


def _integer(text: str) -> int:
    if len(text) > 20:
        raise ValueError(f"an integer of {len(text)} characters is too long.")
    return int(text)


def _number(text: str) -> float:
    if (found := float(text)) in (float("inf"), float("-inf")):
        raise ValueError(f"{text[:40]} is too large.")
    return found


def _constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number.")


def _unstorable(found: Any, pointer: str = "", depth: int = 1) -> Iterator[dict[str, str]]:
    """Strings that PostgreSQL cannot hold, wherever they stand."""
    if isinstance(found, str):
        if "\0" in found or re.search("[\ud800-\udfff]", found):
            yield {"pointer": pointer, "code": "invalid", "detail": "NUL and lone surrogates are no text."}
    elif isinstance(found, dict | list):
        if depth > DEEPEST:
            raise ParseError(f"The body is nested deeper than {DEEPEST} levels.")
        for name, below in found.items() if isinstance(found, dict) else enumerate(found):
            yield from _unstorable(below, f"{pointer}{step(name)}", depth + 1)


def too_large() -> Problem:
    return Problem("too_large", f"A body has at most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes.")
