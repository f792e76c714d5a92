"""Mail between real processes: the mail server is away, the sender is killed at the worst moment; no mail is lost."""

import socket
import threading
from decimal import Decimal

import psycopg
import pytest
from django.db import connection, transaction

from projections.engine import catch_up
from projections.lease import begin
from projections.projection import known
from shop.application import shop
from shop.catalog.commands import create_product
from shop.customers.commands import register_customer
from shop.notifications.models import OutgoingMail
from shop.ordering.commands import Item, confirm_order, place_order
from shop.ordering.domain import Order
from shop.values import Money
from tests.shop.smtp import MailServer
from tests.system import processes
from tests.system.processes import ended, until

pytestmark = pytest.mark.django_db(transaction=True)

NOWHERE = "redis://127.0.0.1:1/0"  # no broker is needed: mails are found in the database
WAITS_FOR_A_LOCK = "select pid from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"


@pytest.fixture
def port(empty_log, monkeypatch):
    """Where the mail server will be."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    monkeypatch.setenv("EMAIL_URL", f"smtp://127.0.0.1:{port}")
    begin(known()["Mails"])
    return port


@pytest.fixture
def mug(empty_log):
    create_product(sku="MUG", name="Harbour mug", price=Money(Decimal("12.50"), "EUR"), publish=True)
    return "MUG"


def ordered(number, sku):
    """A confirmed order of a customer of its own, of which a mail is written."""
    customer = register_customer(name=f"Customer {number}", email=f"c{number}@example.com").id
    order = place_order(customer_id=customer, items=[Item(sku, 1)], reference=f"PO {number}").id
    confirm_order(order)
    catch_up([known()["MailCopies"], known()["Mails"]])
    return order


def sender(output):
    return processes.start(NOWHERE, "manage.py", "mails", "send", "--follow", output=output)


def statuses():
    return sorted(OutgoingMail.objects.values_list("status", flat=True))


def message_ids():
    return set(OutgoingMail.objects.values_list("message_id", flat=True))


def test_scenario_19_outbox(port, mug, tmp_path):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        ordered("nobody", mug)
        raise ZeroDivisionError
    assert not OutgoingMail.objects.exists(), "what was rolled back is told to nobody"
    orders = [ordered(number, mug) for number in range(3)]

    with ended(sender(tmp_path / "sender.log")):
        until(lambda: OutgoingMail.objects.filter(tries__gt=0).count() == 3, 120, "all to be tried")
        while_down = statuses()
        standing = [shop.load(Order, order).status for order in orders]
        server = MailServer(port).start()
        until(lambda: statuses() == ["sent"] * 3, 180, "the mails to go")
        server.stop()

    assert (while_down, standing) == (["waiting"] * 3, ["confirmed"] * 3)
    assert sorted(mail["To"] for mail in server.taken) == [f"c{number}@example.com" for number in range(3)]
    assert {mail["Message-ID"] for mail in server.taken} == set(
        OutgoingMail.objects.values_list("message_id", flat=True)
    )


def test_a_sender_killed_after_the_server_took_a_mail_loses_none_and_the_next_repeats_its_id(port, mug, tmp_path):
    """The row is locked before the server says 250, so that the sender has heard it and cannot mark: then kill -9."""
    ordered(1, mug)
    held = psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None, "context": None})
    server = MailServer(port)
    locked = threading.Event()

    def lock():
        if not locked.is_set():
            held.execute("select from notifications_outgoingmail for update")
            locked.set()

    server.before_250 = lock
    server.start()
    first = sender(tmp_path / "first.log")
    with ended(first):
        until(lambda: locked.is_set() and waiting_for_a_lock(), 120, "the sender to have heard 250")
        (pid,) = waiting_for_a_lock()
        processes.kill(first)
    until(lambda: not is_there(pid), 60, "the server to notice")
    held.rollback()
    held.close()
    between = OutgoingMail.objects.get()

    with ended(sender(tmp_path / "second.log")):
        until(lambda: statuses() == ["sent"], 120, "the next sender")
    server.stop()

    assert (between.status, between.tries, between.sent_at) == ("waiting", 1, None)
    first_time, second_time = server.taken
    assert first_time["Message-ID"] == second_time["Message-ID"] == between.message_id
    assert first_time.as_bytes() == second_time.as_bytes()
    assert OutgoingMail.objects.get().tries == 2


def waiting_for_a_lock():
    with connection.cursor() as cursor:
        cursor.execute(WAITS_FOR_A_LOCK)
        return [pid for (pid,) in cursor]


def is_there(pid):
    with connection.cursor() as cursor:
        cursor.execute("select from pg_stat_activity where pid = %s", [pid])
        return bool(cursor.fetchall())


def test_senders_that_are_killed_again_and_again_lose_no_mail(port, mug, tmp_path):
    """Five of them, each a moment after it began to send; whatever comes twice has one Message-ID."""
    for number in range(12):
        ordered(number, mug)
    server = MailServer(port)
    arrived = threading.Semaphore(0)
    server.before_250 = arrived.release
    server.start()

    for number in range(5):
        victim = sender(tmp_path / f"victim{number}.log")
        with ended(victim):
            until(lambda: arrived.acquire(blocking=False) or "waiting" not in statuses(), 120, "it to send")
        if "waiting" not in statuses():
            break
    with ended(sender(tmp_path / "last.log")):
        until(lambda: statuses() == ["sent"] * 12, 180, "all to go")
    server.stop()

    assert {mail["Message-ID"] for mail in server.taken} == message_ids()
    by_id = {}
    for mail in server.taken:
        assert by_id.setdefault(mail["Message-ID"], mail.as_bytes()) == mail.as_bytes()
