"""Workers and the gateway are killed at random while money moves: the shop's books and the gateway's are one."""

import random
import time
from contextlib import ExitStack
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connections
from django.db.models.functions import Now

from eventstore.models import Event
from projections.projection import known
from projections.rebuild import verify
from shop.errors import Refused
from shop.payments.commands import capture, refund_payment, request_payment, void
from shop.payments.models import GatewayCall, PaymentAlarm, PaymentSummary, PaymentWork
from shop.values import Money
from tests.shop.gateway import SECRET, Fake, books_agree, start
from tests.system import processes
from tests.system.processes import until

pytestmark = pytest.mark.django_db(transaction=True)

NOWHERE = "redis://127.0.0.1:1/0"  # no broker is needed: payments are found in the database
CARDS = ("4242", "4242", "0002", "0119", "4242")
FAULTS = ("error", "charge_then_error", "nonsense", "decline", "charge_then_error", "charge_then_hang")


def test_killed_workers_and_a_killed_gateway_move_no_money_twice(
    empty_log, live_server, tmp_path, monkeypatch, settings
):
    under_fire(live_server, tmp_path, monkeypatch, settings, payments=6, kills=3)


@pytest.mark.long
def test_fifty_kills(empty_log, live_server, tmp_path, monkeypatch, settings):
    """``./test -m long -k fifty_kills -s``"""
    print(under_fire(live_server, tmp_path, monkeypatch, settings, payments=120, kills=50))


def under_fire(live_server, tmp_path, monkeypatch, settings, *, payments, kills):
    """Three workers and the gateway die in turn while payments are asked for, captured, voided and paid back."""
    chance = random.Random(2026)
    settings.GATEWAY_SECRET, settings.ALLOWED_HOSTS = SECRET, ["*"]
    webhooks = f"{live_server.url}/api/v1/payments/webhook/"
    gateway = start(tmp_path, "--anyway", "--webhooks", webhooks)
    fake = Fake(int(gateway.stdout.readline().split()[-1]))
    fake.sends_webhooks("twice")
    monkeypatch.setenv("GATEWAY_URL", fake.url)
    monkeypatch.setenv("GATEWAY_SECRET", SECRET)

    def worker():
        command = ("manage.py", "payments", "work", "--follow")
        return processes.start(NOWHERE, *command, output=tmp_path / "workers.log")

    projecting = processes.start(NOWHERE, "manage.py", "projections", "run", "--follow", output=tmp_path / "rows.log")
    workers = [worker() for _ in range(3)]
    with ExitStack() as ending:
        ending.callback(lambda: [processes.kill(each) for each in (*workers, projecting)])
        ending.callback(lambda: (gateway.kill(), gateway.communicate()))
        plans = {}
        for number in range(payments):
            amount = Decimal(chance.randint(100, 9999)) / 100
            plans[request_one(amount, CARDS[number % len(CARDS)])] = "void" if number % 4 == 3 else "capture"
        for number in range(kills):
            go_on(plans, chance)
            fake.gets_wrong(chance.choice(FAULTS), chance.choice(["authorise", "capture", "refund"]))
            time.sleep(chance.uniform(0.3, 1.5))  # the load's pace, not a wait for anything
            if number % 4 == 3:
                gateway.kill()
                gateway.communicate()
                gateway = start(tmp_path, "--anyway", "--webhooks", webhooks, "--port", fake.url.rpartition(":")[2])
                gateway.stdout.readline()
            else:
                victim = chance.choice(workers)
                processes.kill(victim)
                workers[workers.index(victim)] = worker()
        fake.gets_all_right()
        assert [each.poll() for each in (projecting, *workers)] == [None] * 4, f"one ended by itself: {tmp_path}"
        until(lambda: settled(plans, chance), 120, "all to be settled")

        books_agree(fake)
        events = list(Event.objects.values_list("stream_id", "name"))
        moved = sum(fake.money(payment)["capture"] for payment in plans)
    for once in ("Payment.Authorised", "Payment.Captured", "Payment.Voided", "Payment.Declined"):
        streams = [stream for stream, name in events if name == once]
        assert len(streams) == len(set(streams)), once
    for projection in ("Payments", "PaymentsToWork"):
        for compared in verify(known()[projection]):
            assert not compared.differing, str(compared)
    assert PaymentAlarm.objects.count() == 0, list(PaymentAlarm.objects.values_list("detail", flat=True))
    assert {name for _, name in events} >= {"Payment.Refunded", "Payment.Voided", "Payment.Declined"}
    connections.close_all()
    unknown = sum(name == "Payment.OutcomeUnknown" for _, name in events)
    return f"{len(plans)} payments, {moved} EUR captured, {unknown} outcomes were unknown for a while"


def settled(plans, chance):
    """Whether nothing is left to do. The long pauses that grew while the gateway was away are over."""
    GatewayCall.objects.filter(due_at__gt=Now() + timedelta(seconds=10)).update(due_at=Now())
    return go_on(plans, chance) == 0 and not PaymentWork.objects.exists()


def request_one(amount, last_four):
    return request_payment(
        order_id=uuid4(), customer_id=None, amount=Money(amount, "EUR"), token=str(uuid4()), last_four=last_four
    ).id


def go_on(plans, chance):
    """Ask for the next step of each payment that is settled for now; how many were not at their end."""
    rows = list(PaymentSummary.objects.filter(pk__in=plans))
    left = len(plans) - len(rows)
    for row in rows:
        step = {"authorised": plans[row.id], "captured": "refund"}.get(row.status)
        if row.status in ("requested", "unknown") or step:
            left += 1
        try:
            if step == "capture":
                capture(row.id)
            elif step == "void":
                void(row.id)
            elif step == "refund":
                rest = row.captured - row.refunded
                some = rest if rest < 10 or chance.random() < 0.5 else (rest / 2).quantize(Decimal("0.01"))
                refund_payment(row.id, amount=Money(some, row.currency), reason="came back")
        except Refused:
            pass  # it is under way
    return left
