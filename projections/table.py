"""One table's rows in a batch: fetched at once, each of them one object, and written in bulk."""

from typing import Any

from psycopg import Cursor

from eventstore.log import Recorded
from projections.handler import Wanted
from projections.layout import Layout, Values
from projections.models import ReadModel
from projections.past import Past
from projections.projection import WHOLE, Part


class MissingRow(LookupError):
    """A handler wants a row that does not exist, and does not say ``| None``."""


class Table:
    """One table's part of a batch: an identity map that knows which rows have changed.

    What is new and what is stored stands in Django's own ``_state.adding``. As little as possible is looked up by key:
    to hash and compare UUIDs was a fifth of the time.
    """

    def __init__(self, layout: Layout, part: Part = WHOLE, owner: str = "", past: Past | None = None) -> None:
        self.layout, self.past = layout, past
        self.values, self._key, self._place = layout.values, layout.key, layout.place
        self._settle = layout.settle if layout.settles else None
        self._part, self._owner = part, owner
        self.rows: dict[Any, ReadModel | None] = {}  # None: looked for, not there
        self._changed: dict[int, ReadModel] = {}  # by identity
        self._ended: list[Any] = []  # keys of rows that were stored
        self._having: dict[str, dict[Any, dict[Any, ReadModel]]] = {}  # attribute → value → key → row, when asked for
        self._indexed: list[tuple[int, dict[Any, dict[Any, ReadModel]]]] = []  # the same: place of the attribute, index

    def fetch(self, cursor: Cursor[Any] | None, attribute: str, keys: set[Any]) -> None:
        """Read the rows with one of ``keys``, before any is changed; without a cursor, none was stored."""
        if attribute == self.layout.key:
            keys = keys - self.rows.keys()
            self.rows.update(dict.fromkeys(keys))
        if not keys or cursor is None:
            return
        for values in self.layout.fetch(cursor, attribute, list(keys)):
            key = values[self.layout.place]
            if self.rows.get(key) is None:
                self.rows[key] = self.layout.model.stored(dict(zip(self.layout.names, values, strict=True)))

    def one(self, wanted: Wanted, key: Any) -> ReadModel | None:
        row = self.rows[key] if key is not None else None
        if row is None and not wanted.optional:
            name = wanted.model.__name__
            raise MissingRow(f"there is no {name} {key}. Where it may be missing, the handler says `{name} | None`.")
        return row

    def each(self, attribute: str, value: Any) -> list[ReadModel]:
        """The rows that hold ``value`` now: the index only grows, so what it says is checked."""
        if attribute not in self._having:
            index = self._having[attribute] = {}
            self._indexed.append((self.layout.names.index(attribute), index))
            for key, row in self.rows.items():
                if row is not None:
                    index.setdefault(row.__dict__[attribute], {})[key] = row
        found = self._having[attribute].get(value, {}).items()
        rows = [row for key, row in found if row.__dict__[attribute] == value and self.rows.get(key) is row]
        return rows if self._part is WHOLE else [row for row in rows if self._part.holds(row.__dict__[self._owner])]

    def add(self, row: ReadModel, event: Recorded) -> None:
        held = row.__dict__
        key = held[self._key]
        if (known := self.rows.get(key)) is row:
            return
        if known is not None or key is None:
            name = type(row).__name__
            raise ValueError(f"{name} needs a key." if key is None else f"{name} {key} exists already.")
        if self._part is not WHOLE and not self._part.holds(row.__dict__[self._owner]):
            name = type(row).__name__
            raise ValueError(f"{name} {key} belongs to another stream than what made it: nothing can be split.")
        held["version"] = event.version if key == event.stream_id else 0
        self.rows[key] = row
        if self._settle:
            self._settle(row, self.values(held), ())
        held["position"] = event.position
        self._changed[id(row)] = row
        for attribute, index in self._having.items():
            index.setdefault(held[attribute], {})[key] = row

    def keep(self, row: ReadModel, before: Values, event: Recorded, own: bool) -> None:
        """Note what a handler did to ``row``: if nothing, and the row is not the event's stream's ``own``, it stays."""
        held, place = row.__dict__, self._place
        after = self.values(held)
        if after[place] is not before[place] and after[place] != before[place]:
            name = type(row).__name__
            raise ValueError(f"{name} {before[place]} cannot change its key: return Gone, and a new row.")
        if own or before[place] == event.stream_id:
            held["version"] = event.version
        elif after == before:
            return
        if self.past:
            self.past.note(before, event)
        if self._settle:
            self._settle(row, after, before)
        held["position"] = event.position
        self._changed[id(row)] = row
        for at, index in self._indexed:
            if before[at] is not after[at]:
                index.setdefault(after[at], {})[after[place]] = row

    def end(self, row: ReadModel, before: Values, event: Recorded) -> None:
        key = row.__dict__[self.layout.key]
        if self.past:
            self.past.note(before, event)
        self.rows[key] = None
        self._changed.pop(id(row), None)
        if not row._state.adding:
            self._ended.append(key)

    def write(self, cursor: Cursor[Any], epoch: int, to: int, alone: bool) -> None:
        """Deletions first, so that what is unique is free again."""
        changed = self._changed.values()
        fresh = [row for row in changed if row._state.adding]
        if self.past:
            self.past.begin(cursor, epoch, to, len(fresh), alone)
        if self._ended:
            self.layout.remove(cursor, self._ended)
        if kept := [row for row in changed if not row._state.adding]:
            self.layout.change(cursor, kept)
        if fresh:
            self.layout.add(cursor, fresh)
        if self.past:
            self.past.write(cursor)
