"""A batch: its rows are fetched once per table, its events folded in memory."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from psycopg import Cursor

from eventstore.log import Recorded, Unread
from projections import history
from projections.handler import Gone, Handler, Wanted
from projections.layout import layout
from projections.models import ReadModel
from projections.past import Past
from projections.projection import WHOLE, Part, Projection, Subscriber
from projections.table import Table

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
        if self.part is WHOLE or name not in self.projection.everywhere:  # its streams are all that was read
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

        def to_none(event: Recorded, keys: list[Any], arguments: tuple[Any, ...]) -> None:
            if (result := handler.method(*arguments)) is not None:
                self._add(result, event)

        def to_some(event: Recorded, keys: list[Any], arguments: tuple[Any, ...]) -> None:
            rows = [table.one(each, key) for table, each, key in zip(tables, wanted, keys, strict=True)]
            self._run(event, handler, rows, arguments)

        if not wanted:
            return to_none
        return to_each if wanted[0].column else to_some

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
