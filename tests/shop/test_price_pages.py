"""The desk's pages for bulk work: what is refused says why, and nothing changes before it is applied."""

import re
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from eventstore.models import Event
from projections.engine import catch_up
from shop.admin.exporting import cell
from shop.application import shop
from shop.catalog.domain import Product
from shop.catalog.models import RepricedLine, RepricingSummary
from shop.desk.models import PriceDraft
from shop.inventory.commands import receive_stock
from shop.inventory.models import StockMovement
from shop.values import id_of
from tests.shop.orders import goods, stock

pytestmark = pytest.mark.django_db
IMPORT = reverse("price-import")
GRID = reverse("price-grid")


@pytest.fixture
def desk(client):
    goods(MUG=12, TEA=5, JAR=0)
    catch_up()
    return signed_in(client, "catalog")


def signed_in(client, *roles):
    user = User.objects.create_user("-".join(roles), is_staff=True)
    user.groups.set(Group.objects.filter(name__in=roles))
    client.force_login(user)
    return client


def text(answer):
    return re.sub(r"\s+", " ", answer.content.decode())


def price(sku):
    return str(shop.load(Product, id_of("product", sku)).price)


def imported(desk, lines):
    answer = desk.post(IMPORT, {"text": f"sku,price\n{lines}"}, follow=True)
    return answer.redirect_chain[-1][0], answer


def applied(desk, place, **more):
    answer = desk.post(place, {"reason": "spring", **more})
    catch_up()
    return answer


def test_a_file_is_previewed_applied_and_undone(desk):
    place, preview = imported(desk, "MUG,13.00\nTEA,12.50\nCUP,1")
    before = price("MUG")

    applied(desk, place, leave_out="1")
    row = RepricingSummary.objects.get()
    told = text(desk.get(reverse("price-change", args=[row.id])))
    undo = desk.post(reverse("price-undo", args=[row.correlation_id]), follow=True)
    applied(desk, undo.redirect_chain[-1][0])

    assert ("+4.0 %" in text(preview), before) == (True, "12.50 EUR")
    assert (row.actor, row.reason, row.changed, row.status) == ("catalog", "spring", 1, "finished")
    assert "Undo this import…" in told
    assert price("MUG") == "12.50 EUR"


def test_an_uploaded_file_gives_the_change_its_name(desk):
    file = SimpleUploadedFile("spring.csv", b"\xef\xbb\xbfsku,price\r\nMUG,13.00\r\n")

    answer = desk.post(IMPORT, {"file": file}, follow=True)

    assert "spring.csv" in text(answer)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "Expected a file, or lines in the box; found neither."),
        ({"text": "sku;price\nMUG;1"}, "separated by semicolons"),
        ({"text": "sku,price\n" + "MUG,1\n" * 12_000}, "Expected at most 64 KB in the box, found more."),
        ({"file": SimpleUploadedFile("x.csv", b"a" * 10 * 2**20)}, "Expected at most 2 MB, found 10.0 MB."),
        ({"file": SimpleUploadedFile("x.xlsx", b"PK\x03\x04")}, "found a workbook"),
    ],
)
def test_a_bad_file_is_told_what_was_expected_and_keeps_nothing(desk, body, told):
    answer = desk.post(IMPORT, body)

    assert (answer.status_code, told in text(answer)) == (422, True)
    assert not PriceDraft.objects.exists()


@pytest.mark.parametrize(
    ("lines", "more", "told"),
    [
        ("MUG,1.25", {}, "looked at the changes of more than 50 %"),
        ("MUG,13\nCUP,1", {}, "lines with errors are to be left out"),
        ("MUG,13", {"reason": " "}, "Reason:"),
    ],
)
def test_nothing_is_changed_before_what_is_unusual_was_looked_at(desk, lines, more, told):
    place, _ = imported(desk, lines)

    answer = applied(desk, place, **more)

    assert (answer.status_code, told in text(answer)) == (422, True)
    assert (price("MUG"), RepricingSummary.objects.count()) == ("12.50 EUR", 0)


def test_applied_twice_it_is_carried_out_once(desk):
    place, _ = imported(desk, "MUG,13")

    first, second = (applied(desk, place) for _ in range(2))

    assert first.url == second.url
    assert Event.objects.filter(name="Product.PriceSet", reason="spring").count() == 1


def test_typed_prices_and_a_percentage_are_previewed(desk):
    typed = desk.post(GRID, {"typed": "1", "price:MUG": "13.99", "price:TEA": "", "price:JAR": "1,5"}, follow=True)
    every = desk.post(
        f"{GRID}?q=u&status=published", {"percent": "+10 %", "rounding": "99", "scope": "all"}, follow=True
    )

    told, others = (each.preview for each in PriceDraft.objects.order_by("made_at", "id"))
    asked = [
        [(each["change"]["sku"], each["change"]["after"]["amount"]) for each in p["planned"]] for p in (told, others)
    ]
    assert asked == [[("MUG", "13.99")], [("MUG", "13.99")]]
    assert "a decimal comma" in told["wrong"][0]["detail"]
    assert (typed.status_code, every.status_code) == (200, 200)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"percent": "x", "scope": "all"}, "Expected a percentage from -100 to 1000"),
        ({"percent": "-101", "scope": "all"}, "Expected a percentage from -100 to 1000"),
        ({"percent": "5", "scope": "chosen"}, "tick some, or choose all"),
        ({"percent": "5", "scope": "all", "rounding": "odd"}, "to round to"),
        ({"typed": "1"}, "Nothing would change"),
    ],
)
def test_what_cannot_be_previewed_says_why(desk, body, told):
    assert told in text(desk.post(GRID, body, follow=True))


def test_other_roles_do_not_get_in(client):
    goods(MUG=1)
    warehouse = signed_in(client, "warehouse")
    pages = [GRID, IMPORT, reverse("price-changes"), reverse("price-draft", args=[id_of("a", "b")])]
    pages.append(reverse("price-undo", args=[id_of("a", "b")]))

    answers = [(warehouse.get(page).status_code, warehouse.post(page).status_code) for page in pages]

    assert answers == [(403, 403)] * len(pages)
    assert signed_in(client, "support").get(reverse("count-sheet")).status_code == 403
    assert client.post(reverse("count-sheet-fill", args=[id_of("a", "b")])).status_code == 403


def test_who_reports_looks_at_changes_and_makes_none(client, desk):
    place, _ = imported(desk, "MUG,13")
    applied(desk, place)
    row = RepricingSummary.objects.get()
    page = reverse("price-change", args=[row.id])

    finance = signed_in(client, "finance")

    assert "Undo this" not in text(finance.get(page))
    assert finance.get(reverse("price-changes")).status_code == 200
    assert finance.post(page, {"reason": "x"}).status_code == 403
    assert finance.post(reverse("price-undo", args=[row.correlation_id])).status_code == 403


def test_forms_need_their_token(desk):
    desk.handler.enforce_csrf_checks = True

    assert [desk.post(page, {}).status_code for page in (GRID, IMPORT)] == [403, 403]


def test_lines_are_exported_with_no_formula_in_them(desk):
    place, _ = imported(desk, "MUG,13")
    applied(desk, place)

    answer = desk.get(reverse("price-change-lines", args=[RepricingSummary.objects.get().id]))

    assert b"".join(answer.streaming_content).decode().splitlines()[1] == "1,MUG,12.50 EUR,13.00 EUR,,changed,"
    assert RepricedLine.objects.count() == 1
    assert [cell(each) for each in ("=1+1", "@x", "MUG", None)] == ["'=1+1", "'@x", "MUG", ""]


@pytest.fixture
def warehouse(client):
    goods(MUG=12, TEA=5)
    catch_up()
    return signed_in(client, "warehouse")


def sheet(client, **asked):
    answer = client.get(reverse("count-sheet"), {"make": "all", **asked})
    return answer.url


def test_the_system_says_12_and_the_shelf_says_9(warehouse):
    place = sheet(warehouse)
    shown = text(warehouse.get(place))
    receive_stock("MUG", quantity=4)  # while they count
    catch_up()

    preview = text(warehouse.post(place, {"counted:MUG": "9", "counted:TEA": "5"}))
    unexplained = warehouse.post(place, {"counted:MUG": "9", "counted:TEA": "5", "book": "1"})
    for _ in range(2):
        done = text(warehouse.post(place, {"counted:MUG": "9", "why:MUG": "broken", "book": "1"}))
    catch_up()

    assert '<td class="desk-number">12</td>' in shown
    assert "-3" in preview
    assert "+4" in preview
    assert (unexplained.status_code, "MUG: expected a reason" in text(unexplained)) == (422, True)
    assert "booked" in done
    assert stock("MUG") == (13, 0)
    counted = StockMovement.objects.filter(kind="counted")
    assert [(each.change, each.note) for each in counted] == [(-3, "broken")]


def test_another_number_from_the_same_sheet_is_not_booked(warehouse):
    place = sheet(warehouse, q="MUG")
    warehouse.post(place, {"counted:MUG": "9", "why:MUG": "broken", "book": "1"})

    again = text(warehouse.post(place, {"counted:MUG": "8", "why:MUG": "broken", "book": "1"}))

    assert "make a new sheet" in again
    assert stock("MUG") == (9, 0)


def test_a_number_that_is_none_and_a_sheet_that_is_none_are_named(warehouse):
    place = sheet(warehouse, q="MUG")

    assert "0 to 1,000,000,000; found &#x27;-1&#x27;" in text(warehouse.post(place, {"counted:MUG": "-1"}))
    assert "at least one SKU, found none" in text(warehouse.post(place, {}))
    for query in ("", "?as_of=x&sku=MUG", "?as_of=99999999999&sku=MUG", "?as_of=1"):
        answer = warehouse.get(place.partition("?")[0] + query, follow=True)
        assert answer.redirect_chain[-1][0] == reverse("count-sheet"), query


def test_a_blind_sheet_keeps_the_numbers_to_itself(warehouse):
    shown = text(warehouse.get(sheet(warehouse, blind="1")))

    assert "System says" not in shown
    assert Decimal(stock("MUG")[0]) == 12
