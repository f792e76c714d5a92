"""A product on its own: no database, no Django."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from shop.catalog.domain import NoPrice, Product
from shop.errors import WrongStatus
from shop.values import Money, id_of
from tests.facts import facts, given

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PRICE = Money(Decimal("4.50"), "EUR")


@pytest.fixture
def mug():
    return given(Product.create("MUG", "Mug"))


def test_a_new_product_is_a_draft():
    mug = Product.create("MUG", "Mug")

    assert (mug.id, mug.status, mug.price) == (id_of("product", "MUG"), "draft", None)
    assert facts(mug) == [("Product.Created", {"sku": "MUG", "name": "Mug"})]


def test_each_price_has_a_revision(mug):
    mug.set_price(PRICE, NOW)
    mug.set_price(Money(Decimal("5.00"), "EUR"), NOW)

    assert [fact["revision"] for _, fact in facts(mug)] == [1, 2]


def test_the_same_price_again_changes_nothing(mug):
    mug.set_price(PRICE, NOW)
    mug.set_price(Money(Decimal("4.5"), "EUR"), NOW)

    assert len(facts(mug)) == 1


def test_a_product_without_a_price_is_not_published(mug):
    with pytest.raises(NoPrice, match="needs a price before"):
        mug.publish()


def test_a_product_is_published_withdrawn_and_published_again(mug):
    mug.set_price(PRICE, NOW)
    mug.publish()
    mug.withdraw()
    mug.publish()

    assert [name for name, _ in facts(mug)][1:] == ["Product.Published", "Product.Withdrawn", "Product.Published"]


def test_what_is_not_published_is_not_withdrawn(mug):
    with pytest.raises(WrongStatus, match="A draft product cannot be withdrawn: it must be published"):
        mug.withdraw()


def test_what_is_published_is_not_published_again(mug):
    mug.set_price(PRICE, NOW)
    mug.publish()

    with pytest.raises(WrongStatus, match="must be draft or withdrawn"):
        mug.publish()


def test_the_same_name_again_changes_nothing(mug):
    mug.rename("Mug")

    assert facts(mug) == []
