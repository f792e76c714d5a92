"""What would set back all that happened to prices under one correlation id, whoever asked for it, and however."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from eventstore.history import COLUMNS, Entry
from eventstore.mapper import events, folded, present
from eventstore.persistence import rows
from shop.catalog.domain import Product
from shop.catalog.prices import Scheduled, running
from shop.catalog.repricing.domain import Change, Period
from shop.catalog.repricing.files import Wrong
from shop.catalog.repricing.previews import Planned, Preview, is_steep
from shop.errors import Refused
from shop.values import Money

PRICED = ("Product.PriceSet", "Product.PriceScheduled", "Product.ScheduleCancelled")
AT_ONCE = 500  # products whose events are in memory together

STREAMS = """
    select stream_id from eventstore_event
    where correlation_id = %s and name = any(%s) group by stream_id order by min(position)"""
EVENTS = f"select {COLUMNS} from eventstore_event where stream_id = any(%s) order by stream_id, version"


class NothingToUndo(Refused):
    code = "nothing_to_undo"


class _Prices(NamedTuple):
    usual: Money | None
    schedules: tuple[Scheduled, ...]
    revision: int

    def at(self, instant: datetime) -> Money | None:
        found = running(self.schedules, instant)
        return found.price if found else self.usual


NONE = _Prices(None, (), 0)


def undoing(correlation_id: UUID, now: datetime) -> Preview:
    """A change for each product whose prices were changed; those that others changed since are conflicts, and say so.

    NothingToUndo: under that id, no price was changed.
    """
    streams = [stream_id for (stream_id,) in rows(STREAMS, correlation_id, list(PRICED))]
    if not streams:
        raise NothingToUndo(
            f"No price was changed under the correlation id {correlation_id}: there is nothing to undo."
        )
    planned: list[Planned] = []
    wrong: list[Wrong] = []
    for number, entries in enumerate(_each(streams), 1):
        match _line(number, entries, correlation_id, now):
            case Planned() as line:
                planned.append(line)
            case Wrong() as line:
                wrong.append(line)
    return Preview(tuple(planned), (), tuple(wrong))


def _each(streams: Sequence[UUID]) -> Iterator[list[Entry]]:
    """All events of each stream, in the order of ``streams``."""
    for start in range(0, len(streams), AT_ONCE):
        some = list(streams[start : start + AT_ONCE])
        found = present([Entry(*row) for row in rows(EVENTS, some)])
        by_stream = {stream_id: list(entries) for stream_id, entries in groupby(found, key=lambda e: e.stream_id)}
        yield from (by_stream[stream_id] for stream_id in some)


def _line(number: int, entries: list[Entry], correlation_id: UUID, now: datetime) -> Planned | Wrong | None:
    """What sets one product back; None: it is as it was before."""
    mine = [entry for entry in entries if entry.correlation_id == correlation_id and entry.name in PRICED]
    before, left, product = _states(entries, mine[0].version, mine[-1].version)
    added = {each.revision for each in left.schedules} - {each.revision for each in before.schedules}
    others = [entry for entry in entries if _is_anothers(entry, mine, added)]
    if before.usual is None and left.usual is not None:
        detail = "Expected a price to set it back to, found that it had none before: withdraw it instead."
        return Wrong(number, product.sku, detail)
    gone = tuple(
        Period(each.price, each.starts, each.ends)
        for each in before.schedules
        if each not in left.schedules and (each.ends is None or each.ends > now)
    )
    change = Change(
        sku=product.sku,
        revision=_revision(entries, others) if others else left.revision,
        before=product.price_at(now)[0],
        after=before.at(now),
        price=before.usual if before.usual != left.usual else None,
        schedules=gone,
        cancels=tuple(each.revision for each in left.schedules if each.revision in added and not each.is_over(now)),
        ends_running=False,
    )
    if change.price is None and not change.schedules and not change.cancels:
        return None
    conflict = _told(others[-1]) if others else ""
    return Planned(number, product.name, change, (), is_steep(change), conflict)


def _states(entries: list[Entry], first: int, last: int) -> tuple[_Prices, _Prices, Product]:
    """The prices before the version ``first`` and after ``last``, and the product as it is now."""
    product: Any = None
    told: list[_Prices] = []
    for until in (first - 1, last, entries[-1].version):
        some = [entry for entry in entries if (product.version if product else 0) < entry.version <= until]
        product = folded(product, events(some), some)
        told.append(_Prices(product.price, product.schedules, product.revisions) if product else NONE)
    return told[0], told[1], product


def _is_anothers(entry: Entry, mine: list[Entry], added: set[int]) -> bool:
    """Whether it changed a price since, and is none of ``mine``; a schedule cancelled only where it was added by us."""
    if entry.name not in PRICED or entry.version < mine[0].version or entry.correlation_id == mine[0].correlation_id:
        return False
    return entry.name != "Product.ScheduleCancelled" or entry.facts["revision"] in added


def _revision(entries: list[Entry], others: list[Entry]) -> int:
    """Of the prices just before another's change: what a conflict is known by."""
    known = [e.facts["revision"] for e in entries if e.name in PRICED[:2] and e.version < others[0].version]
    return max(known, default=0)


def _told(entry: Entry) -> str:
    who = entry.actor or "somebody"
    when = f"{entry.recorded_at:%Y-%m-%d %H:%M} UTC"
    if entry.name == "Product.ScheduleCancelled":
        return f"Since then, {who} cancelled its scheduled price ({when}): it is left alone."
    price = entry.facts["price"]
    return f"Since then, {who} changed it to {price['amount']} {price['currency']} ({when}): it is left alone."
