"""A read model's rows as they were: a query that reads one epoch of history, and no other table."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, Self

from django.core.exceptions import EmptyResultSet
from django.db import DataError, connections, models
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL, Subquery, Window
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler
from django.db.models.sql.datastructures import BaseTable
from django.db.models.sql.where import ExtraWhere

from eventstore import log
from eventstore.persistence import rows
from projections import marks
from projections.history import FOREVER
from projections.models import ReadModel
from projections.versions import versions
from projections.waiting import wait_until

PAUSE = 0.01  # seconds until it is looked again who is still writing

DEEP = 1_000  # rows before a page, from which on they are not worth to be read
LATELY = 1_000  # versions: so many are sorted sooner than found among those of a whole epoch

# All in one statement: whatever ends an epoch or puts other tables in the place of these, it sees all of that or
# nothing. So that the planner walks an index of each in order, the leaves have no WHERE, and equal types; the live rows
# are of the present epoch. What is read too late finds that it is pruned, or that tables were put back which have not
# come so far: an error, not an empty table.
KNOWN = "projections_historyepoch WHERE \"table\" = '{table}' AND schema = ''"
STAND = "SELECT min(position) FROM projections_checkpoint WHERE projection = '{projection}' AND schema = ''"
LATE = "position {at} is not there to be read"
EPOCH = f"""(SELECT CASE WHEN count(*) > 0 AND ({STAND}) >= {{at}} THEN max(start)
    ELSE ('{LATE}' || repeat('.', count(*)::int))::bigint END FROM {KNOWN} AND start <= {{at}} AND since <= {{at}})"""
ROWS = f"""(SELECT {{columns}} FROM (
        SELECT {{columns}}, until, epoch FROM {{ended}}
        UNION ALL SELECT {{columns}}, {FOREVER}::bigint, (SELECT max(start) FROM {KNOWN}) FROM {{live}}) versions
    WHERE position <= {{at}} AND until > {{at}} AND epoch = {EPOCH}{{not_after}}{{those}})"""
# Of a moment that is hardly past, few versions ended since; and whatever the order, they are found by that.
ENDED_LATELY = f"""(
    SELECT {{columns}}, until, epoch FROM "{{history}}" WHERE epoch = {EPOCH} AND until > {{at}} OFFSET 0) lately"""
# Of a moment whose epoch is over, the live rows say nothing: that they could be walked in order, too, is of no use.
NO_MORE_LIVE = f"""(
    SELECT {{columns}} FROM "{{table}}" WHERE position <= {{at}} AND (SELECT max(start) FROM {KNOWN}) = {EPOCH} OFFSET 0
    ) no_more"""
LOOK = f"""
    SELECT known.since, CASE WHEN known.present <= %s THEN (SELECT count(*) FROM (
        SELECT FROM "{{history}}" WHERE epoch = known.present AND until > %s LIMIT {LATELY}) ended) END
    FROM (SELECT min(greatest(start, since)) AS since, max(start) AS present FROM {KNOWN}) known"""


class NotYet(LookupError):
    """The projection has not seen all events up to that moment."""


class Pruned(LookupError):
    """History is kept from ``earliest`` on; None: from no position yet."""

    def __init__(self, model: type[models.Model], position: int, earliest: int | None) -> None:
        kept = "is not kept yet" if earliest is None else f"is kept from position {earliest} on"
        super().__init__(f"The history of {model.__name__} {kept}: position {position} is before that.")
        self.earliest = earliest


class TooLate(LookupError):
    """Between a question and its answer history was pruned, or tables were put back that have not come so far."""


class TableAsOf(BaseTable):
    """In a query's FROM, what the table held once the event at ``position`` was applied."""

    keys: tuple[str, Sequence[Any]] = ("", ())  # of the rows that are wanted: a query for them, and its parameters
    live, ended = '"{table}"', '"{history}"'

    def __init__(self, table_name: str, alias: str | None, model: Any, position: int, lately: bool) -> None:
        super().__init__(table_name, alias)
        self.model, self.position, self.lately = model, position, lately
        if lately:
            self.ended = ENDED_LATELY

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        from projections.projection import keeper

        _refuse_others(compiler)
        projection = keeper(self.model).name
        epoch = EPOCH.format(table=self.table_name, at=self.position, projection=projection)
        names = {
            "columns": ", ".join(f'"{field.column}"' for field in self.model._meta.concrete_fields),
            "history": versions[self.model]._meta.db_table,
            "table": self.table_name,
            "projection": projection,
            "at": self.position,
            "not_after": marks.not_after(compiler.query, epoch, self.position),
        }
        names |= {"live": self.live.format(**names), "ended": self.ended.format(**names)}
        keys, parameters = self.keys
        those = f' AND "{self.model._meta.pk.column}" IN ({keys})' if keys else ""
        return f'{ROWS.format(**names, those=those)} "{self.table_alias}"', parameters

    def relabeled_clone(self, change_map: Any) -> Self:
        alias = change_map.get(self.table_alias, self.table_alias)
        return type(self)(self.table_name, alias, self.model, self.position, self.lately)


class PastCompiler(SQLCompiler):
    """Of a page far down a list, the keys are found first, for which indexes suffice; then its rows alone are read."""

    def as_sql(self, *args: Any, **named: Any) -> Any:
        query: Any = self.query
        if query.low_mark >= DEEP and not (query.group_by or query.distinct or query.lately or _looks_around(query)):
            alias = query.get_initial_alias()
            keys, self.query = query.clone(), query.clone()
            keys.set_values(["pk"])
            keys.explain_info = None
            table, rows = (query.base_table_class(query.model._meta.db_table, alias) for _ in range(2))
            if query.is_over:
                table.live = NO_MORE_LIVE
            keys.alias_map[alias] = table
            with suppress(EmptyResultSet):  # it is found once more, where Django expects it
                rows.keys = SQLCompiler(keys, self.connection, self.using).as_sql()
            self.query.clear_limits()
            self.query.alias_map[alias] = rows
        return super().as_sql(*args, **named)

    def compile(self, node: Any) -> Any:
        if any(map(_is_other, _within([node]))):
            raise TypeError(_only_one(self.query.model))
        return super().compile(node)

    def collapse_group_by(self, expressions: Any, having: Any) -> Any:
        return expressions  # to the server it is no table, whose key says all the rest

    def execute_sql(self, *args: Any, **named: Any) -> Any:
        with _in_time(self.query):
            return super().execute_sql(*args, **named)


class PastQuery(Query):
    """Of one table, at one position."""

    position: int
    lately: bool  # few versions ended since
    is_over: bool  # its epoch

    def base_table_class(self, table_name: str, alias: str | None) -> TableAsOf:  # type: ignore[override]
        return TableAsOf(table_name, alias, self.model, self.position, self.lately)

    def get_compiler(self, using: Any = None, connection: Any = None, elide_empty: bool = True) -> Any:
        if connection is not None and not (using and self.subquery):  # Django asks so for a query inside another
            raise TypeError(_only_one(self.model))
        return PastCompiler(self, connections[using], using, elide_empty)

    def get_aggregation(self, using: Any, aggregate_exprs: Any) -> Any:
        if any(map(_is_other, _within(aggregate_exprs.values()))):
            raise TypeError(_only_one(self.model))
        with _in_time(self):
            return super().get_aggregation(using, aggregate_exprs)


def position(model: type[ReadModel], moment: int | datetime, timeout: float) -> int:
    """The position that ``moment`` is, when its projection has seen it. Raises what ``as_of`` says."""
    from projections.projection import keeper

    projection = keeper(model)
    if not projection.keeps_history:
        raise TypeError(
            f"{model.__name__} keeps no history: write `keeps_history = True` in {projection.name}, and "
            "`manage.py makemigrations`."
        )
    return seen(projection, moment, timeout)


def seen(projection: Any, moment: int | datetime, timeout: float) -> int:
    """The position that ``moment`` is, when ``projection``, or a policy, has seen it. Raises what ``as_of`` says."""
    until = time.monotonic() + timeout
    found = settled(moment, timeout)
    if wait_until(found, projection.name, timeout=0):
        return found
    if found > log.last():
        raise ValueError(f"Position {found} is still to come: the log ends at {log.last()}.")
    if not wait_until(found, projection.name, timeout=max(0.0, until - time.monotonic())):
        raise NotYet(f"{projection.name} has not come to position {found} within {timeout:g} seconds.")
    return found


def happened(model: type[ReadModel], position: int) -> bool:
    """Whether there is anything up to ``position`` that its projection handles."""
    from projections.projection import keeper

    return bool(log.after(0, list(keeper(model).handlers), 1, up_to=position, tolerant=True))


def asked(queryset: Any, moment: int | datetime, timeout: float) -> Any:
    """``queryset`` as of ``moment``."""
    model, query = queryset.model, queryset.query
    if query.is_sliced or type(query) not in (Query, PastQuery) or queryset._prefetch_related_lookups:
        raise TypeError("as_of comes before slices; and " + _only_one(model))
    at = position(model, moment, timeout)
    look = LOOK.format(table=model._meta.db_table, history=versions[model]._meta.db_table)
    ((since, lately),) = rows(look, at, at)
    found = queryset._chain()
    found.query.__class__ = PastQuery
    found.query.position, found.query.is_over = at, lately is None
    found.query.lately = lately is not None and lately < LATELY
    for alias, table in query.alias_map.items():
        if isinstance(table, BaseTable):
            found.query.alias_map[alias] = found.query.base_table_class(table.table_name, alias)
    if since is None and not happened(model, at):
        return found.none()
    if since is None or at < since:
        raise Pruned(model, at, since)
    return found


def refuse_past(queryset: Any) -> None:
    """What would read another table."""
    if isinstance(queryset.query, PastQuery):
        raise TypeError(_only_one(queryset.model))


def settled(moment: int | datetime, timeout: float) -> int:
    """The position that ``moment`` is: of an instant, once nobody who began before it is still writing."""
    return _settled(moment, time.monotonic() + timeout) if isinstance(moment, datetime) else _position(moment)


def _settled(instant: datetime, until: float) -> int:
    while (found := log.position_at(instant)) is None:
        if time.monotonic() > until:
            raise NotYet(f"A transaction that began before {instant} is still writing.")
        time.sleep(PAUSE)
    return found


def _position(asked: Any) -> int:
    if isinstance(asked, bool) or not isinstance(asked, int):
        raise TypeError(f"Expected a position or an instant, found {asked!r}.")
    if asked < 0:
        raise ValueError(f"Expected a position, which is 0 or more, found {asked}.")
    return asked


@contextmanager
def _in_time(query: Any) -> Iterator[None]:
    """What is read too late, in words."""
    try:
        yield
    except DataError as error:
        if LATE.format(at=query.position) not in str(error):
            raise
        raise TooLate(
            f"{query.model.__name__} as of position {query.position} was asked for in time, and read too late: its "
            "history was pruned meanwhile, or its tables were put back. Ask again."
        ) from error


def _refuse_others(compiler: Any) -> None:
    query = compiler.query
    tables = [alias for alias in query.alias_map if query.alias_refcount[alias]]
    if len(tables) > 1 or query.extra_tables or query.combinator:
        raise TypeError(_only_one(query.model))


def _within(nodes: Any) -> Iterator[Any]:
    for node in nodes:
        yield node
        if isinstance(node, (Q, tuple, list)):
            yield from _within(node.children if isinstance(node, Q) else node)
        elif hasattr(node, "get_source_expressions"):
            yield from _within(node.get_source_expressions())


def _is_other(node: Any) -> bool:
    return isinstance(node, (Query, QuerySet, Subquery, RawSQL, ExtraWhere))


def _looks_around(query: Any) -> bool:
    """Whether what it says of a row depends on other rows of the list."""
    asked = _within([query.where, *query.annotations.values(), *query.order_by])
    return any(isinstance(node, Window) for node in asked)


def _only_one(model: Any) -> str:
    return (
        f"A question about the past of {model.__name__} reads its table alone: any other would answer from the "
        "present. Ask each as of the position, and put the answers together."
    )
