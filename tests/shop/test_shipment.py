"""A shipment on its own: no database, no Django."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from eventstore.sealing import ERASED
from shop.errors import WrongStatus
from shop.shipping.domain import (
    AddressQuestionOpen,
    BadQuantity,
    CustomerErased,
    EmptyShipment,
    NoAddress,
    NoAddressQuestion,
    Packed,
    Shipment,
    shipment_of,
)
from shop.values import Address
from tests.facts import facts, given

ORDER, ADA = UUID(int=1), UUID(int=2)
HOME = Address("1 Quay Street", "Whitby", "YO21 1AA", "GB")
AWAY = Address("2 Low Street", "Whitby", "YO21 1AB", "GB")
FAR = Address("Kai 3", "Hamburg", "20457", "DE")
MUGS = Packed("MUG", "Harbour mug", 2)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def planned(ship_to=HOME, overridden=False):
    return given(Shipment.plan(ORDER, ADA, [MUGS], ship_to, overridden))


def packed(ship_to=HOME, overridden=False):
    shipment = planned(ship_to, overridden)
    shipment.pack()
    return given(shipment)


def dispatched():
    shipment = packed()
    shipment.dispatch("DHL", "JD01", HOME)
    return given(shipment)


def test_an_order_has_one_shipment():
    shipment = Shipment.plan(ORDER, ADA, [MUGS], HOME)

    assert shipment.id == shipment_of(ORDER)
    assert facts(shipment) == [
        (
            "Shipment.Planned",
            {"order_id": ORDER, "customer_id": ADA, "lines": (MUGS,), "ship_to": HOME, "overridden": False},
        )
    ]


def test_a_shipment_has_lines_of_one_piece_at_least():
    with pytest.raises(EmptyShipment):
        Shipment.plan(ORDER, ADA, [], HOME)
    with pytest.raises(BadQuantity, match="MUG is to be packed 0 times"):
        Shipment.plan(ORDER, ADA, [Packed("MUG", "Mug", 0)], HOME)


def test_it_is_packed_dispatched_and_delivered():
    shipment = planned()

    shipment.pack()
    shipment.dispatch("DHL", "JD01", HOME)
    shipment.deliver()

    assert facts(shipment) == [
        ("Shipment.Packed", {}),
        ("Shipment.Dispatched", {"carrier": "DHL", "tracking": "JD01"}),
        ("Shipment.Delivered", {}),
    ]


@pytest.mark.parametrize(
    ("shipment", "ask", "refusal"),
    [
        (planned, lambda s: s.dispatch("DHL", "", HOME), "A planned shipment cannot be dispatched: it must be packed"),
        (packed, lambda s: s.pack(), "A packed shipment cannot be packed: it must be planned"),
        (packed, lambda s: s.deliver(), "A packed shipment cannot be delivered: it must be dispatched"),
        (packed, lambda s: s.lose("?"), "A packed shipment cannot be lost: it must be dispatched"),
        (dispatched, lambda s: s.cancel("?"), "cannot be cancelled: it must be planned or packed"),
        (dispatched, lambda s: s.answer_address("keep", AWAY, NOON), "cannot be sent elsewhere"),
    ],
)
def test_each_thing_has_its_time(shipment, ask, refusal):
    shipment = shipment()

    with pytest.raises(WrongStatus, match=refusal):
        ask(shipment)

    assert facts(shipment) == []


def test_it_is_cancelled_once():
    shipment = packed()

    shipment.cancel("changed my mind")
    shipment.cancel("changed my mind")

    assert facts(shipment) == [("Shipment.Cancelled", {"reason": "changed my mind"})]


def test_a_customer_who_moved_is_a_question_raised_once():
    shipment = planned()

    shipment.compare(HOME, NOON)
    shipment.compare(AWAY, NOON)
    shipment.compare(AWAY, NOON)

    assert facts(shipment) == [
        ("Shipment.AddressQuestioned", {"customer_id": ADA, "present": AWAY, "since": NOON}),
    ]


def test_it_is_not_dispatched_while_the_question_is_open_whether_or_not_somebody_has_raised_it():
    shipment = packed()

    with pytest.raises(AddressQuestionOpen):
        shipment.dispatch("DHL", "", AWAY)
    shipment.compare(AWAY, NOON)
    with pytest.raises(AddressQuestionOpen):
        shipment.dispatch("DHL", "", AWAY)

    assert shipment.status == "packed"


@pytest.mark.parametrize(("decision", "goes_to"), [("keep", HOME), ("use_present", AWAY)])
def test_a_decision_says_where_it_goes(decision, goes_to):
    shipment = packed()
    shipment.compare(AWAY, NOON)
    given(shipment)

    shipment.answer_address(decision, AWAY, NOON)
    shipment.compare(AWAY, NOON)
    shipment.dispatch("DHL", "", AWAY)

    assert facts(shipment) == [
        ("Shipment.AddressAnswered", {"customer_id": ADA, "decision": decision, "address": goes_to}),
        ("Shipment.Dispatched", {"carrier": "DHL", "tracking": ""}),
    ]
    assert shipment.ship_to == goes_to


def test_the_customer_may_be_asked_once_and_it_stays_open_until_somebody_has_decided():
    shipment = packed()
    shipment.compare(AWAY, NOON)
    given(shipment)

    for _ in range(2):
        shipment.answer_address("ask", AWAY, NOON)
    with pytest.raises(AddressQuestionOpen, match="They were asked where the parcel goes"):
        shipment.dispatch("DHL", "", AWAY)
    shipment.answer_address("keep", AWAY, NOON)

    assert facts(shipment) == [
        ("Shipment.CustomerAsked", {"customer_id": ADA, "ship_to": HOME, "present": AWAY}),
        ("Shipment.AddressAnswered", {"customer_id": ADA, "decision": "keep", "address": HOME}),
    ]
    assert (shipment.customer_asked, shipment.question) == (False, None)


def test_who_was_asked_and_moves_once_more_is_to_be_asked_anew():
    shipment = packed()
    shipment.answer_address("ask", AWAY, NOON)
    given(shipment)

    shipment.compare(FAR, NOON)
    shipment.answer_address("ask", FAR, NOON)

    assert facts(shipment) == [
        ("Shipment.AddressQuestioned", {"customer_id": ADA, "present": FAR, "since": NOON}),
        ("Shipment.CustomerAsked", {"customer_id": ADA, "ship_to": HOME, "present": FAR}),
    ]


def test_an_answer_that_there_is_not_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="Expected keep, use_present or ask, found 'burn'"):
        packed().answer_address("burn", AWAY, NOON)


def test_a_question_that_nobody_has_raised_yet_is_raised_with_its_answer():
    shipment = packed()

    shipment.answer_address("use_present", AWAY, NOON)

    assert [name for name, _ in facts(shipment)] == ["Shipment.AddressQuestioned", "Shipment.AddressAnswered"]


def test_where_there_is_no_question_there_is_no_answer():
    shipment = packed()

    for present in (HOME, None):
        with pytest.raises(NoAddressQuestion):
            shipment.answer_address("keep", present, NOON)


@pytest.mark.parametrize("decision", ["keep", "use_present"])
def test_who_moves_again_after_the_decision_is_asked_about_again(decision):
    shipment = packed()
    shipment.answer_address(decision, AWAY, NOON)

    with pytest.raises(AddressQuestionOpen):
        shipment.dispatch("DHL", "", FAR)


def test_a_decision_is_about_the_address_that_was_asked_about():
    shipment = packed()
    shipment.compare(AWAY, NOON)

    shipment.answer_address("use_present", FAR, NOON)

    assert shipment.ship_to == AWAY
    with pytest.raises(AddressQuestionOpen):
        shipment.dispatch("DHL", "", FAR)


def test_who_moves_back_leaves_no_question_and_who_moves_away_again_a_new_one():
    shipment = packed()
    shipment.compare(AWAY, NOON)
    given(shipment)

    shipment.compare(HOME, NOON)
    shipment.compare(AWAY, NOON)

    assert facts(shipment) == [
        ("Shipment.AddressAnswered", {"customer_id": ADA, "decision": "withdrawn", "address": HOME}),
        ("Shipment.AddressQuestioned", {"customer_id": ADA, "present": AWAY, "since": NOON}),
    ]


def test_an_address_that_was_given_for_this_order_alone_is_no_question():
    shipment = packed(overridden=True)

    shipment.compare(AWAY, NOON)
    shipment.dispatch("DHL", "", AWAY)

    assert facts(shipment) == [("Shipment.Dispatched", {"carrier": "DHL", "tracking": ""})]


def test_nothing_is_sent_to_nowhere():
    with pytest.raises(NoAddress):
        packed(ship_to=None).dispatch("DHL", "", None)
    with pytest.raises(CustomerErased):
        packed(ship_to=Address(*[ERASED] * 5)).dispatch("DHL", "", None)


def test_who_gave_no_address_is_sent_to_where_they_live_once_somebody_says_so():
    shipment = packed(ship_to=None)

    with pytest.raises(AddressQuestionOpen):
        shipment.dispatch("DHL", "", AWAY)
    shipment.answer_address("use_present", AWAY, NOON)
    shipment.dispatch("DHL", "", AWAY)

    assert shipment.ship_to == AWAY
