"""The rows of a read model as the log has them now: folded in memory, from no table."""

from collections.abc import Iterable
from functools import cache
from typing import TypeVar
from uuid import UUID

from eventstore import log
from projections.models import ReadModel
from projections.projection import Projection, keeper
from projections.rows import Handlers, Rows

M = TypeVar("M", bound=ReadModel)


def exact(model: type[M], stream_ids: Iterable[UUID]) -> dict[UUID, M]:
    """The rows of ``model`` for those streams, as this transaction sees the log; a stream without a row is left out.

    For what must be strictly right, as a price: the same handlers that keep the table, run on the whole streams; one
    query. TypeError: a row of ``model`` is made of more than the stream whose id is its key. EventFailed: a handler
    fails.
    """
    projection, handlers = _handlers(model)
    streams = list(stream_ids)
    rows = Rows(projection, models=[model], handlers=handlers)
    rows.fold(log.of(streams))
    found = {key: row for key, row in rows.tables[model].rows.items() if isinstance(row, model)}
    if others := found.keys() - set(streams):
        raise TypeError(f"{model.__name__} {others.pop()} has not the id of the stream that it is made of.")
    return found


@cache
def _handlers(model: type[ReadModel]) -> tuple[Projection, Handlers]:
    projection = keeper(model)
    found: Handlers = {
        name: concerned
        for name, handlers in projection.handlers.items()
        if (concerned := [h for h in handlers if h.may_return(model) or any(w.model is model for w in h.wanted)])
    }
    for handler in (handler for handlers in found.values() for handler in handlers):
        if any((w.model, w.field, w.column) != (model, "stream_id", None) for w in handler.wanted):
            raise TypeError(
                f"{model.__name__} cannot be read from the log by stream: {handler.title} takes more than the row "
                "whose key is the stream's id."
            )
    return projection, found
