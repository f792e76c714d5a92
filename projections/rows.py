"""A batch's rows: fetched once per table, folded in memory, written in bulk."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from psycopg import Cursor

from eventstore.log import Recorded, Unread
from projections import history
from projections.handler import Gone, Handler, Wanted
from projections.layout import Layout, Values, layout
from projections.models import ReadModel
from projections.past import Past
from projections.projection import WHOLE, Part, Projection, Subscriber

Handlers = Mapping[str, Sequence[Handler]]
Way = Callable[[Recorded, list[Any], tuple[Any, ...]], None]  # takes keys of rows, and other arguments
Whether = Callable[[Recorded, list[Any]], bool]
Plan = tuple[Handler, Way, Whether | None, list[list[Any]]]  # with the keys that its events ask for
Step = tuple[int, Way, Recorded, list[Any], tuple[Any, ...]]  # with the place in the batch


class EventFailed(Exception):
    """A projection cannot apply an event."""

    def __init__(self, projection: Subscriber, event: Recorded, error: BaseException, place: int) -> None:
        super().__init__(
            f"{projection.name} cannot apply {event.name} at position {event.position}: {type(error).__name__}: {error}"
        )
        self.event, self.place = event, place  # in its batch


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


class Rows:
    """All tables of one projection, for one batch; or some of them, with the handlers that concern those alone."""

    def __init__(
        self,
        projection: Projection,
        schema: str = "",
        models: Iterable[type[ReadModel]] = (),
        handlers: Handlers | None = None,
        part: Part = WHOLE,
    ) -> None:
        self.projection, self.part = projection, part
        self.handlers: Handlers = projection.handlers if handlers is None else handlers
        owners = projection.splits_by
        self.schema, self._first = schema, 0
        self._keeps_history = bool(projection.keeps_history and handlers is None)
        self.tables: dict[type[ReadModel], Table] = {}
        for model in models or projection.tables:
            form = layout(model, schema)
            past = Past(projection, form, schema, part) if self._keeps_history else None
            self.tables[model] = Table(form, part, owners.get(model, ""), past)

    def fold(self, events: Sequence[Recorded], cursor: Cursor[Any] | None = None) -> None:
        """Apply ``events``. EventFailed: one of them cannot be, and the rows are of no use."""
        self._first = events[0].position if events else 0
        steps: list[Step] = []
        plans: dict[str, list[Plan]] = {}
        place = 0
        try:
            for place, event in enumerate(events):
                if isinstance(event, Unread):
                    raise event.error
                if (plan := plans.get(event.name)) is None:
                    plan = plans[event.name] = self._plan(event.name)
                for handler, way, is_mine, asked in plan:
                    keys, arguments = handler.read(event)
                    if is_mine and not is_mine(event, keys):
                        continue
                    steps.append((place, way, event, keys, arguments))
                    asked.append(keys)
        except Exception as error:
            raise EventFailed(self.projection, events[place], error, place) from error
        self._fetch([(handler, asked) for plan in plans.values() for handler, *_, asked in plan if asked], cursor)
        try:
            for place, way, event, keys, arguments in steps:  # noqa: B007  # asked for below
                way(event, keys, arguments)
        except Exception as error:
            raise EventFailed(self.projection, events[place], error, place) from error

    def write(self, cursor: Cursor[Any], to: int, *, alone: bool = True) -> None:
        """The batch leads to position ``to``; ``alone``: nobody else writes the tables, so that they stand there."""
        epochs = history.present(cursor, self.projection, self.schema, self._first) if self._keeps_history else {}
        for model, table in self.tables.items():
            table.write(cursor, epochs.get(model._meta.db_table, 0), to, alone)

    @property
    def full(self) -> list[Past]:
        """The history of those tables whose epoch may end where the batch did."""
        return [table.past for table in self.tables.values() if table.past and table.past.is_full]

    def _plan(self, name: str) -> list[Plan]:
        handlers = self.handlers.get(name, ())
        if self.part is WHOLE or name not in self.projection.everywhere:  # of the others, the log was asked for this part's
            return [(handler, self._way(handler), None, []) for handler in handlers]
        return [(handler, self._way(handler), self._is_mine(handler), []) for handler in handlers]

    def _is_mine(self, handler: Handler) -> Whether | None:
        """Whether an event may concern a row of this part; None: each may."""
        holds, first = self.part.holds, handler.wanted[0] if handler.wanted else None
        if first is None or self.projection.is_local(first):
            return lambda event, keys: holds(event.stream_id)
        return None if first.column else lambda event, keys: holds(keys[0] or event.stream_id)

    def _fetch(self, asked: Sequence[tuple[Handler, list[list[Any]]]], cursor: Cursor[Any] | None) -> None:
        keys: dict[tuple[type[ReadModel], str | None], set[Any]] = defaultdict(set)
        for handler, lists in asked:
            for wanted, values in zip(handler.wanted, zip(*lists, strict=True), strict=True):
                keys[wanted.model, wanted.column].update(values)
        for (model, column), found in keys.items():
            table = self.tables[model]
            table.fetch(cursor, column or table.layout.key, found - {None})
        for handler, lists in ((handler, lists) for handler, lists in asked if handler.past):
            wanted, table = handler.wanted[0], self.tables[handler.wanted[0].model]
            those = {first for first, *_ in lists} - {None}
            if table.past and those and cursor is not None:
                table.past.fetch(cursor, wanted.column or table.layout.key, list(those))

    def _apply_to_past(self, handler: Handler, key: Any, arguments: tuple[Any, ...]) -> None:
        if key is not None and (past := self.tables[handler.wanted[0].model].past):
            attribute = handler.wanted[0].column or past.layout.key
            past.change(attribute, key, lambda row: handler.method(row, *arguments))

    def _way(self, handler: Handler) -> Way:
        """How ``handler`` is applied: what it needs is looked up once for the whole batch."""
        way = self._to_one(handler, handler.only) if handler.only else self._to_several(handler)
        if not handler.past:
            return way

        def to_past_as_well(event: Recorded, keys: list[Any], arguments: tuple[Any, ...]) -> None:
            way(event, keys, arguments)
            self._apply_to_past(handler, keys[0], arguments)

        return to_past_as_well

    def _to_several(self, handler: Handler) -> Way:
        wanted, tables = handler.wanted, [self.tables[wanted.model] for wanted in handler.wanted]
        rest = list(zip(wanted, tables, strict=True))[1:]

        def to_each(event: Recorded, keys: list[Any], arguments: tuple[Any, ...]) -> None:
            others = [table.one(each, key) for (each, table), key in zip(rest, keys[1:], strict=True)]
            for row in self._every(wanted[0], keys[0], in_order=bool(others)):
                self._run(event, handler, [row, *others], arguments)

        def to_some(event: Recorded, keys: list[Any], arguments: tuple[Any, ...]) -> None:
            rows = [table.one(each, key) for table, each, key in zip(tables, wanted, keys, strict=True)]
            self._run(event, handler, rows, arguments)

        return to_each if wanted and wanted[0].column else to_some

    def _to_one(self, handler: Handler, only: Wanted) -> Way:
        """Most handlers want one row, by its key: as with several, and some microseconds quicker."""
        table, method, own, add = self.tables[only.model], handler.method, only.own, self._add
        rows, values, one, keep, end = table.rows, table.values, table.one, table.keep, table.end

        def to_one(event: Recorded, keys: list[Any], arguments: tuple[Any, ...]) -> None:
            key = keys[0]
            row = rows[key] if key is not None else None
            if row is None:
                result = method(one(only, key), *arguments)
            else:
                before = values(row.__dict__)
                result = method(row, *arguments)
                if result is Gone:
                    end(row, before, event)
                else:
                    keep(row, before, event, own)
            if result is not None:
                add(result, event)

        return to_one

    def _every(self, wanted: Wanted, value: Any, in_order: bool) -> list[ReadModel]:
        table = self.tables[wanted.model]
        rows = table.each(wanted.column or "", value) if value is not None else []
        if in_order:  # what they do to the other rows may depend on who comes first
            rows.sort(key=lambda row: row.__dict__[table.layout.key])
        return rows

    def _run(self, event: Recorded, handler: Handler, rows: list[ReadModel | None], arguments: tuple[Any, ...]) -> None:
        noted = [
            (table := self.tables[wanted.model], row, table.values(row.__dict__), wanted.own)
            for wanted, row in zip(handler.wanted, rows, strict=True)
            if row is not None
        ]
        result = handler.method(*rows, *arguments)
        if result is Gone and rows and rows[0] is not None:
            table, row, before, _ = noted.pop(0)
            table.end(row, before, event)
        for table, row, before, own in noted:
            table.keep(row, before, event, own)
        self._add(result, event)

    def _add(self, result: Any, event: Recorded) -> None:
        if (table := self.tables.get(type(result))) is not None:
            table.add(result, event)
        elif result is not None and result is not Gone:
            for row in (result,) if isinstance(result, ReadModel) else result:
                if type(row) in self.tables:
                    self.tables[type(row)].add(row, event)
                elif type(row) not in self.projection.tables:
                    name = self.projection.name
                    raise TypeError(f"{name} does not keep {type(row).__name__}: it is not in its tables.")
