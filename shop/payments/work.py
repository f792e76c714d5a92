"""What the gateway is to do is asked of it here: outside every request, and outside every transaction.

Where to look says ``PaymentWork``; what is to be done there, the log. A worker notes the key before it asks and records
the outcome afterwards: whoever comes after one that died in between looks the key up first.
"""

import logging
import random
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from eventstore import log
from eventstore.cause import because
from eventstore.persistence import rows
from shop.application import shop
from shop.payments.commands import record_outcome
from shop.payments.domain import Operation, Outcome, Payment
from shop.payments.gateway import Gateway

LEASE = 30.0  # seconds: longer than the two questions of one turn can last
SHORTEST, LONGEST = 1.0, 300.0  # seconds before an unknown outcome is asked for again; doubled each time
AT_ONCE = 4  # payments
LOOK_AGAIN = 0.2  # seconds until a payment that is new is seen, while others are asked for
SOON, LATER = 0.5, 5.0  # seconds until the read model will have seen what the log has; if it had not

ASKS = {
    "authorise": "Payment.Requested",
    "capture": "Payment.CaptureRequested",
    "void": "Payment.VoidRequested",
    "refund": "Payment.RefundRequested",
}

logger = logging.getLogger(__name__)

NOTE_NEW = """
    insert into payments_gatewaycall (payment_id) select w.id from payments_paymentwork w
    where not exists (select from payments_gatewaycall c where c.payment_id = w.id) order by w.id
    on conflict do nothing returning 1"""
HELD = """leased_until > clock_timestamp()
    and exists (select from pg_stat_activity where pid = backend)"""  # one whose connection is gone is replaced at once
# Materialised: read once. Were it read for each payment, as a planner may think best, several would be taken.
TAKE = f"""
    with free as materialized (
        select payment_id from payments_gatewaycall
        where due_at <= clock_timestamp() and ({HELD}) is not true
            and payment_id in (select id from payments_paymentwork)
            and (select count(*) from payments_gatewaycall where {HELD}) < %s
            and not exists (select from payments_gatewaycall where {HELD} and backend <> pg_backend_pid())
        order by due_at limit 1 for update skip locked)
    update payments_gatewaycall c set epoch = c.epoch + 1, backend = pg_backend_pid(),
        leased_until = clock_timestamp() + %s * interval '1 second'
    from free where c.payment_id = free.payment_id returning c.payment_id, c.epoch, c.key, c.tries"""
NOTE_KEY = """
    update payments_gatewaycall set key = %s, tries = %s, leased_until = clock_timestamp() + %s * interval '1 second'
    where payment_id = %s and epoch = %s returning 1"""
LET_GO = """
    update payments_gatewaycall
    set leased_until = null, due_at = clock_timestamp() + %s * interval '1 second', said = %s
    where payment_id = %s and epoch = %s returning 1"""


class Taken(NamedTuple):
    payment_id: UUID
    epoch: int
    key: str
    tries: int


def work(gateway: Gateway, *, at_once: int = AT_ONCE, seconds: float = 20.0) -> int:
    """Ask the gateway for all that is due, about some payments at a time; how often it was asked.

    One process does it: a gateway that hangs may have one worker, and must not take the others from the projections.
    """
    if connection.in_atomic_block:
        raise RuntimeError("The gateway is asked outside of transactions: one would stay open for as long as it takes.")
    until = time.monotonic() + seconds
    asked, running = 0, set[Future[bool]]()
    with ThreadPoolExecutor(at_once, "gateway") as threads:
        while True:
            if len(running) < at_once and time.monotonic() < until and (taken := take(at_once)):
                running.add(threads.submit(turn_of_thread, gateway, taken))
            elif running:
                done, running = wait(running, timeout=LOOK_AGAIN, return_when=FIRST_COMPLETED)
                asked += sum(each.result() for each in done)
            else:
                return asked


def turn_of_thread(gateway: Gateway, taken: Taken) -> bool:
    try:
        return turn(gateway, taken)
    finally:
        connection.close()


def take(at_once: int) -> Taken | None:
    """A payment that is due, if no other process asks for one, and this one for fewer than so many."""
    rows(NOTE_NEW)
    found = rows(TAKE, at_once, LEASE)
    return Taken(*found[0]) if found else None


def turn(gateway: Gateway, taken: Taken) -> bool:
    """Ask for what that payment's log says is next. False: there is nothing, or the payment was taken from us."""
    payment = shop.load(Payment, taken.payment_id)
    operation = payment.next
    if operation is None:  # the read model does not know yet
        let_go(taken, LATER, "")
        return False
    key = f"{payment.id}:{operation.name}"
    tries = taken.tries + 1 if taken.key == key else 1
    if not rows(NOTE_KEY, key, tries, LEASE, taken.payment_id, taken.epoch):
        return False
    with because(actor="gateway", **asked_by(payment.id, operation.name)):
        outcome = ask(gateway, payment, operation, key, again=tries > 1 or operation.name in payment.unknown)
        record_outcome(payment.id, operation.name, outcome)
    if outcome.kind != "unknown":
        let_go(taken, SOON if len(payment.pending) == 1 else 0, "")
        return True
    logger.warning("Nobody can say what became of %s (asked %s times): %s", key, tries, outcome.reason)
    let_go(taken, pause(tries), outcome.reason)
    return True


def asked_by(payment_id: UUID, operation: str) -> dict[str, UUID]:
    """The words of ``Cause`` for what comes of an operation: the event that asked for it, and its request."""
    kind, _, number = operation.partition(":")
    found = log.positions(payment_id, ASKS[kind])
    return log.caused_by(found[int(number or 1) - 1])


def ask(gateway: Gateway, payment: Payment, operation: Operation, key: str, *, again: bool) -> Outcome:
    """Under a key that was used before, first what became of that; only what never arrived is asked for anew."""
    amount = operation.amount
    if again and (found := gateway.look_up(key, amount=amount)):
        return found
    match operation.kind:
        case "authorise":
            return gateway.authorise(key, token=payment.token, last_four=payment.last_four, amount=amount)
        case "capture":
            return gateway.capture(key, authorisation=payment.authorisation, amount=amount)
        case "void":
            return gateway.void(key, authorisation=payment.authorisation, amount=amount)
        case "refund":
            return gateway.refund(key, capture=payment.capture_reference, amount=amount)
    raise AssertionError(f"There is no operation {operation.kind}.")


def let_go(taken: Taken, seconds: float, said: str) -> None:
    """It is due again in so many seconds, if it is still to be done then. Without effect when it was taken from us."""
    rows(LET_GO, seconds, said, taken.payment_id, taken.epoch)


def pause(tries: int) -> float:
    """At random, so that what failed together is not asked for together."""
    return min(SHORTEST * 2 ** min(tries - 1, 20), LONGEST) * random.uniform(0.75, 1.25)
