"""Many prices at once: planned by one command, carried out by a policy in steps, each of them one command."""

import time
from collections.abc import Iterator, Sequence
from uuid import UUID

from eventstore.cause import because, cause, now
from eventstore.domain import uuid7
from eventstore.persistence import rows
from shop.application import Receipt, command, find, shop
from shop.catalog.domain import Product
from shop.catalog.repricing.domain import Change, Outcome, Repricing, UnknownSku, carried_out
from shop.catalog.repricing.files import Wanted
from shop.catalog.repricing.known import exactly
from shop.catalog.repricing.previews import preview
from shop.catalog.repricing.undo import undoing
from shop.values import id_of

TITLE = """
    select convert_from(data, 'UTF8')::json->>'title' from eventstore_event
    where correlation_id = %s and name = 'Repricing.Planned' limit 1"""
LAST = """
    select event_id from eventstore_event
    where correlation_id = %s order by name = 'Repricing.Finished' desc, position desc limit 1"""
STEP = 1000  # changes in one commit, at most …
SECONDS = 0.5  # … and as many as are decided on in that time: between two steps it is seen how far it is
AT_ONCE = 100  # products that are read together


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
def take_step(repricing_id: UUID) -> Receipt:
    """Carry out its next changes, and note what came of them: one append, so that each is carried out once."""
    repricing = shop.load(Repricing, repricing_id)
    decided = list(_decided(repricing))
    if not decided:
        return Receipt(repricing.id, repricing.version, None)
    repricing.advance([outcome for _, outcome in decided])
    changed = [product for product, outcome in decided if product and outcome.result == "changed"]
    with because(actor=repricing.by, reason=repricing.why):
        return shop.record(repricing, *changed)


def _decided(repricing: Repricing) -> Iterator[tuple[Product | None, Outcome]]:
    """What becomes of the next products, until the time is over; nothing of it is stored yet."""
    until, left = time.monotonic() + SECONDS, repricing.next(STEP)
    while left:
        some, left = left[:AT_ONCE], left[AT_ONCE:]
        products = shop.load_all(Product, [id_of("product", change.sku) for _, change in some])
        for number, change in some:
            product = products.get(id_of("product", change.sku))
            yield product, carried_out(product, number, change, now())
        if time.monotonic() > until:
            break


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
