"""Shipments and where their customers live: asked as soon as it is heard, exact when the parcel leaves."""

from uuid import uuid4

import pytest
from django.core.management import call_command

from eventstore.history import of
from eventstore.models import Event
from eventstore.personal import Forgotten
from projections.engine import catch_up
from projections.lease import begin
from projections.models import Parked
from projections.projection import known
from shop.application import shop
from shop.customers.commands import (
    add_address,
    change_address,
    erase_customer,
    register_customer,
    remove_address,
    set_default_address,
)
from shop.shipping.commands import (
    answer_address,
    cancel_shipment,
    compare_address,
    deliver,
    dispatch,
    lose,
    pack,
    plan_shipment,
)
from shop.shipping.domain import AddressQuestionOpen, CustomerErased, Packed, Shipment
from shop.shipping.models import ShipmentSummary, Underway
from shop.values import Address

pytestmark = pytest.mark.django_db

HOME = Address("1 Quay Street", "Whitby", "YO21 1AA", "GB")
AWAY = Address("2 Low Street", "Whitby", "YO21 1AB", "GB")
MUGS = Packed("MUG", "Harbour mug", 2)


@pytest.fixture(autouse=True)
def policy():
    """It hears what is recorded from here on."""
    begin(known()["AddressQuestions"])


@pytest.fixture
def ada():
    customer_id = register_customer(name="Ada", email="ada@example.com").id
    add_address(customer_id, address=HOME)
    return customer_id


@pytest.fixture
def parcel(ada):
    """Packed, for where Ada lived when she ordered."""
    parcel_id = plan_shipment(uuid4(), customer_id=ada, lines=[MUGS], ship_to=HOME).id
    pack(parcel_id)
    return parcel_id


def names(parcel_id):
    return [event.name.removeprefix("Shipment.") for event in of(parcel_id)]


def row(parcel_id):
    catch_up([each for each in known().values() if each.context == "shipping"])  # there is no order beside it
    assert not Parked.objects.exists()
    return ShipmentSummary.objects.get(pk=parcel_id)


def test_an_order_is_planned_once(ada):
    order = uuid4()

    first, again = (plan_shipment(order, customer_id=ada, lines=[MUGS], ship_to=HOME) for _ in range(2))

    assert (again.id, again.version, again.position) == (first.id, 1, None)


def test_a_parcel_for_where_its_customer_lives_goes_without_a_question(parcel):
    dispatch(parcel, carrier="DHL", tracking="JD01")
    deliver(parcel)

    assert names(parcel) == ["Planned", "Packed", "Dispatched", "Delivered"]
    shown = row(parcel)
    assert (shown.status, shown.carrier, shown.tracking, shown.question) == ("delivered", "DHL", "JD01", "")
    assert not Underway.objects.exists()


@pytest.mark.parametrize("caught_up", [True, False])
def test_a_customer_who_moved_while_the_parcel_was_packed_holds_it_whatever_the_copies_say(ada, parcel, caught_up):
    catch_up()
    change_address(ada, 1, address=AWAY)
    if caught_up:
        catch_up()

    with pytest.raises(AddressQuestionOpen):
        dispatch(parcel, carrier="DHL")
    answer_address(parcel, decision="use_present")
    dispatch(parcel, carrier="DHL")

    assert names(parcel) == ["Planned", "Packed", "AddressQuestioned", "AddressAnswered", "Dispatched"]
    shown = row(parcel)
    assert (shown.ship_to["street"], shown.question, shown.lives_at) == (AWAY.street, "use_present", None)


@pytest.mark.parametrize(
    "move",
    [
        lambda ada: change_address(ada, 1, address=AWAY),
        lambda ada: add_address(ada, address=AWAY, default=True),
        lambda ada: (add_address(ada, address=AWAY), set_default_address(ada, 2)),
        lambda ada: (add_address(ada, address=AWAY), remove_address(ada, 1)),
    ],
)
def test_however_a_customer_moves_the_question_is_raised_by_itself(ada, parcel, move):
    catch_up()

    move(ada)

    shown = row(parcel)

    assert (shown.question, shown.lives_at["street"], shown.ship_to["street"]) == ("open", AWAY.street, HOME.street)
    (asked,) = [event for event in of(parcel) if event.name == "Shipment.AddressQuestioned"]
    moved = next(event for event in of(ada) if event.event_id == asked.causation_id)
    assert (asked.actor, shown.asked_since) == ("policy AddressQuestions", moved.effective_at)


def test_one_planned_for_an_address_that_is_already_given_up_is_a_question_at_once(ada):
    change_address(ada, 1, address=AWAY)
    parcel = plan_shipment(uuid4(), customer_id=ada, lines=[MUGS], ship_to=HOME).id

    assert row(parcel).question == "open"


def test_one_planned_and_moved_away_from_before_any_read_model_has_seen_it_is_a_question_too(ada):
    catch_up()
    parcel = plan_shipment(uuid4(), customer_id=ada, lines=[MUGS], ship_to=HOME).id
    catch_up([known()["AddressQuestions"]])
    change_address(ada, 1, address=AWAY)

    catch_up([known()["AddressQuestions"]])

    assert names(parcel) == ["Planned", "AddressQuestioned"]
    assert not ShipmentSummary.objects.exists()


def test_another_address_that_is_not_the_default_one_is_no_question(ada, parcel):
    add_address(ada, address=AWAY)

    assert row(parcel).question == ""


def test_who_moves_back_is_asked_no_more(ada, parcel):
    change_address(ada, 1, address=AWAY)
    catch_up()
    change_address(ada, 1, address=HOME)

    dispatch(parcel, carrier="DHL")

    assert row(parcel).question == ""


def test_who_moved_back_before_it_was_heard_is_not_asked_at_all(ada, parcel):
    change_address(ada, 1, address=AWAY)
    change_address(ada, 1, address=HOME)

    assert (row(parcel).question, "AddressQuestioned" in names(parcel)) == ("", False)


def test_the_question_is_withdrawn_where_it_was_heard_of_both_moves(ada, parcel):
    change_address(ada, 1, address=AWAY)
    asked = row(parcel)
    change_address(ada, 1, address=HOME)

    shown = row(parcel)

    assert (asked.question, shown.question, shown.lives_at) == ("open", "withdrawn", None)


def test_parcels_that_left_were_cancelled_or_overridden_are_not_asked_about(ada, parcel):
    dispatch(parcel, carrier="DHL")
    order = uuid4()
    cancelled = plan_shipment(order, customer_id=ada, lines=[MUGS], ship_to=HOME).id
    first = cancel_shipment(order, reason="changed my mind")
    again = cancel_shipment(order, reason="changed my mind")
    gift = plan_shipment(uuid4(), customer_id=ada, lines=[MUGS], ship_to=HOME, overridden=True).id
    guests = plan_shipment(uuid4(), customer_id=None, lines=[MUGS], ship_to=HOME).id

    change_address(ada, 1, address=AWAY)
    compare_address(parcel, since=of(parcel)[0].effective_at)

    assert [row(each).question for each in (parcel, cancelled, gift, guests)] == [""] * 4
    assert (first.position is None, again.position) == (False, None)
    for each in (gift, guests):
        pack(each)
        dispatch(each, carrier="DHL")
        assert names(each) == ["Planned", "Packed", "Dispatched"]


def test_a_lost_parcel_says_why(parcel):
    dispatch(parcel, carrier="DHL")
    lose(parcel, reason="fell into the harbour")

    assert (row(parcel).status, row(parcel).reason) == ("lost", "fell into the harbour")


def test_nothing_is_sent_to_who_was_erased_and_nothing_tells_where_they_lived(ada, parcel):
    change_address(ada, 1, address=AWAY)
    before = row(parcel).position
    erase_customer(ada)

    with pytest.raises(CustomerErased):
        dispatch(parcel, carrier="DHL")
    with pytest.raises(Forgotten):
        answer_address(parcel, decision="keep")
    shown = row(parcel)

    for version in (shown, ShipmentSummary.objects.as_of(before).get(pk=parcel)):
        assert {*version.ship_to.values(), *version.lives_at.values()} == {"[erased]"}
    assert shop.load(Shipment, parcel).ship_to.street == "[erased]"
    for event in Event.objects.filter(stream_id=parcel):
        assert not any(word in bytes(event.data) for word in (b"Quay", b"Low Street", b"YO21"))
    assert not Underway.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_is_shown_is_what_the_log_makes_of_it_also_of_who_was_forgotten(empty_log, policy):
    for _ in range(2):
        ada = register_customer(name="Ada", email="ada@example.com").id
        add_address(ada, address=HOME)
        pack(plan_shipment(uuid4(), customer_id=ada, lines=[MUGS], ship_to=HOME).id)
        change_address(ada, 1, address=AWAY)
        catch_up()
        erase_customer(ada)
        catch_up()

    call_command("projections", "verify", "Shipments", "ShippingCustomers")

    assert ShipmentSummary.objects.filter(customer_erased=True, question="open").count() == 2
