"""What staff ask for on the desk: the API's commands, with a reason; what came of it is shown at once."""

import csv
import html
import re
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from eventstore.models import Event
from eventstore.names import known
from projections.engine import catch_up
from projections.operations import replay
from projections.projection import keeper
from shop import words
from shop.admin import looking
from shop.admin.exporting import cell
from shop.admin.past import Past
from shop.catalog.commands import create_product, set_price
from shop.catalog.models import ProductSummary
from shop.customers.commands import merge_customers, register_customer, rename_customer
from shop.customers.models import CustomerSummary
from shop.desk.log import KINDS
from shop.ordering.commands import Item, note_order, place_order
from shop.ordering.models import OrderSummary
from shop.values import Address, Money
from tests.shop.orders import come_to_rest, goods

pytestmark = pytest.mark.django_db
HOME = Address("Kai 3", "Hamburg", "20457", "DE")


@pytest.fixture
def desk(client, monkeypatch):
    """A superuser, and projections that come as soon as somebody waits for them."""
    monkeypatch.setattr("shop.admin.asking.wait_until", lambda *_, **__: catch_up() or True)
    client.force_login(User.objects.create_superuser("boss"))
    return client


@pytest.fixture
def order():
    goods(MUG=99)
    return placed("PO 4711")


def placed(reference):
    """An order that is confirmed, and seen by all."""
    made = place_order(items=[Item("MUG", 2)], reference=reference).id
    come_to_rest()
    catch_up()
    return made


def page_of(model, view, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{view}", args=args)


def ask_of(model, pk, name):
    return page_of(model, "ask", pk, name)


def events(name):
    return [(each.actor, each.reason) for each in Event.objects.filter(name=name).order_by("position")]


def hidden(page):
    asking = page.context_data["asking"]
    return {"key": asking.key, "seen": page.context_data["seen"]}


def test_an_order_is_cancelled_with_a_reason_and_its_page_says_so(desk, order):
    where = ask_of(OrderSummary, order, "cancel")
    form = desk.get(where)

    answer = desk.post(where, {"reason": "changed their mind", **hidden(form)}, follow=True)

    assert events("Order.Cancelled") == [("boss", "changed their mind")]
    page = answer.content.decode()
    assert "Cancel: done." in page
    assert '<span class="desk-badge desk-bad">cancelled</span>' in page
    assert answer.redirect_chain == [(page_of(OrderSummary, "change", order), 302)]


def test_the_same_form_twice_does_it_once(desk, order):
    where = ask_of(OrderSummary, order, "note")
    said = {"text": "ring twice", "reason": "they called", **hidden(desk.get(where))}

    for _ in range(2):
        desk.post(where, said)

    assert events("Order.Noted") == [("boss", "they called")]


def test_without_a_reason_nothing_is_done(desk, order):
    where = ask_of(OrderSummary, order, "note")

    answer = desk.post(where, {"text": "ring twice", "reason": " ", **hidden(desk.get(where))})

    wrong = {field.name: field.errors for field in answer.context_data["asking"].inputs if field.errors}
    assert answer.status_code == 422
    assert wrong.keys() == {"reason"}
    assert not events("Order.Noted")


def test_what_the_api_would_refuse_stands_at_its_field_with_nothing_changed(desk, order):
    where = ask_of(OrderSummary, order, "address")
    said = {"address.street": "Kai 3", "address.city": "", "address.postcode": "20457", "address.country": "XX"}

    answer = desk.post(where, {**said, "reason": "moved", **hidden(desk.get(where))})

    (group, _) = answer.context_data["asking"].inputs
    assert {field.name for field in group.inner if field.errors} == {"address.city", "address.country"}
    assert [field.value for field in group.inner][:2] == ["Kai 3", ""]
    assert not events("Order.AddressChanged")


def test_a_refusal_says_why_and_changes_nothing(desk, order):
    where = ask_of(OrderSummary, order, "complete")

    answer = desk.post(where, {"reason": "too early", **hidden(desk.get(where))})

    assert (answer.status_code, events("Order.Completed")) == (422, [])
    assert "must be delivered" in answer.content.decode()


def test_who_was_slower_sees_what_happened_meanwhile_and_decides_again(desk, order):
    where = ask_of(OrderSummary, order, "cancel")
    form = desk.get(where)
    note_order(order, text="wait for the second parcel")

    refused = desk.post(where, {"reason": "too slow", **hidden(form)})
    unchanged = events("Order.Cancelled")
    desk.post(where, {"reason": "all the same", **hidden(refused)})

    assert (refused.status_code, unchanged) == (422, [])
    assert "Somebody was faster" in refused.content.decode()
    assert [told.what for told, _ in refused.context_data["asking"].since] == ["Noted"]
    assert events("Order.Cancelled") == [("boss", "all the same")]


def test_several_at_once_are_one_request_and_each_says_for_itself_why_not(desk, order):
    other = placed("PO 2")
    desk.post(ask_of(OrderSummary, other, "cancel"), {"reason": "first", "key": str(uuid4()), "seen": f"{other}:2"})
    asked = {"action": "cancel", "_selected_action": [str(order), str(other)]}

    form = desk.post(page_of(OrderSummary, "changelist"), asked)
    answer = desk.post(form.url, {"reason": "flood", **hidden(desk.get(form.url))}, follow=True)

    told = answer.content.decode()
    assert "Cancel: 1 of 2 done." in told
    assert "PO 2: A cancelled order cannot be cancelled" in told
    assert events("Order.Cancelled") == [("boss", "first"), ("boss", "flood")]


def test_where_the_list_lags_the_page_says_so_instead_of_showing_the_old(desk, order, monkeypatch):
    monkeypatch.setattr("shop.admin.asking.wait_until", lambda *_, **__: False)
    where = ask_of(OrderSummary, order, "cancel")

    answer = desk.post(where, {"reason": "x", **hidden(desk.get(where))}, follow=True)

    assert "this page has not heard of it yet" in answer.content.decode()


def test_a_list_and_an_object_are_shown_as_of_a_moment(desk):
    ada = register_customer(name="Ada", email="ada@example.com")
    catch_up()
    renamed = rename_customer(ada.id, name="Grace")
    catch_up()
    listed = page_of(CustomerSummary, "changelist")

    then = desk.get(listed, {"as_of": ada.position, "q": "ada", "blocked": "0"})
    now = desk.get(listed, {"q": "ada@example.com"})
    one = desk.get(page_of(CustomerSummary, "change", ada.id), {"as_of": ada.position})
    before = desk.get(listed, {"as_of": Event.objects.get(name="Customer.Registered").position - 1})

    assert [row.name for row in then.context_data["cl"].result_list] == ["Ada"]
    assert [row.name for row in now.context_data["cl"].result_list] == ["Grace"]
    assert f"As of position {ada.position}" in then.content.decode()
    assert (one.context_data["title"], one.context_data["more_asks"]) == ("Ada", [])
    assert list(before.context_data["cl"].result_list) == []
    assert renamed.position > ada.position


@pytest.mark.parametrize("text", ["yesterday", "v3", "99999999", "2999-01-01 12:00"])
def test_what_is_no_moment_is_said_and_now_is_shown(desk, text):
    answer = desk.get(page_of(CustomerSummary, "changelist"), {"as_of": text})

    assert answer.status_code == 200
    assert "This is how it is now." in answer.content.decode()
    assert "such as v3" not in answer.content.decode()


def test_what_was_put_back_before_it_was_read_is_to_be_asked_for_again(desk, monkeypatch):
    ada = register_customer(name="Ada", email="ada@example.com")
    catch_up()
    desk.raise_request_exception = False
    asked = Past.of

    def and_put_back(past, rows):
        found = asked(past, rows)
        replay(keeper(CustomerSummary))
        return found

    monkeypatch.setattr(Past, "of", and_put_back)
    answer = desk.get(page_of(CustomerSummary, "changelist"), {"as_of": ada.position})

    assert answer.status_code == 425
    assert "Ask again." in answer.content.decode()


def test_only_lists_that_keep_history_have_a_box():
    boxed = {model.__name__ for model, pages in site._registry.items() if getattr(pages, "has_past", False)}

    assert {"OrderSummary", "CustomerSummary", "ProductSummary", "StockLevel", "PaymentSummary"} <= boxed
    assert not {"OutgoingMail", "PaymentAlarm"} & boxed


def test_an_export_has_what_the_list_has_and_no_formula(desk):
    for number, name in enumerate(("=cmd|' /C calc'!A0", "Ada", "Bob")):
        register_customer(name=name, email=f"{number}@example.com")
    blocked = register_customer(name="-1+1", email="@x@example.com").id
    catch_up()
    where = page_of(CustomerSummary, "export")

    answer = desk.get(where, {"q": "ad"})
    all_of = read(desk.get(where))

    assert [row["name"] for row in read(answer)] == ["Ada"]
    assert {row["name"] for row in all_of} == {"'=cmd|' /C calc'!A0", "Ada", "Bob", "'-1+1"}
    assert {row["email"] for row in all_of if row["id"] == str(blocked)} == {"'@x@example.com"}
    assert answer.streaming


def read(answer):
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(text.splitlines()))


def test_what_is_a_number_stays_one():
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)

    shown = [cell(value) for value in (None, Decimal("-5.00"), "=1", "\tx", "plain", at)]

    assert shown == ["", "-5.00", "'=1", "'\tx", "plain", "2026-03-01T12:00:00+00:00"]


def test_an_export_of_the_past_is_of_the_past(desk):
    ada = register_customer(name="Ada", email="ada@example.com")
    rename_customer(ada.id, name="Grace")
    catch_up()

    rows = read(desk.get(page_of(CustomerSummary, "export"), {"as_of": ada.position}))

    assert [row["name"] for row in rows] == ["Ada"]


def test_a_list_is_searched_by_the_beginnings_of_words_in_any_order(desk):
    for name, email in (("Ada Lovelace", "ada@example.com"), ("Grace Hopper", "grace@navy.example")):
        register_customer(name=name, email=email)
    catch_up()
    listed = page_of(CustomerSummary, "changelist")

    def found(text):
        return [row.name for row in desk.get(listed, {"q": text}).context_data["cl"].result_list]

    assert found("love ad") == found("ada@example") == found("LOVELACE") == ["Ada Lovelace"]
    assert found("navy") == ["Grace Hopper"]
    assert found("ovelace") == found("&|!") == []
    assert found(str(CustomerSummary.objects.get(name="Ada Lovelace").pk)) == ["Ada Lovelace"]


def test_each_list_that_is_searched_has_an_index_of_the_words_it_looks_for():
    for model, pages in site._registry.items():
        if isinstance(pages, looking.ReadOnlyAdmin) and pages.search_fields:
            indexed = [[e.name for e in index.expressions[0].source_expressions] for index in words_of(model)]
            assert list(pages.search_fields) in indexed, model


def words_of(model):
    return [index for index in model._meta.indexes if isinstance(next(iter(index.expressions), None), words.Words)]


def test_no_page_takes_more_queries_for_more_rows(desk, django_assert_max_num_queries):
    def pages():
        product = ProductSummary.objects.order_by("id").first()
        yield from (page_of(model, "changelist") for model in (OrderSummary, CustomerSummary, ProductSummary))
        yield page_of(ProductSummary, "change", product.pk)

    def fill(count):
        for _ in range(count):
            register_customer(name="Ada", email=f"{uuid4().hex}@example.com")
            place_order(items=[Item("MUG", 1)])
            set_price(product_id, price=Money(Decimal(count), "EUR"))
        catch_up()

    product_id = create_product(sku="MUG", name="Mug", price=Money(Decimal(1), "EUR"), publish=True).id
    fill(1)
    for page in pages():  # what is asked once for a process
        desk.get(page)
    counts = [count_of(desk, page) for page in pages()]
    fill(12)

    for page, count in zip(pages(), counts, strict=True):
        with django_assert_max_num_queries(count):
            assert desk.get(page).status_code == 200
    assert max(counts) <= 25


def count_of(desk, page):
    with CaptureQueriesContext(connection) as queries:
        desk.get(page)
    return len(queries)


def test_a_page_counts_no_further_than_one_may_want_to_go(desk, monkeypatch):
    monkeypatch.setattr("shop.admin.pages.AHEAD", 3)
    monkeypatch.setattr(looking.ReadOnlyAdmin, "list_per_page", 2)
    for number in range(8):
        register_customer(name=f"Ada {number}", email=f"{number}@example.com")
    catch_up()
    listed = page_of(CustomerSummary, "changelist")

    first, last, beyond = (desk.get(listed, {"p": page}) for page in ("", "4", "9"))

    assert "more than 5 customers" in first.content.decode()
    assert "8 customers" in last.content.decode()
    assert [row.name for row in last.context_data["cl"].result_list] == ["Ada 1", "Ada 0"]
    assert len(beyond.context_data["cl"].result_list) == 2


def test_support_sees_no_button_of_finance(client, order):
    user = User.objects.create_user("sue", is_staff=True)
    user.groups.set(Group.objects.filter(name="support"))
    ada = register_customer(name="Ada", email="ada@example.com").id
    catch_up()
    client.force_login(user)

    page = client.get(page_of(CustomerSummary, "change", ada))

    offered = {ask.slug for ask, _ in [*page.context_data["first_asks"], *page.context_data["more_asks"]]}
    assert {"rename", "email", "block"} <= offered
    assert not {"credit-limit", "settle-credit"} & offered


def test_the_version_that_a_form_carries_counts_all_that_happens_to_the_object():
    """A list that misses an event of its object would have every form refused as too late."""
    for kind, told in KINDS.items():
        for model, pages in site._registry.items():
            if told.page == f"{model._meta.app_label}_{model._meta.model_name}" and getattr(pages, "asks", ()):
                happens = {name for name in known() if name.startswith(f"{kind}.")}
                assert happens - keeper(model).handlers.keys() == set(), kind


def test_the_page_of_a_customer_shows_the_orders_of_whoever_was_merged_into_them(desk):
    goods(MUG=99)
    ada, king = (register_customer(name=name, email=f"{name}@example.com").id for name in ("ada", "king"))
    for customer_id in (ada, king):
        place_order(items=[Item("MUG", 1)], customer_id=customer_id, reference=f"PO of {customer_id}", ship_to=HOME)
    merge_customers(king, into=ada)
    come_to_rest()
    catch_up()

    page = desk.get(page_of(CustomerSummary, "change", ada)).content.decode()
    found = re.search(r'href="([^"]*ordersummary/\?customer_id__in[^"]*)"', page)
    listed = desk.get(html.unescape(found[1])).content.decode()

    for shown in (page, listed):
        assert f"PO of {ada}" in shown
        assert f"PO of {king}" in shown
