"""Stored names: what lies in the log for ever, and the class that reads it today."""

from collections.abc import Mapping
from types import MappingProxyType

_classes: dict[str, type] = {}

classes: Mapping[str, type] = MappingProxyType(_classes)


def name_in_store(cls: type, name: str) -> None:
    """Store ``cls`` under ``name``. TypeError: another class has that name."""
    taken = _classes.setdefault(name, cls)
    if (taken.__module__, taken.__qualname__) != (cls.__module__, cls.__qualname__):
        raise TypeError(f"{cls.__qualname__} cannot be stored as {name}: {taken.__module__}.{taken.__qualname__} is.")
    _classes[name] = cls


def known() -> frozenset[str]:
    """The names of all events in the ``domain`` modules of the installed apps: ``{"Order.Placed", …}``."""
    return frozenset(name for name in _classes if "." in name)
