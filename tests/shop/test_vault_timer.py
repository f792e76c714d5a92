"""A card that nobody keeps is forgotten once it has had nothing to pay for a while, and no other is."""

from datetime import timedelta

import pytest
from django.utils import timezone

from eventstore.models import Event, PersonalKey
from projections import operations
from projections.engine import catch_up
from projections.projection import known
from projections.rebuild import verify
from shop import settings as shop_settings
from shop.celery import app
from shop.customers.commands import (
    add_payment_method,
    erase_customer,
    merge_customers,
    register_customer,
    remove_payment_method,
)
from shop.ordering.checkout.commands import abandon_checkout, choose_payment, start_checkout
from shop.ordering.commands import Item, Paying, cancel_order, place_order
from shop.ordering.refusals import UnknownCard
from shop.payments.commands import capture, record_outcome
from shop.payments.domain import Outcome, payment_of
from shop.vault import tasks
from shop.vault.commands import store_card
from shop.vault.models import CardClaim, SealedCard
from shop.vault.tasks import forget_cards
from tests.shop.orders import GOOD_CARD, HOME, ada, come_to_rest, goods

pytestmark = pytest.mark.django_db


@pytest.fixture
def later(monkeypatch):
    """So many hours after now, the timer looks."""

    def look(hours):
        catch_up([known()["CardsInUse"]])
        then = timezone.now() + timedelta(hours=hours)
        with monkeypatch.context() as patched:
            patched.setattr("shop.vault.tasks.timezone.now", lambda: then)
            forget_cards()

    return look


def stored(**more):
    return store_card(number=GOOD_CARD, expiry_month=12, expiry_year=2099, holder="Guest", **more).id


def held():
    return set(SealedCard.objects.values_list("token", flat=True))


def ordered(token, customer_id=None):
    return place_order(items=[Item("MUG", 1)], payment=Paying("card", token), customer_id=customer_id, ship_to=HOME).id


def authorised(order_id):
    come_to_rest()
    record_outcome(payment_of(order_id), "authorise", Outcome("ok", reference="a"))
    come_to_rest()


def test_a_guests_card_goes_once_its_order_is_paid(later):
    goods(MUG=5)
    token = stored()
    order = ordered(token)
    authorised(order)
    later(1000)
    assert held() == {token}, "the money is not taken yet"
    capture(payment_of(order))
    record_outcome(payment_of(order), "capture", Outcome("ok", reference="c"))

    later(71)
    assert held() == {token}
    later(73)

    assert held() == set()
    assert PersonalKey.objects.get(subject_id=token).forgotten_at
    assert Event.objects.get(name="Card.Forgotten").actor == "timer"
    catch_up()
    assert not CardClaim.objects.exists()
    with pytest.raises(UnknownCard):
        ordered(token)


def test_it_goes_when_the_order_comes_to_nothing_and_stays_for_another(later):
    goods(MUG=5)
    cancelled, declined, twice = stored(), stored(), stored()
    first, refused, orders = ordered(cancelled), ordered(declined), [ordered(twice), ordered(twice)]
    come_to_rest()
    for each in (first, orders[0]):
        cancel_order(each, reason="changed my mind")
    record_outcome(payment_of(refused), "authorise", Outcome("declined", reason="card_declined"))
    come_to_rest()

    later(73)

    assert held() == {twice}


def test_who_only_looked_leaves_nothing_behind(later):
    goods(MUG=5)
    token, chosen, given_up, changed, other = stored(), stored(), stored(), stored(), stored()
    for each in (chosen, given_up, changed):
        checkout = start_checkout().id
        choose_payment(checkout, payment=Paying("card", each))
        if each == given_up:
            abandon_checkout(checkout, reason="only looking")
    choose_payment(checkout, payment=Paying("card", other))
    choose_payment(checkout, payment=Paying("none"))

    later(71)
    assert held() == {token, chosen, given_up, changed, other}
    later(73)

    assert held() == {chosen}, "a checkout is open that it is to pay"


def test_what_a_customer_keeps_goes_with_them_alone_and_what_they_used_once_as_a_guests(later):
    goods(MUG=5)
    customer = ada()
    kept, bought, idle = stored(), stored(), stored(customer_id=customer)
    add_payment_method(customer, token=str(kept), label="Visa", last_four="4242")
    add_payment_method(customer, token="elsewhere", label="Visa", last_four="4242")
    once = ordered(bought, customer)
    cancel_order(ordered(kept, customer), reason="changed my mind")

    later(1000)
    assert held() == {kept, bought}, f"an order is open; {idle} was never used"
    cancel_order(once, reason="changed my mind")
    later(71)
    assert held() == {kept, bought}
    later(73)
    assert held() == {kept}
    erase_customer(customer)
    catch_up()

    assert held() == set()


def test_a_card_that_is_let_go_of_goes_once_nobody_keeps_it_and_nothing_is_left_to_pay(later):
    goods(MUG=5)
    first, second = ada(), register_customer(name="Ada B.", email="ada.b@example.com").id
    own, shared, merged = stored(), stored(), stored()
    for customer, token in ((first, own), (first, shared), (second, shared), (second, merged)):
        add_payment_method(customer, token=str(token), label="Visa", last_four="4242")
    order = ordered(own, first)
    remove_payment_method(first, 1)
    remove_payment_method(first, 2)

    later(73)
    assert held() == {own, shared, merged}, "an order is open; the second keeps theirs"
    cancel_order(order, reason="changed my mind")
    merge_customers(second, into=first)
    later(73)
    assert held() == {shared, merged}, "kept by who they are now"
    for number in (3, 4):
        remove_payment_method(first, number)
    later(71)
    assert held() == {shared, merged}
    later(73)

    assert held() == set()


def test_a_card_that_was_typed_into_a_checkout_goes_with_the_person_at_once():
    customer = ada()
    stored(customer_id=customer)
    catch_up()

    erase_customer(customer)
    catch_up()

    assert held() == set()


def test_nothing_is_forgotten_while_it_is_not_known_what_cards_are_used_for(later, monkeypatch):
    monkeypatch.setattr(tasks, "PATIENCE", 0.01)
    goods(MUG=5)
    token = stored()
    catch_up()
    operations.pause(known()["CardsInUse"], by="ops", reason="a look")
    ordered(token)

    later(73)

    assert held() == {token}


def test_rows_are_what_the_log_makes_of_them(later):
    goods(MUG=5)
    ordered(stored())
    choose_payment(start_checkout().id, payment=Paying("card", stored()))
    come_to_rest()
    catch_up([known()["CardsInUse"]])

    assert not [each for each in verify(known()["CardsInUse"]) if each.differing]


def test_celery_looks_every_minute():
    app.loader.import_default_modules()

    scheduled = shop_settings.CELERY_BEAT_SCHEDULE["forget cards"]

    assert (scheduled["task"] in app.tasks, scheduled["schedule"]) == (True, 60.0)
