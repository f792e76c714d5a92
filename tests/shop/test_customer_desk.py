"""Customers on the desk: those who celebrate soon are chosen, and granted a trial."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils.html import strip_tags

from eventstore import log
from eventstore.cause import because
from eventstore.models import Event
from eventstore.moved_clock import movable_clock, moved_clock
from projections.engine import catch_up
from shop.customers.commands import (
    add_address,
    add_payment_method,
    charge_credit,
    grant_premium,
    register_customer,
    reserve_credit,
    set_birthday,
    set_credit_limit,
)
from shop.values import Address, Money

pytestmark = pytest.mark.django_db
LIST = reverse("admin:customers_customersummary_changelist")
TODAY = datetime.now(UTC).date()


@pytest.fixture
def ada():
    ada = register_customer(name="Ada", email="ada@example.com").id
    soon = TODAY + timedelta(days=10)
    set_birthday(ada, birthday=soon.replace(year=1984, day=min(soon.day, 28)))
    register_customer(name="Bob", email="bob@example.com")
    catch_up()
    return ada


def signed_in(client, user):
    client.force_login(user)
    return client


def test_scenario_25_birthday_in_two_weeks(client, ada):
    desk = signed_in(client, User.objects.create_superuser("boss"))
    asked = {"action": "grant_trial", "_selected_action": [str(ada)]}
    why = {"reason": "a birthday present"}

    chosen = desk.get(LIST, {"birthday": "14", "tier": "standard"}).content.decode()
    before = log.last()
    for _ in range(2):
        form = desk.post(LIST, asked).url
        answer = desk.post(form, {**why, "key": str(uuid4())}, follow=True)
        catch_up()
    after = desk.get(LIST, {"birthday": "14", "tier": "standard"}).content.decode()

    assert ("ada@example.com" in chosen, "bob@example.com" in chosen) == (True, False)
    (granted,) = Event.objects.filter(name="Customer.PremiumGranted")
    assert (granted.stream_id, granted.actor, granted.reason) == (ada, "boss", "a birthday present")
    assert "nothing to change" in answer.content.decode()
    assert "ada@example.com" not in after
    premium = "/api/v1/customers/?tier=premium"
    assert [len(desk.get(asked).json()["results"]) for asked in (premium, f"{premium}&as_of={before}")] == [1, 0]


def test_afterwards_the_list_is_filtered_as_it_was(client, ada):
    desk = signed_in(client, User.objects.create_superuser("boss"))
    asked = {"action": "grant_trial", "_selected_action": [str(ada)]}

    form = desk.post(f"{LIST}?tier=standard&o=2", asked).url
    answer = desk.post(form, {"reason": "a birthday present", "key": str(uuid4())})

    assert answer.url == f"{LIST}?tier=standard&o=2"
    assert "The list does not show it yet" in desk.get(answer.url).content.decode()


def test_a_day_that_was_left_out_is_asked_for(client, ada):
    desk = signed_in(client, User.objects.create_superuser("boss"))

    answer = desk.post(reverse("admin:customers_customersummary_ask", args=[ada, "premium"]), {"key": str(uuid4())})

    assert answer.status_code == 422
    assert answer.context["asking"].errors["until"] == ["This field is required."]


def test_who_may_only_look_grants_nothing(client, ada, settings):
    settings.ROLES_OF_STAFF = ["auditor"]
    auditor = User.objects.create_user("auditor", is_staff=True)
    auditor.user_permissions.add(Permission.objects.get(codename="view_customersummary"))

    signed_in(client, auditor).post(LIST, {"action": "grant_trial", "_selected_action": [str(ada)]})

    assert not Event.objects.filter(name="Customer.PremiumGranted").exists()


def test_the_page_of_a_customer_shows_cards_addresses_and_credit(client, ada):
    add_address(ada, address=Address("Kai 3", "Hamburg", "20457", "DE"))
    add_payment_method(ada, token="token", label="Visa of the firm", last_four="4242")
    set_credit_limit(ada, limit=Money(Decimal(500), "EUR"))
    order = uuid4()
    reserve_credit(ada, order_id=order, amount=Money(Decimal(120), "EUR"))
    charge_credit(ada, order_id=order)
    catch_up()

    page = signed_in(client, User.objects.create_superuser("boss")).get(
        reverse("admin:customers_customersummary_change", args=[ada])
    )

    told = page.content.decode()
    tables = {each.panel.title: [strip_tags(str(cell)) for _, cell in each.rows[0]] for each in page.context["beside"]}
    assert "1. Visa of the firm …4242" in told
    assert tables["Credit"] == ["500.00 EUR", "0.00 EUR", "120.00 EUR", "380.00 EUR"]
    assert "Kai 3<br>20457 Hamburg, DE" in told


def test_as_of_a_day_who_was_premium_is_reckoned_by_that_day(client):
    march = datetime(2024, 3, 1, 12, tzinfo=UTC)
    with movable_clock(), moved_clock(), because(effective_at=march):
        ada = register_customer(name="Ada", email="ada@example.com").id
        grant_premium(ada, until=march.date())
    catch_up()
    desk = signed_in(client, User.objects.create_superuser("boss"))

    def listed(**asked: object) -> bool:
        return "ada@example.com" in desk.get(LIST, asked).text

    for then in ("2024-03-01 13:00", Event.objects.latest("position").position):
        assert listed(tier="premium", as_of=then)
        assert not listed(tier="standard", as_of=then)
    assert not listed(tier="premium", as_of="2024-03-02 00:00")
    assert listed(tier="standard", as_of="2024-03-02 00:00")
    assert (listed(tier="premium"), listed(tier="standard")) == (False, True)
    assert ">premium<" in desk.get(LIST, {"as_of": "2024-03-01 13:00"}).text
