"""A preview is kept between two requests, and read as far as it is looked at."""

from decimal import Decimal

import pytest

from shop.catalog.repricing.domain import Change
from shop.catalog.repricing.files import Wrong
from shop.catalog.repricing.previews import Planned, Preview, Same
from shop.desk.models import PriceDraft
from shop.desk.prices.kept import LOOKS, Lines, keep, read
from shop.values import Money

pytestmark = pytest.mark.django_db


def line(number, new, **more):
    before, after = (Money(Decimal(amount), "EUR") for amount in ("10.00", new))
    return Planned(number, f"Thing {number}", Change(f"SKU{number}", 1, before, after, price=after), **more)


TOLD = Preview(
    (line(2, "11.00"), line(3, "99.00", steep=True), line(4, "12.00", conflict="carol was faster"), line(5, "13.00")),
    (Same(6, "SKU6", "Thing 6", Money(Decimal("10.00"), "EUR")),),
    (Wrong(7, "SKU7,x", "Expected a price."),),
)


@pytest.fixture
def draft():
    made = keep(TOLD, kind="import", title="spring.csv", by="ada")
    return PriceDraft.objects.defer("preview").get(pk=made.pk)


def test_each_look_has_its_lines(draft):
    found = {look: [each.number for each in Lines(draft, look)] for look in LOOKS}

    assert found == {"changes": [2, 3, 5], "steep": [3], "conflicts": [4], "same": [6], "wrong": [7]}
    assert draft.counts == {look: len(numbers) for look, numbers in found.items()}


def test_a_page_has_its_own_lines_as_they_were(draft):
    page = Lines(draft, "changes")[1:3]

    assert page == [TOLD.planned[1], TOLD.planned[3]]
    assert (list(Lines(draft, "same")[:9]), list(Lines(draft, "wrong")[:9])) == (list(TOLD.same), list(TOLD.wrong))


def test_all_of_it_is_read_as_it_was_kept(draft):
    assert read(draft) == TOLD
    assert draft.average == "+310.0"
