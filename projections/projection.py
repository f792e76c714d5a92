"""What a projection is: events in, rows out. Its handlers never query and never save."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import cached_property
from inspect import Parameter, signature
from types import UnionType
from typing import Any, ClassVar, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
from django.db import models
from msgspec.structs import astuple

from eventstore.log import Recorded
from projections.models import ReadModel

F = TypeVar("F", bound=Callable[..., Any])

# What a handler may ask for beside the facts, and where it stands in a Recorded.
LOG_WORDS = {"position": 0, "stream_id": 1, "version": 2, "at": 5, "recorded_at": 6}


class Gone:
    """Returned by a handler in place of a row: the (first) row it was given is no more."""


class every(NamedTuple):
    """Each row whose ``column`` holds what the event's ``field`` holds. The column needs an index."""

    column: str
    field: str = "stream_id"


def on(*names: str, **keys: str | every) -> Callable[[F], F]:
    """Handle the events stored under ``names``.

    A parameter annotated with a model is a row; rows come first. It is the one whose key is the event's stream id,
    unless ``keys`` say otherwise: ``loan="loan_id"`` (the field of the event that holds its key),
    ``loan=every("member_id")`` (called once for each such row; for the first row only). ``Loan | None`` may be missing.
    All other parameters are facts, decoded to the annotated types, or words of the log: ``position``, ``stream_id``,
    ``version``, ``at`` (when it was true), ``recorded_at`` (when we learned it). A default stands for a fact that older
    events lack. The answer is nothing, a new row, several, or ``Gone``.
    """

    def mark(method: F) -> F:
        method.handles = names, keys  # type: ignore[attr-defined]
        return method

    return mark


class Wanted(NamedTuple):
    """A row that a handler asks for, by the event's ``field``."""

    model: type[ReadModel]
    field: str
    column: str | None  # None: the one with that key; otherwise each with that in its column
    optional: bool
    own: bool  # its key is the id of the event's stream


class Handler:
    """One method, and what its signature says it needs. TypeError: it does not say enough."""

    def __init__(self, projection: "Projection", method: Callable[..., Any]) -> None:
        self.method, self.title = method, f"{projection.name}.{method.__name__}"
        self.names, keys = method.handles  # type: ignore[attr-defined]
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
        for name, model in rows.items():
            if model not in projection.tables:
                raise TypeError(f"{self.title}: {name} is a {model.__name__}, which {projection.name} does not keep.")
        self.wanted = tuple(_wanted(model, keys.get(name, "stream_id"), hints[name]) for name, model in rows.items())
        if any(wanted.column for wanted in self.wanted[1:]):
            raise TypeError(f"{self.title}: only its first row can be `every`.")
        self._compile({name: p for name, p in parameters.items() if name not in rows}, hints)

    def _compile(self, facts: dict[str, Parameter], hints: dict[str, Any]) -> None:
        fields: list[tuple[str, type] | tuple[str, type, Any]] = []
        for name, parameter in facts.items():
            if name in LOG_WORDS:
                fields.append((name, object, None))
            elif parameter.default is Parameter.empty:
                fields.append((name, hints[name]))
            else:
                fields.append((name, hints[name], parameter.default))
        self.takes = len(fields)
        for wanted in self.wanted:
            if wanted.field not in LOG_WORDS and wanted.field not in (field[0] for field in fields):
                fields.append((wanted.field, _key_type(wanted)))
        self._blank = msgspec.defstruct(self.method.__name__, fields, gc=False, kw_only=True)
        has_facts = any(field[0] not in LOG_WORDS for field in fields)
        self._decode = msgspec.json.Decoder(self._blank).decode if has_facts else None
        self._from_log = [(name, LOG_WORDS[name]) for name in facts if name in LOG_WORDS]
        self._keys = [(wanted.field, LOG_WORDS.get(wanted.field)) for wanted in self.wanted]

    def read(self, event: Recorded) -> tuple[list[Any], tuple[Any, ...]]:
        """The keys of the rows it wants, and its other arguments. JSON is decoded only for what it declares."""
        facts = self._decode(event.data) if self._decode else self._blank()
        for name, place in self._from_log:
            setattr(facts, name, event[place])
        keys = [getattr(facts, field) if place is None else event[place] for field, place in self._keys]
        return keys, astuple(facts)[: self.takes]

    def may_return(self, model: type[ReadModel]) -> bool:
        """By its annotation; without one, or with ``list[ReadModel]``, it may return any."""
        return self.returns is Any or any(issubclass(model, found) for found in _models_in(self.returns))


class Projection:
    """Keeps ``tables``, which nothing else writes. Its name is the name of its class.

    ``version`` rises when its handlers come to say something else; its tables are then built anew (``rebuild``).
    """

    name: ClassVar[str]
    tables: ClassVar[tuple[type[ReadModel], ...]] = ()
    version: ClassVar[int] = 1

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.name = cls.__name__
        if cls.tables:
            registered.append(cls())

    @cached_property
    def handlers(self) -> dict[str, tuple[Handler, ...]]:
        """Stored name → its handlers, in the order in which they are written."""
        found: dict[str, tuple[Handler, ...]] = {}
        for method in dict.fromkeys(name for cls in reversed(type(self).__mro__) for name in vars(cls)):
            if hasattr(getattr(type(self), method), "handles"):
                handler = Handler(self, getattr(self, method))
                for name in handler.names:
                    found[name] = (*found.get(name, ()), handler)
        return found

    def __repr__(self) -> str:
        return f"<projection {self.name}>"


registered: list[Projection] = []  # one of each class that keeps tables


def known() -> dict[str, Projection]:
    """Each projection of the installed apps, by name."""
    return {projection.name: projection for projection in registered}


def keeper(model: type[ReadModel]) -> Projection:
    """The projection that keeps ``model``'s table. LookupError: none does."""
    for projection in registered:
        if model in projection.tables:
            return projection
    raise LookupError(f"No projection keeps {model.__name__}: it stands in no `tables`.")


def _wanted(model: type[ReadModel], key: str | every, hint: Any) -> Wanted:
    optional = get_origin(hint) in (UnionType, Union)
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
