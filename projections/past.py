"""The earlier versions of one table's rows, as far as a batch makes them, or has them forget."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from psycopg import Cursor

from eventstore.log import Recorded
from projections import marks
from projections.handler import Gone
from projections.history import Epochs
from projections.layout import Layout, Values
from projections.projection import WHOLE, Part, Projection


class Entry(NamedTuple):
    """A row as it was before the event at ``until``; ``epoch`` None: it ended in this batch."""

    values: Values
    until: int
    epoch: int | None = None


class Past:
    def __init__(self, projection: Projection, layout: Layout, schema: str, part: Part = WHOLE) -> None:
        self.layout = layout
        self.epochs = Epochs(projection, layout.model, schema)
        self._part, self._owner = part, projection.splits_by.get(layout.model, "")
        self._position = layout.names.index("position")
        self._entries: list[Entry | None] = []  # None: forgotten
        self._stored: set[tuple[int, Any, int]] = set()  # epoch, key and position of those that were read
        self._changed: set[int] = set()  # places of those that were read, and are others now
        self._forgotten: list[Entry] = []  # that were read
        self._having: dict[str, dict[Any, list[int]]] = {}  # attribute → value → places, when asked for
        self._times = [layout.names.index(field.attname) for field in marks.times(layout.model)]
        self._says_other_times = False  # a version does than it did
        self._epoch, self._mark_at = 0, 0
        self.is_full = False  # its epoch: it may end where the batch does

    def note(self, before: Values, event: Recorded) -> None:
        """A version ends; what several handlers of one event do to a row ends but one."""
        if before[self._position] != event.position:
            self._enter(Entry(before, event.position))

    def fetch(self, cursor: Cursor[Any], attribute: str, keys: Sequence[Any]) -> None:
        """Read what ended in earlier batches, and what was copied: the versions with one of ``keys``."""
        for *values, until, epoch in self.layout.fetch_versions(cursor, attribute, keys, self.epochs.all(cursor)):
            name = (epoch, values[self.layout.place], values[self._position])
            if name not in self._stored:
                self._stored.add(name)
                self._enter(Entry(tuple(values), until, epoch))

    def change(self, attribute: str, value: Any, handle: Callable[[Any], Any]) -> None:
        """Have ``handle`` change each version that holds ``value``. ValueError: it does more than that."""
        layout = self.layout
        if attribute not in self._having:
            self._having[attribute] = {}
            for number, entry in enumerate(self._entries):
                if entry:
                    self._index(attribute, entry, number)
        which = layout.names.index(attribute)
        for number in self._having[attribute].get(value, ())[:]:
            entry = self._entries[number]
            if entry is None or entry.values[which] != value or not self._is_mine(entry):
                continue
            row = layout.model.stored(dict(zip(layout.names, entry.values, strict=True)))
            before = layout.values(row.__dict__)
            result = handle(row)
            if result is Gone:
                self._entries[number] = None
                if entry.epoch is not None:
                    self._forgotten.append(entry)
                continue
            row.position, row.version = entry.values[self._position], entry.values[layout.names.index("version")]
            after = layout.values(row.__dict__)
            layout.settle(row, after)
            if result is not None or after[layout.place] != before[layout.place]:
                raise ValueError(
                    "A handler `past` may change columns, or return Gone: here it does more to "
                    f"{layout.model.__name__} {before[layout.place]} as it was at position {row.position}."
                )
            if after != before:
                self._says_other_times |= any(after[at] != before[at] for at in self._times)
                self._entries[number] = changed = entry._replace(values=after)
                for each in self._having:
                    self._index(each, changed, number)
                if entry.epoch is not None:
                    self._changed.add(number)

    def begin(self, cursor: Cursor[Any], epoch: int, to: int, fresh: int, alone: bool) -> None:
        """Before the batch is written: it is in ``epoch``."""
        self._epoch = epoch
        ended = [entry.values[self._position] for entry in self._entries if entry and entry.epoch is None]
        changes = len(ended) + fresh
        if alone and changes:
            touched = sum(1 for position in ended if position <= epoch)
            self.is_full, is_due = self.epochs.count(cursor, epoch, changes, touched, to)
            self._mark_at = to if is_due and self.epochs.is_live else 0

    def write(self, cursor: Cursor[Any]) -> None:
        entries = [entry for entry in self._entries if entry]
        if fresh := [(*entry.values, entry.until, self._epoch) for entry in entries if entry.epoch is None]:
            self.layout.add_versions(cursor, fresh)
        if changed := [self._entries[number] for number in sorted(self._changed)]:
            self.layout.change_versions(cursor, [(*e.values, e.until, e.epoch) for e in changed if e])
        if self._forgotten:
            self.layout.remove_versions(cursor, [(*e.values, e.until, e.epoch) for e in self._forgotten])
        if self._says_other_times:
            marks.forget(cursor, self.epochs)
        if self._mark_at:
            marks.mark(cursor, self.epochs, self._epoch, self._mark_at)

    def end(self, cursor: Cursor[Any], to: int) -> None:
        """End the epoch at ``to``, where the table stands."""
        self.epochs.end(cursor, self._epoch, to)

    def _enter(self, entry: Entry) -> None:
        self._entries.append(entry)
        for attribute in self._having:
            self._index(attribute, entry, len(self._entries) - 1)

    def _index(self, attribute: str, entry: Entry, number: int) -> None:
        value = entry.values[self.layout.names.index(attribute)]
        places = self._having[attribute].setdefault(value, [])
        if not places or places[-1] != number:
            places.append(number)

    def _is_mine(self, entry: Entry) -> bool:
        return self._part is WHOLE or self._part.holds(entry.values[self.layout.names.index(self._owner)])
