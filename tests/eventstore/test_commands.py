"""Each command once, whatever is tried again."""

from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import IntegrityError, OperationalError

from eventstore import commands, log
from eventstore.cause import because
from eventstore.commands import CommandReused, command
from eventstore.models import Command, Event
from tests.crowd import at_once
from tests.eventstore.orders import Item, Purchase, add, place, purchases
from tests.full import disk_full

pytestmark = pytest.mark.django_db

ADA = UUID(int=1)
TEA = Item(UUID(int=2), 2, Decimal("9.90"))


def test_a_command_asked_twice_is_carried_out_once():
    with because(command_id=uuid4()):
        first = place(customer_id=ADA, items=(TEA,))
        again = place(customer_id=ADA, items=(TEA,))

    assert again == first
    assert len(log.after(0)) == 1


def test_a_command_id_is_not_for_other_arguments():
    with because(command_id=uuid4()):
        place(customer_id=ADA, items=(TEA,))
        with pytest.raises(CommandReused, match="carried out"):
            place(customer_id=ADA, items=(TEA, TEA))

    assert len(log.after(0)) == 1


def test_a_command_is_known_again_by_an_older_secret_key(settings):
    with because(command_id=uuid4()):
        first = place(customer_id=ADA, items=(TEA,))
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new one", [settings.SECRET_KEY]
        assert place(customer_id=ADA, items=(TEA,)) == first
        settings.SECRET_KEY_FALLBACKS = []
        with pytest.raises(CommandReused):
            place(customer_id=ADA, items=(TEA,))


def test_a_command_that_changed_nothing_is_remembered_too():
    placed = place(customer_id=ADA, items=(TEA,))

    @command
    def look(purchase_id):
        return purchases.record(purchases.repository.get(purchase_id))

    with because(command_id=uuid4()) as asked:
        assert look(placed.id) == (placed.id, 1, None)
        assert look(placed.id) == (placed.id, 1, None)
    assert Command.objects.get(pk=asked.command_id).position is None


def test_the_slower_writer_tries_again():
    placed = place(customer_id=ADA, items=(TEA,))
    seen = []

    @command
    def slow(purchase_id):
        purchase = purchases.repository.get(purchase_id)
        if not seen:
            other = purchases.repository.get(purchase_id)
            other.add(TEA)
            purchases.append([other])
        seen.append(purchase.version)
        purchase.cancel("slow")
        return purchases.record(purchase)

    assert slow(placed.id).version == 3
    assert seen == [1, 2]


def test_a_writer_who_never_wins_gives_up_at_the_deadline(monkeypatch):
    monkeypatch.setattr(commands, "DEADLINE", 0.1)
    placed = place(customer_id=ADA, items=(TEA,))

    @command
    def hopeless(purchase_id):
        purchase = purchases.repository.get(purchase_id)
        other = purchases.repository.get(purchase_id)
        other.add(TEA)
        purchases.append([other])
        purchase.cancel("hopeless")
        return purchases.record(purchase)

    with pytest.raises(IntegrityError, match="Another writer was faster"):
        hopeless(placed.id)


def test_a_commit_whose_answer_was_lost_is_found_and_not_repeated():
    lost = []

    @command
    def forgetful():
        receipt = purchases.record(Purchase.place(ADA, [TEA]))
        if not lost:
            lost.append(receipt)
            raise OperationalError("the answer was lost")
        return receipt

    assert forgetful() == lost[0]
    assert Event.objects.count() == 1


def test_a_refusal_is_not_remembered():
    @command
    def refuse(yes):
        if yes:
            raise ValueError("no")
        return purchases.record(Purchase.place(ADA, [TEA]))

    with because(command_id=uuid4()):
        with pytest.raises(ValueError):
            refuse(True)
        assert refuse(False).version == 1


def test_all_events_of_a_command_carry_its_id():
    with because(command_id=uuid4(), actor="ada") as asked:
        place(customer_id=ADA, items=(TEA,))

    event = Event.objects.get()
    assert (event.command_id, event.correlation_id, event.actor) == (asked.command_id, asked.command_id, "ada")


@pytest.mark.django_db(transaction=True)
def test_of_many_who_ask_the_same_at_once_one_is_carried_out(empty_log):
    command_id = uuid4()

    def ask():
        with because(command_id=command_id):
            return place(customer_id=ADA, items=(TEA,))

    receipts = at_once(8, ask)

    assert len(receipts) == 8
    assert len(set(receipts)) == 1
    assert Event.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_all_of_many_who_write_one_stream_at_once_get_their_turn(empty_log):
    placed = place(customer_id=ADA, items=())

    at_once(6, lambda: [add(placed.id, item=TEA) for _ in range(10)])

    assert len(purchases.repository.get(placed.id).items) == 60


def test_a_command_may_be_asked_with_a_number_of_any_size():
    @command
    def count(number):
        return purchases.record(Purchase.place(ADA, [TEA]))

    with because(command_id=uuid4()):
        assert count(10**30) == count(10**30)
        with pytest.raises(CommandReused):
            count(10**30 + 1)


@pytest.mark.django_db(transaction=True)
def test_where_there_is_no_room_a_command_is_not_tried_again_and_stores_nothing(empty_log):
    tried = []

    @command
    def buy():
        tried.append(1)
        return purchases.record(Purchase.place(ADA, (TEA,)))

    with disk_full("eventstore_event"), because(command_id=uuid4()) as asked, pytest.raises(OperationalError) as full:
        buy()
    nothing = not Event.objects.exists() and not Command.objects.exists()
    with because(command_id=asked.command_id):
        receipt = buy()

    assert full.value.__cause__.sqlstate == "53100"
    assert nothing
    assert (len(tried), receipt.version) == (2, 1)
