"""What a projection is: events in, rows out. Its handlers never query and never save."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar, Literal, NamedTuple
from uuid import UUID

from django.apps import apps

from projections.handler import Gone, Handler, Wanted, every, on
from projections.models import ReadModel
from projections.versions import keep_versions

__all__ = ["Gone", "Policy", "Projection", "every", "on"]


class Part(NamedTuple):
    """Those rows of a projection that belong to streams whose ids' last byte is from ``low`` to below ``high``."""

    low: int = 0
    high: int = 256

    def holds(self, owner: UUID) -> bool:
        return self.low <= owner.int & 255 < self.high

    def __str__(self) -> str:
        return "" if self == WHOLE else f"[{self.low}-{self.high - 1}]"


WHOLE = Part()


def part(low: int, high: int) -> Part:
    return WHOLE if (low, high) == (WHOLE.low, WHOLE.high) else Part(low, high)


def parts(count: int) -> list[Part]:
    """``count`` parts of about one size."""
    bounds = [256 * n // count for n in range(count + 1)]
    return [part(*bound) for bound in pairwise(bounds)]


class Subscriber:
    """What hears events by their stored names: a projection, or a policy. Its name is the name of its class."""

    name: ClassVar[str]
    tables: ClassVar[tuple[type[ReadModel], ...]] = ()
    version: ClassVar[int] = 1
    on_error: ClassVar[Literal["park", "stop"]] = "park"  # a stream whose event fails waits; or all of them do
    splits_by: ClassVar[Mapping[type[ReadModel], str]] = {}
    partitions: ClassVar[int] = 1

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.name = cls.__name__

    @cached_property
    def handlers(self) -> dict[str, tuple[Handler, ...]]:
        """Stored name → its handlers, in the order in which they are written."""
        found: dict[str, tuple[Handler, ...]] = {}
        for method in dict.fromkeys(name for cls in reversed(type(self).__mro__) for name in vars(cls)):
            if hasattr(getattr(type(self), method), "handles"):
                handler = Handler(self.name, self.tables, getattr(self, method))
                for name in handler.names:
                    found[name] = (*found.get(name, ()), handler)
        return found

    @property
    def context(self) -> str:
        """The label of the app that it belongs to."""
        config = apps.get_containing_app_config(type(self).__module__)
        return config.label if config else ""

    def __repr__(self) -> str:
        return f"<{self.name}>"


class Projection(Subscriber):
    """Keeps ``tables``, which nothing else writes.

    ``version`` rises when its handlers come to say something else; its tables are then built anew (``rebuild``), and
    rows may differ in what ``changes`` says: of a table, the columns, or ``"*"`` for anything.

    With ``keeps_history``, every list of its rows can be asked about the past (``objects.as_of``): for ever, or for as
    long as a ``timedelta``.

    ``splits_by`` says of each table the column that holds the stream each row belongs to, where no handler looks beyond
    that stream's rows. Then ``partitions`` workers may advance it at once, several may rebuild it, and a sample of it
    can be verified.
    """

    changes: ClassVar[Mapping[type[ReadModel], tuple[str, ...]]] = {}
    keeps_history: ClassVar[bool | timedelta] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for model in cls.tables if cls.keeps_history else ():
            keep_versions(model)
        if cls.tables:
            registered.append(cls())

    @cached_property
    def by_stream(self) -> bool:
        """Whether each row is made of the events of one stream alone."""
        return not self.everywhere

    @cached_property
    def everywhere(self) -> set[str]:
        """The names of events that may concern rows of other streams than their own."""
        return {
            name
            for name, handlers in self.handlers.items()
            if not all(self.is_local(wanted) for handler in handlers for wanted in handler.wanted)
        }

    def is_local(self, wanted: Wanted) -> bool:
        """Whether it is a row of the event's own stream."""
        return wanted.own or (wanted.field == "stream_id" and wanted.column == self.splits_by.get(wanted.model, ""))


class Policy(Subscriber):
    """Asks commands when it hears of something. They and its checkpoint are one commit: each event makes it act once.

    Its handlers take facts, no rows. They may write rows of their own (an outbox), and must do nothing that a rollback
    does not undo. It hears what is recorded from its first ``migrate`` on, and is never replayed: what it did, it did.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if any(hasattr(method, "handles") for method in vars(cls).values()):
            registered.append(cls())


registered: list[Any] = []  # one of each class that keeps tables, or asks commands


def known() -> dict[str, Any]:
    """Each projection and policy of the installed apps, by name."""
    return {each.name: each for each in registered}


def keeper(model: type[ReadModel]) -> Projection:
    """The projection that keeps ``model``'s table. LookupError: none does."""
    for projection in registered:
        if model in projection.tables:
            return projection  # type: ignore[no-any-return]
    raise LookupError(f"No projection keeps {model.__name__}: it stands in no `tables`.")
