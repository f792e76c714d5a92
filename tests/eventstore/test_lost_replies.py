"""Nobody is told a falsehood when the way to the database fails: carried out is found, not carried out is said."""

import time
from contextlib import contextmanager
from decimal import Decimal
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import connection, transaction
from eventsourcing.persistence import OperationalError

from eventstore import commands, log
from eventstore.cause import because
from eventstore.commands import command
from eventstore.models import Command, Event
from tests.eventstore.orders import Item, Purchase, add, place, purchases
from tests.system.proxy import Proxy

pytestmark = pytest.mark.django_db(transaction=True)

ADA = UUID(int=1)
TEA = Item(UUID(int=2), 2, Decimal("9.90"))
COMMITTED = b"Z\0\0\0\5I"  # PostgreSQL: ready, and in no transaction


@pytest.fixture
def proxy(empty_log):
    """Between this thread's connection and the database."""
    direct = {name: connection.settings_dict[name] for name in ("HOST", "PORT")}
    connection.close()
    with Proxy(direct["HOST"] or "127.0.0.1", int(direct["PORT"] or 5432)) as proxy:
        connection.settings_dict |= {"HOST": "127.0.0.1", "PORT": proxy.port}
        connection.ensure_connection()
        yield proxy
        proxy.silent = False
        connection.close()
    connection.settings_dict |= direct


calls: list[str] = []


@command
def open_purchase():
    calls.append("open")
    return purchases.record(Purchase.place(ADA, [TEA]))


@command
def add_to(purchase_id):
    calls.append("add")
    purchase = purchases.load(Purchase, purchase_id)
    purchase.add(TEA)
    return purchases.record(purchase)


@command
def cancel_in_a_transaction(purchase_id):
    calls.append("cancel")
    with transaction.atomic():
        purchase = purchases.load(Purchase, purchase_id)
        purchase.cancel("changed my mind")
        return purchases.record(purchase)


def carry_out(lose, count):
    """``count`` commands of three kinds; of each, ``lose`` loses what belongs to its append, or to its COMMIT."""
    calls.clear()
    receipts = []
    for _ in range(count // 3):
        lose(b"Purchase.Placed")
        receipts.append(open_purchase())
        lose(b"Purchase.ItemAdded")
        receipts.append(add_to(receipts[-1].id))
        lose(b"COMMIT")
        receipts.append(cancel_in_a_transaction(receipts[-1].id))
    assert [receipt.version for receipt in receipts] == [1, 2, 3] * (count // 3)
    return receipts


def all_of(receipts):
    """Each receipt's event is in the log, and nothing else is."""
    recorded = Event.objects.order_by("position").values_list("stream_id", "version", "position")
    assert list(recorded) == [tuple(receipt) for receipt in receipts]
    assert Command.objects.count() == len(receipts)
    assert len(log.after(0, limit=10_000)) == len(receipts)


@pytest.mark.parametrize("count", [99, pytest.param(501, marks=pytest.mark.long)])
def test_a_command_whose_reply_was_lost_is_found_and_not_repeated(proxy, count):
    receipts = carry_out(lambda having: proxy.lose_reply(having, COMMITTED), count)

    assert proxy.lost == count
    assert len(calls) == count, "none was carried out twice, none met itself as a conflict"
    all_of(receipts)


def test_a_command_that_did_not_come_to_the_database_is_asked_again(proxy):
    receipts = carry_out(proxy.lose_request, 30)

    assert proxy.lost == 30
    assert len(calls) == 60
    all_of(receipts)


def test_a_database_that_is_away_for_a_moment_is_waited_for(proxy, monkeypatch):
    """What was carried out is looked for until the database answers: not repeated, and not refused."""
    away, receipt = [], commands.receipt

    def not_at_first(command_id, me):
        if len(away) < 2:
            away.append(command_id)
            connection.close()
            raise OperationalError("the database is being started")
        return receipt(command_id, me)

    monkeypatch.setattr(commands, "receipt", not_at_first)
    receipts = carry_out(lambda having: proxy.lose_reply(having, COMMITTED), 3)

    assert len(calls) == 3
    all_of(receipts)


def test_what_is_committed_only_after_it_was_looked_for_is_no_refusal(proxy, monkeypatch):
    placed, receipt, looked = place(customer_id=ADA, items=()), commands.receipt, []

    @command
    def cancel_once(purchase_id):
        purchase = purchases.load(Purchase, purchase_id)
        if purchase.status == "cancelled":
            raise ValueError("It is cancelled already.")
        purchase.cancel("changed my mind")
        return purchases.record(purchase)

    def too_early(command_id, me):
        looked.append(command_id)
        return receipt(command_id, me) if len(looked) > 1 else None

    monkeypatch.setattr(commands, "receipt", too_early)
    proxy.lose_reply(b"Purchase.Cancelled", COMMITTED)
    all_of([placed, cancel_once(placed.id)])
    assert len(looked) == 2


def test_a_database_that_says_nothing_ends_in_a_clear_error_and_not_in_a_second_order(proxy, monkeypatch):
    monkeypatch.setattr(commands, "DEADLINE", 0.5)
    monkeypatch.setattr(commands, "SILENCE", 0.5)
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "connect_timeout", 2)  # the least that libpq takes
    command_id, began = uuid4(), time.monotonic()
    proxy.silent = True

    with because(command_id=command_id), pytest.raises(OperationalError) as told:
        place(customer_id=ADA, items=(TEA,))

    assert time.monotonic() - began < 0.5 + 0.5 + 2 + 1
    assert f"whether command {command_id} was carried out is not known" in str(told.value)
    proxy.silent = False
    with because(command_id=command_id):
        asked_again = place(customer_id=ADA, items=(TEA,))
    all_of([asked_again])


def test_a_connection_that_hangs_is_given_up_and_what_it_carried_out_is_found(proxy, monkeypatch):
    monkeypatch.setattr(commands, "SILENCE", 0.3)

    receipts = carry_out(lambda having: proxy.lose_reply(having, COMMITTED, hang=True), 3)

    assert (proxy.lost, len(calls)) == (3, 3)
    all_of(receipts)


def test_a_version_that_another_writer_holds_ends_in_a_clear_error_and_stores_nothing(empty_log):
    placed = place(customer_id=ADA, items=(TEA,))
    with connection.cursor() as cursor:
        cursor.execute("set lock_timeout = '200ms'")

    with another_writer(placed.id, 2) as other:
        with pytest.raises(OperationalError, match=f"^Nothing was stored: .*begun to store version 2 of {placed.id}"):
            add(placed.id, item=TEA)
        other.rollback()

    assert [event.version for event in log.after(0)] == [1]
    assert add(placed.id, item=TEA).version == 2
    connection.close()


@contextmanager
def another_writer(stream_id, version):
    """Who has stored that version, and does not end their transaction."""
    parameters = {
        k: v for k, v in connection.get_connection_params().items() if k in ("dbname", "host", "port", "user")
    }
    with psycopg.connect(**parameters, password=connection.settings_dict["PASSWORD"] or None) as other:
        nothing = ", ".join(["null"] * 10)
        other.execute(
            f"select eventstore_append(array[%s], array[%s]::bigint[], array['A.B'], array['{{}}'::bytea], {nothing})",
            [stream_id, version],
        )
        yield other
