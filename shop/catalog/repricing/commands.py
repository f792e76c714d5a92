"""Many prices at once: planned by one command, carried out by a policy in steps, each line a command of its own."""

from collections.abc import Sequence
from uuid import UUID, uuid5

from eventsourcing.application import AggregateNotFoundError

from eventstore.cause import because, cause, now
from eventstore.domain import uuid7
from eventstore.persistence import rows
from shop.application import Receipt, command, find, shop
from shop.catalog.domain import Product
from shop.catalog.repricing.domain import Change, Outcome, PriceMoved, Repricing, UnknownSku, carry_out
from shop.catalog.repricing.files import Wanted
from shop.catalog.repricing.known import exactly
from shop.catalog.repricing.previews import preview
from shop.catalog.repricing.undo import undoing
from shop.errors import Refused
from shop.values import id_of

TITLE = """
    select convert_from(data, 'UTF8')::json->>'title' from eventstore_event
    where correlation_id = %s and name = 'Repricing.Planned' limit 1"""
LAST = "select event_id from eventstore_event where correlation_id = %s order by position desc limit 1"
STEP = 50  # changes in one commit: it holds the horizon back for as long as it takes


@command
def plan_repricing(
    repricing_id: UUID,
    *,
    kind: str,
    title: str,
    changes: Sequence[Change],
    reason: str,
    undoes: UUID | None = None,
) -> Receipt:
    """Have them carried out by the workers. Under the same id again: nothing. NothingToChange, TooManyChanges."""
    if found := find(Repricing, repricing_id):
        return shop.record(found)
    return _planned(repricing_id, kind, title, changes, reason, undoes)


@command
def reprice(*, title: str, reason: str, lines: Sequence[Wanted]) -> Receipt:
    """As ``plan_repricing``, for prices that are wanted now. UnknownSku names the first; NothingToChange."""
    found = preview(lines, exactly([line.sku for line in lines], now()), "")
    if found.wrong:
        first = found.wrong[0]
        raise UnknownSku(first.detail, sku=first.text.split(",")[0], pointer=f"/lines/{first.number - 1}/sku")
    return _planned(uuid7(), "api", title, found.changes, reason, None)


@command
def undo_prices(correlation_id: UUID, *, reason: str) -> Receipt:
    """Set back what happened to prices under that id; what others changed since is left alone. NothingToUndo."""
    found = undoing(correlation_id, now())
    title = f"Undo of {title_of(correlation_id)}"
    return _planned(uuid7(), "undo", title, found.changes, reason, correlation_id)


@command
def stop_repricing(repricing_id: UUID, *, reason: str) -> Receipt:
    """Carry out no more of it. WrongStatus: it is finished."""
    repricing = shop.load(Repricing, repricing_id)
    repricing.stop()
    with because(reason=reason):
        return shop.record(repricing)


@command
def change_price(product_id: UUID, *, change: Change) -> Receipt:
    """PriceMoved: the product is not as it was when that was decided on; BadSchedule."""
    product = shop.load(Product, product_id)
    carry_out(product, change, now())
    return shop.record(product)


def go_on(repricing_id: UUID) -> None:
    """Carry out the next step, if it is not over: the changes and the note of it are one commit, the caller's."""
    repricing = shop.load(Repricing, repricing_id)
    with because(actor=repricing.by, reason=repricing.why):
        outcomes = [_ask(repricing, number, change) for number, change in repricing.next(STEP)]
        if outcomes:
            repricing.advance(outcomes)
            shop.record(repricing)


def _ask(repricing: Repricing, number: int, change: Change) -> Outcome:
    try:
        with because(command_id=uuid5(repricing.id, str(number))):
            receipt = change_price(id_of("product", change.sku), change=change)
    except AggregateNotFoundError:
        return Outcome(number, change, "refused", f"There is no product with the SKU {change.sku}.")
    except PriceMoved as moved:
        return Outcome(number, change, "conflict", str(moved))
    except Refused as refused:
        return Outcome(number, change, "refused", str(refused))
    return Outcome(number, change, "unchanged" if receipt.position is None else "changed")


def title_of(correlation_id: UUID) -> str:
    """What is called so, of what happened under that id; the id, if nothing is."""
    found = rows(TITLE, correlation_id)
    return found[0][0] if found else str(correlation_id)


def _planned(
    repricing_id: UUID, kind: str, title: str, changes: Sequence[Change], reason: str, undoes: UUID | None
) -> Receipt:
    because_of = cause.get()
    by, under = because_of.actor or "", because_of.correlation_id
    caused = {"causation_id": rows(LAST, undoes)[0][0]} if undoes else {}
    with because(reason=reason, **caused):
        return shop.record(Repricing.plan(repricing_id, kind, title, changes, by, reason, under, undoes))
