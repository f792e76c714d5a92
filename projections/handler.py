"""What a handler's signature asks for: rows, by keys that events hold, and facts."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from inspect import Parameter, signature
from types import UnionType
from typing import Any, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
from django.db import models
from msgspec.structs import astuple

from eventstore.log import Recorded
from projections.models import ReadModel

F = TypeVar("F", bound=Callable[..., Any])
Read = tuple[list[Any], tuple[Any, ...]]  # from an event: keys of rows, and other arguments

# What a handler may ask for beside the facts, and where it stands in a Recorded.
LOG_WORDS = {"position": 0, "stream_id": 1, "version": 2, "at": 5, "recorded_at": 6}


class Gone:
    """Returned by a handler in place of a row: the (first) row it was given is no more."""


class every(NamedTuple):
    """Each row whose ``column`` holds what the event's ``field`` holds. The column needs an index."""

    column: str
    field: str = "stream_id"


Key = str | every | Callable[..., Any]


def on(*names: str, past: bool = False, **keys: Key) -> Callable[[F], F]:
    """Handle the events stored under ``names``.

    A parameter annotated with a model is a row; rows come first. It is the one whose key is the event's stream id,
    unless ``keys`` say otherwise: ``loan="loan_id"`` (the field of the event that holds its key), ``day=day_of`` (a
    function of facts that answers it; its parameters are as a handler's), ``loan=every("member_id")`` (called once for
    each such row; for the first row only). ``Loan | None`` may be missing.
    All other parameters are facts, decoded to the annotated types, or words of the log: ``position``, ``stream_id``,
    ``version``, ``at`` (when it was true), ``recorded_at`` (when we learned it). A default stands for a fact that older
    events lack. The answer is nothing, a new row, several, or ``Gone``.

    With ``past``, what it does to a row it does to its earlier versions, too: to forget what must be forgotten.
    """

    def mark(method: F) -> F:
        method.handles = names, keys, past  # type: ignore[attr-defined]
        return method

    return mark


class Wanted(NamedTuple):
    """A row that a handler asks for, by the event's ``field``, or what is computed from its facts."""

    model: type[ReadModel]
    field: str
    column: str | None  # None: the one with that key; otherwise each with that in its column
    optional: bool
    own: bool  # its key is the id of the event's stream
    computed: Callable[..., Any] | None = None


class Handler:
    """One method, and what its signature says it needs. TypeError: it does not say enough."""

    def __init__(self, name: str, tables: Sequence[type[ReadModel]], method: Callable[..., Any]) -> None:
        self.method, self.title = method, f"{name}.{method.__name__}"
        self.names, keys, self.past = method.handles  # type: ignore[attr-defined]
        hints = get_type_hints(method)
        parameters = signature(method).parameters
        if untyped := [name for name in parameters if name not in hints]:
            raise TypeError(f"{self.title}: {', '.join(untyped)} needs a type, to be read from the event.")
        self.returns = hints.pop("return", Any)
        rows = {name: model for name, hint in hints.items() if (model := _model_in(hint))}
        if list(hints)[: len(rows)] != list(rows):
            raise TypeError(f"{self.title}: rows come first, then facts.")
        if unused := keys.keys() - rows.keys():
            raise TypeError(f"{self.title}: {', '.join(unused)} is no parameter annotated with a model.")
        for parameter, model in rows.items():
            if model not in tables:
                raise TypeError(f"{self.title}: {parameter} is a {model.__name__}, which {name} does not keep.")
        self.wanted = tuple(_wanted(model, keys.get(name, "stream_id"), hints[name]) for name, model in rows.items())
        if any(wanted.column for wanted in self.wanted[1:]):
            raise TypeError(f"{self.title}: only its first row can be `every`.")
        if self.past and len(self.wanted) != 1:
            raise TypeError(f"{self.title}: with `past` it takes one row, to do the same to each of its versions.")
        # Most handlers want one row, by its key.
        self.only = self.wanted[0] if len(self.wanted) == 1 and self.wanted[0].column is None else None
        self._compile({name: p for name, p in parameters.items() if name not in rows}, hints)

    def _compile(self, facts: dict[str, Parameter], hints: dict[str, Any]) -> None:
        self._facts = _Facts(self.method.__name__, facts, hints, [w for w in self.wanted if not w.computed])
        self._computed = [(place, _function(self.title, w)) for place, w in enumerate(self.wanted) if w.computed]
        # The keys of the rows it wants, and its other arguments. JSON is decoded only for what it declares.
        self.read: Callable[[Recorded], Read] = self._read_and_compute if self._computed else self._facts.read

    def _read_and_compute(self, event: Recorded) -> Read:
        keys, arguments = self._facts.read(event)
        for place, (function, its_facts) in self._computed:
            keys.insert(place, function(*its_facts.read(event)[1]))
        return keys, arguments

    def may_return(self, model: type[ReadModel]) -> bool:
        """By its annotation; without one, or with ``list[ReadModel]``, it may return any."""
        return self.returns is Any or any(issubclass(model, found) for found in _models_in(self.returns))


class _Facts:
    """What is taken from an event: ``parameters`` of a function, and the keys of ``wanted`` rows."""

    def __init__(
        self, name: str, parameters: dict[str, Parameter], hints: dict[str, Any], wanted: Sequence[Wanted] = ()
    ) -> None:
        fields: list[tuple[str, type] | tuple[str, type, Any]] = []
        for word, parameter in parameters.items():
            if word in LOG_WORDS:
                fields.append((word, object, None))
            elif parameter.default is Parameter.empty:
                fields.append((word, hints[word]))
            else:
                fields.append((word, hints[word], parameter.default))
        takes = len(fields)
        for each in wanted:
            if each.field not in LOG_WORDS and each.field not in (field[0] for field in fields):
                fields.append((each.field, _key_type(each)))
        blank = msgspec.defstruct(name, fields, gc=False, kw_only=True)
        has_facts = any(field[0] not in LOG_WORDS for field in fields)
        decode = msgspec.json.Decoder(blank).decode if has_facts else lambda data: blank()
        from_log = [(word, LOG_WORDS[word]) for word in parameters if word in LOG_WORDS]
        keys = [(each.field, LOG_WORDS.get(each.field)) for each in wanted]

        def read(event: Recorded) -> Read:
            facts = decode(event.data)
            for word, place in from_log:
                setattr(facts, word, event[place])
            its_keys = [getattr(facts, field) if place is None else event[place] for field, place in keys]
            return its_keys, astuple(facts)[:takes]

        def read_for_own(event: Recorded) -> Read:
            return [event[1]], astuple(decode(event.data))

        own = keys == [("stream_id", 1)] and not from_log
        self.read = read_for_own if own else read


def _function(title: str, wanted: Wanted) -> tuple[Callable[..., Any], _Facts]:
    """A function that computes a key, and what it takes."""
    function: Any = wanted.computed
    hints = get_type_hints(function)
    parameters = dict(signature(function).parameters)
    if untyped := [name for name in parameters if name not in hints]:
        raise TypeError(f"{title}: {function.__name__} needs a type for {', '.join(untyped)}.")
    return function, _Facts(function.__name__, parameters, hints)


def _wanted(model: type[ReadModel], key: Key, hint: Any) -> Wanted:
    optional = get_origin(hint) in (UnionType, Union)
    if callable(key):
        return Wanted(model, "", None, optional, False, key)
    if isinstance(key, every):
        return Wanted(model, key.field, model._meta.get_field(key.column).attname, optional, False)  # type: ignore[union-attr]
    return Wanted(model, key, None, optional, key == "stream_id")


KEY_TYPES = (
    (models.UUIDField, UUID),
    (models.IntegerField, int),
    (models.DateTimeField, datetime),
    (models.DateField, date),
)


def _key_type(wanted: Wanted) -> Any:
    """How the event's field is decoded; it may be null where there may be no row."""
    field: Any = wanted.model._meta.get_field(wanted.column) if wanted.column else wanted.model._meta.pk
    while field.remote_field:
        field = field.target_field
    kind = next((kind for cls, kind in KEY_TYPES if isinstance(field, cls)), str)
    return kind | None if wanted.optional or wanted.column else kind


def _model_in(hint: Any) -> type[ReadModel] | None:
    """Of ``Loan`` and ``Loan | None``, but not of ``list[Loan]``."""
    return next(_models_in(hint), None) if get_origin(hint) in (None, UnionType, Union) else None


def _models_in(hint: Any) -> Iterator[Any]:
    if isinstance(hint, type) and issubclass(hint, models.Model):
        yield hint
    for inner in get_args(hint):
        yield from _models_in(inner)
