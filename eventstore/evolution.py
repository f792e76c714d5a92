"""How older events are read as today's: fields and names may come, go, split and be renamed; the log stays as it is.

What is said here stands beside the aggregate, in its ``domain`` module::

    @upcast("Customer.Registered")                       # the first shape → the second
    def _full_name(facts):
        first, _, last = facts.pop("name").partition(" ")
        return facts | {"first": first, "last": last}

    formerly("Customer.MailChanged", now="Customer.EmailChanged")
    retired("Customer.FaxChanged")
"""

from collections.abc import Callable
from typing import Any, TypeVar

Facts = dict[str, Any]  # as plain JSON
F = TypeVar("F", bound=Callable[[Facts], Facts])

SHAPE = "_shape"  # in a payload: which shape of its name it has; without it, the first

upcasters: dict[str, list[Callable[[Facts], Facts]]] = {}  # by name: from the 1st shape to the 2nd, from the 2nd, …
aliases: dict[str, str | Callable[[Facts], str]] = {}
retired_names: set[str] = set()


def upcast(name: str) -> Callable[[F], F]:
    """Read an older shape of ``name`` as the next one, in the order in which they stand: plain JSON in and out."""

    def register(function: F) -> F:
        known = upcasters.setdefault(name, [])
        same = [n for n, f in enumerate(known) if (f.__module__, f.__qualname__) == _place(function)]
        if same:  # its module was loaded again
            known[same[0]] = function
        else:
            known.append(function)
        return function

    return register


def formerly(name: str, *, now: str | Callable[[Facts], str]) -> None:
    """Read what was stored as ``name`` as ``now``, in that one's first shape.

    A name that was split gives a function of its facts: ``lambda facts: "Order.Noted" if … else "Order.Cancelled"``.
    """
    aliases[name] = now


def retired(name: str) -> None:
    """Read what was stored as ``name`` as nothing: it counts as a version of its stream, and changes nothing."""
    retired_names.add(name)


def newest(name: str) -> int:
    """The shape in which ``name`` is stored today."""
    return len(upcasters.get(name, ())) + 1


def changed(name: str) -> bool:
    """Whether an event stored as ``name`` may have to be read as something else."""
    return name in upcasters or name in aliases


def present(name: str, facts: Facts) -> tuple[str, Facts]:
    """Today's name and shape of what was stored as ``name`` with ``facts`` (which may be changed)."""
    seen = {name}
    while (now := aliases.get(name)) is not None:
        name = now if isinstance(now, str) else now(facts)
        if name in seen:
            raise TypeError(f"{name} was formerly itself: {', '.join(sorted(seen))}.")
        seen.add(name)
    for function in upcasters.get(name, [])[facts.pop(SHAPE, 1) - 1 :]:
        facts = function(facts)
    return name, facts


def stored_as(name: str) -> list[str]:
    """All names under which today's ``name`` may lie in the log."""
    older = [old for old, now in aliases.items() if callable(now) or now == name]
    return [name, *(found for old in older for found in (stored_as(old) if old != name else ()))]


def _place(function: Callable[..., Any]) -> tuple[str, str]:
    return function.__module__, function.__qualname__
