"""The gateway is asked by workers that may die anywhere, and answers what it likes: money moves once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from eventstore.models import Event
from projections.engine import catch_up
from projections.projection import known
from projections.rebuild import verify
from shop.application import shop
from shop.payments import work as worker
from shop.payments.commands import capture, refund_payment, request_payment, void
from shop.payments.domain import Payment
from shop.payments.models import GatewayCall, PaymentSummary, PaymentWork
from shop.payments.work import work
from shop.values import Money
from tests.crowd import at_once
from tests.shop.gateway import Fake, books_agree, fake_gateway
from tests.system.processes import until

pytestmark = pytest.mark.django_db(transaction=True)

FAULTS = ("", "decline", "error", "hang", "charge_then_hang", "charge_then_error", "nonsense", "delay")
DEATHS = ("", "before the call", "after the call", "after it was recorded")


class Died(BaseException):
    """The worker is no more: nothing after this happens."""


def euros(amount):
    return Money(Decimal(amount), "EUR")


@pytest.fixture(scope="module")
def process(tmp_path_factory) -> Iterator[Fake]:
    with fake_gateway(tmp_path_factory.mktemp("gateway"), "--anyway") as fake:
        yield fake


@pytest.fixture
def fake(process, empty_log, monkeypatch) -> Fake:
    process.gets_all_right()
    monkeypatch.setattr(worker, "SHORTEST", 0.0)  # what is unknown is asked for again at once
    monkeypatch.setattr(worker, "SOON", 0.02)
    monkeypatch.setattr(worker, "LATER", 0.02)
    return process


def request(amount="25.00", last_four="4242"):
    return request_payment(
        order_id=uuid4(), customer_id=None, amount=euros(amount), token=str(uuid4()), last_four=last_four
    ).id


def settle(fake):
    """Workers look until there is nothing left to do."""
    gateway = fake.gateway()
    payments = [each for each in known().values() if type(each).__module__.startswith("shop.payments.")]

    def settled():
        catch_up(payments)
        work(gateway, seconds=0.05)
        catch_up(payments)
        return not PaymentWork.objects.exists()

    until(settled, 20, "all to be settled")


def time_passes():
    """Leases of the dead run out."""
    GatewayCall.objects.filter(leased_until__isnull=False).update(leased_until=timezone.now() - timedelta(seconds=1))


def dies(where):
    """The next worker dies there, once."""
    name = "record_outcome" if where == "after it was recorded" else "ask"
    real, done = getattr(worker, name), []

    def once(*args, **kwargs):
        if done or not where:
            return real(*args, **kwargs)
        done.append(True)
        if where != "before the call":
            real(*args, **kwargs)
        raise Died

    return patch.object(worker, name, once)


def status_of(payment_id):
    return shop.load(Payment, payment_id).status


@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_the_gateway_does_and_wherever_a_worker_dies_the_books_agree(fake, fault, death):
    def happens(operation):
        if fault:
            fake.gets_wrong(fault, operation, seconds=2 * 0.3)
        with dies(death):
            try:
                settle(fake)
            except Died:
                time_passes()
        settle(fake)
        fake.gets_all_right()

    to_capture = request("25.00")
    happens("authorise")
    if fault == "decline":
        assert status_of(to_capture) == "declined"
        to_capture = request("25.00")
        settle(fake)
    to_void = request("7.01")
    settle(fake)
    capture(to_capture)
    happens("capture")
    if fault == "decline":
        assert status_of(to_capture) == "authorised"
        capture(to_capture)
        settle(fake)
    refund_payment(to_capture, amount=euros("5.55"), reason="broken")
    happens("refund")
    if fault != "decline":  # a void that is refused is for people
        void(to_void)
        happens("void")

    catch_up()
    books_agree(fake)
    assert status_of(to_capture) == "captured"
    assert fake.money(to_capture)["refund"] == (Decimal("5.55") if fault != "decline" else 0)
    assert status_of(to_void) == ("voided" if fault != "decline" else "authorised")


def test_what_is_unknown_is_seen_and_waits_longer_each_time(fake, monkeypatch):
    monkeypatch.setattr(worker, "SHORTEST", 1.0)
    payment = request()
    fake.gets_wrong("error", times=3)
    pauses = []

    for _ in range(3):
        catch_up()
        asked = work(fake.gateway())
        call = GatewayCall.objects.get()
        pauses.append((asked, call.tries, round((call.due_at - timezone.now()).total_seconds(), 1)))
        GatewayCall.objects.update(due_at=timezone.now())
    catch_up()

    assert [pause[:2] for pause in pauses] == [(1, 1), (1, 2), (1, 3)]
    assert all(0.7 * 2**n <= pause[2] <= 1.3 * 2**n for n, pause in enumerate(pauses)), pauses
    assert call.said == "The gateway answered 500."
    assert PaymentSummary.objects.get(pk=payment).status == "unknown"
    assert Event.objects.filter(name="Payment.OutcomeUnknown").count() == 1
    settle(fake)
    assert status_of(payment) == "authorised"


def test_what_happened_at_the_gateway_is_looked_up_before_it_is_asked_for_again(fake):
    payment = request()
    fake.gets_wrong("charge_then_hang")

    settle(fake)

    assert [entry["operation"] for entry in fake.did(payment)] == ["authorise"]
    assert Event.objects.get(name="Payment.OutcomeUnknown").stream_id == payment
    assert status_of(payment) == "authorised"


def test_many_workers_at_once_ask_for_each_payment_once(fake, monkeypatch):
    monkeypatch.setattr(worker, "LATER", 60.0)
    payments = [request(f"{n}.{n:02d}") for n in range(1, 13)]
    catch_up()

    asked = at_once(6, lambda: work(fake.gateway(), at_once=6))
    catch_up()

    assert sum(asked) == len(payments)
    assert sorted(entry["key"] for entry in fake.did()[-12:]) == sorted(f"{each}:authorise" for each in payments)
    books_agree(fake)


def test_one_that_hangs_keeps_no_other_waiting(fake):
    hangs = request("666.07")
    catch_up()
    others = []

    def while_it_hangs(*args, **kwargs):
        if not others:
            others.append(request("5.00"))
            catch_up()
        return real(*args, **kwargs)

    real = worker.wait
    with patch.object(worker, "wait", while_it_hangs), patch.object(worker, "SHORTEST", 100):
        asked = work(fake.gateway(patience=5))

    events = Event.objects.filter(name__in=["Payment.Authorised", "Payment.OutcomeUnknown"]).order_by("position")
    assert asked == 2
    assert [event.stream_id for event in events] == [*others, hangs]


def test_another_process_waits_while_one_is_at_it(fake):
    request(), request()
    catch_up()

    with ThreadPoolExecutor(1) as other:  # with a connection of its own
        held = other.submit(worker.take, 4).result()
        refused = worker.take(4)
        other.submit(connections.close_all).result()
    until(lambda: worker.take(4) is not None, 5, "the server to notice that it is gone")

    assert held is not None
    assert refused is None


def test_one_is_taken_at_a_time_though_the_planner_believes_that_there_is_only_one(fake):
    GatewayCall.objects.create(payment_id=uuid4())
    GatewayCall.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("analyze payments_gatewaycall")
    for _ in range(12):
        request()
    catch_up()

    taken = [worker.take(9), worker.take(9)]

    assert None not in taken
    assert GatewayCall.objects.filter(leased_until__isnull=False).count() == 2


def test_no_more_are_asked_for_at_a_time_than_there_may_be(fake):
    for _ in range(3):
        request()
    catch_up()

    first = worker.take(2), worker.take(2)

    assert None not in first
    assert worker.take(2) is None
    assert worker.take(3) is not None


def test_a_worker_that_was_frozen_and_replaced_lets_go_of_nothing(fake):
    request()
    catch_up()
    frozen = worker.take(1)
    time_passes()
    other = worker.take(1)

    worker.let_go(frozen, 0, "")

    assert other.epoch == frozen.epoch + 1
    assert GatewayCall.objects.get().leased_until > timezone.now()
    assert worker.turn(fake.gateway(), frozen) is False
    assert fake.did(frozen.payment_id) == []


def test_a_rebuild_asks_the_gateway_for_nothing_again(fake):
    payment = request()
    settle(fake)
    capture(payment)
    settle(fake)
    before = fake.did()

    with connection.cursor() as cursor:  # as it stands in the middle of a replay
        cursor.execute(
            "insert into payments_paymentwork (id, operations, since, position, version) values (%s, %s, now(), 1, 1)",
            [payment, '["authorise", "capture"]'],
        )
    assert work(fake.gateway(), seconds=0.5) == 0

    assert fake.did() == before


def test_the_read_models_equal_what_the_log_makes(fake):
    captured, voided = request("25.00"), request("7.01", last_four="0119")
    request(last_four="0002")
    settle(fake)
    capture(captured)
    settle(fake)
    refund_payment(captured, amount=euros("5.55"), reason="broken")
    fake.gets_wrong("charge_then_error", "refund")
    void(voided)
    settle(fake)

    for projection in ("Payments", "PaymentsToWork"):
        for compared in verify(known()[projection]):
            assert not compared.differing, str(compared)


def test_the_gateway_is_never_asked_inside_a_transaction(fake):
    with transaction.atomic(), pytest.raises(RuntimeError, match="outside of transactions"):
        work(fake.gateway())


@pytest.mark.parametrize(
    ("last_four", "amount", "status"),
    [
        ("0002", "25.00", "declined"),
        ("9995", "25.00", "declined"),
        ("0119", "25.00", "authorised"),
        ("3220", "25.00", "authorised"),
        ("3063", "25.00", "authorised"),
        ("3014", "25.00", "authorised"),
        ("4242", "666.02", "declined"),
        ("4242", "666.05", "authorised"),
        ("4242", "666.06", "authorised"),
        ("4242", "666.07", "authorised"),
        ("4242", "666.08", "authorised"),
        ("4242", "666.09", "authorised"),
    ],
)
def test_magic_cards_and_amounts(fake, last_four, amount, status):
    payment = request(amount, last_four)

    settle(fake)

    assert status_of(payment) == status
    books_agree(fake)


def test_a_gateway_that_is_away_leaves_it_unknown(fake):
    payment = request()
    away = Fake(1)
    catch_up()

    work(away.gateway(), seconds=0.05)

    assert status_of(payment) == "unknown"
    assert GatewayCall.objects.get().said.startswith("No answer: ")
    settle(fake)
    assert status_of(payment) == "authorised"
