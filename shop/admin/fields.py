"""The API's forms as fields of a page: what was typed becomes the body that the API would be sent."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from rest_framework import serializers

from shop.forms import Amount, Code, Day, Email, Flag, Instant, Paragraphs, Whole

Texts = Mapping[str, str]

WIDE = 300  # letters from which on a text has a line of its own


class Field(NamedTuple):
    """One input, or (``inner``) a group of them."""

    name: str  # dotted: address.city
    label: str
    kind: str  # of the input: text, number, select, …
    value: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    hint: str = ""
    errors: tuple[str, ...] = ()
    required: bool = False
    longest: int | None = None
    inner: "tuple[Field, ...]" = ()


def shown(
    form: serializers.Serializer,
    texts: Texts,
    errors: Mapping[str, list[str]],
    choices: Mapping[str, Any],
    prefix: str = "",
) -> Iterator[Field]:
    """The fields of ``form``, with what stands in them and what is wrong with it."""
    for name, field in form.fields.items():
        place = prefix + name
        wrong = tuple(errors.get(place, ()))
        label = str(field.label or name).replace("_", " ").capitalize()
        hint = str(field.help_text or "")
        if isinstance(field, serializers.Serializer):
            inner = tuple(shown(field, texts, errors, choices, f"{place}."))
            yield Field(place, label, "group", hint=hint, errors=wrong, required=field.required, inner=inner)
            continue
        kind, offered = _kind(field), _offered(field, choices.get(place))
        yield Field(
            place,
            label,
            "select" if offered else kind,
            texts.get(place, ""),
            offered,
            hint,
            wrong,
            field.required,
            getattr(field, "max_length", None),
        )


def _kind(field: Any) -> str:
    kinds = (
        (Flag, "checkbox"),
        (Whole, "number"),
        (Day, "date"),
        (Instant, "datetime-local"),
        (Email, "email"),
        (Paragraphs, "textarea"),
        (Amount, "decimal"),
    )
    return next((name for kind, name in kinds if isinstance(field, kind)), "text")


def _offered(field: Any, given: Any) -> tuple[tuple[str, str], ...]:
    if given is not None:
        return tuple((str(value), str(label)) for value, label in given)
    if isinstance(field, Code):
        return tuple((code, code) for code in sorted(field.codes))
    if isinstance(field, serializers.ChoiceField):
        return tuple((str(value), str(label).replace("_", " ")) for value, label in field.choices.items())
    return ()


def body(form: serializers.Serializer, texts: Texts, prefix: str = "") -> dict[str, Any]:
    """What the API would be sent: a text that is left empty says nothing."""
    said: dict[str, Any] = {}
    for name, field in form.fields.items():
        place = prefix + name
        if isinstance(field, serializers.Serializer):
            inner = body(field, texts, f"{place}.")
            if field.required or any(texts.get(f"{place}.{each}", "").strip() for each in inner):
                said[name] = inner
        elif isinstance(field, Flag):
            said[name] = place in texts
        elif text := texts.get(place, "").strip():
            said[name] = _meant(field, text)
    return said


def _meant(field: Any, text: str) -> Any:
    if isinstance(field, Whole) and re.fullmatch(r"-?[0-9]{1,18}", text):
        return int(text)
    if isinstance(field, Instant) and re.fullmatch(r"[0-9-]{10}T[0-9:.]+", text):
        return f"{text}Z"  # the desk's clock is UTC
    return text


def flat(facts: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Facts as texts, dotted: what a form begins with."""
    texts: dict[str, str] = {}
    for name, value in facts.items():
        if isinstance(value, Mapping):
            texts |= flat(value, f"{prefix}{name}.")
        elif value is True:
            texts[prefix + name] = "on"
        elif isinstance(value, datetime):
            texts[prefix + name] = value.strftime("%Y-%m-%dT%H:%M")
        elif isinstance(value, date | Decimal | int | str) and value is not False:
            texts[prefix + name] = str(value)
    return texts


def wrong(detail: Any, prefix: str = "") -> dict[str, list[str]]:
    """A tree of errors, by dotted name; what is about a whole group stands at the group."""
    if isinstance(detail, Mapping):
        found: dict[str, list[str]] = {}
        for name, below in detail.items():
            place = prefix.rstrip(".") if name == "non_field_errors" else f"{prefix}{name}"
            for where, texts in wrong(below, f"{place}.").items():
                found.setdefault(where, []).extend(texts)
        return found
    if isinstance(detail, list) and detail and isinstance(detail[0], str):
        return {prefix.rstrip("."): [str(each) for each in detail]}
    return {}
