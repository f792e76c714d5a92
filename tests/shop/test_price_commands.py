"""Prices from a shell: imported, looked at, and set back by a correlation id."""

import re
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from eventstore.models import Event
from projections.engine import catch_up
from shop.catalog.commands import set_price
from shop.values import id_of
from tests.shop.orders import euros, goods
from tests.shop.test_price_pages import price

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path):
    goods(MUG=0, TEA=0)
    catch_up()
    made = tmp_path / "spring.csv"
    made.write_text("sku,price\nMUG,13.00\nTEA,1.25\nCUP,1\n")
    return made


def told(*arguments, **options):
    out = StringIO()
    call_command(*arguments, stdout=out, **options)
    return out.getvalue()


def test_a_dry_run_says_every_change_and_every_error_and_changes_nothing(file):
    said = told("import_prices", file, "--dry-run")

    assert "line 2: MUG: 12.50 EUR → 13.00 EUR\n" in said
    assert "line 3: TEA: 12.50 EUR → 1.25 EUR  changes by -90.0 %\n" in said
    assert "line 4: CUP,1: Expected the SKU of a product" in said
    assert "2 changes, 0 unchanged, 1 errors.\nNothing is changed." in said
    assert price("MUG") == "12.50 EUR"


def test_what_is_unusual_has_to_be_asked_for(file):
    for options, wanted in (
        ({}, "Expected a --reason"),
        ({"reason": "r"}, "1 lines are wrong"),
        ({"reason": "r", "leave_out": True}, "1 prices would change by more than 50 %"),
    ):
        with pytest.raises(CommandError, match=wanted):
            told("import_prices", file, **options)

    assert not Event.objects.filter(name="Repricing.Planned").exists()


def test_an_import_is_undone_by_its_correlation_id(file):
    said = told("import_prices", file, reason="spring", leave_out=True, steep=True)
    correlation = re.search(r"manage.py undo (\S+)", said)[1]
    set_price(id_of("product", "MUG"), price=euros("14.00"))

    dry = told("undo", correlation, "--dry-run")
    undone = told("undo", correlation, reason="a slip")

    assert "finished: 2 changed, 0 unchanged, 0 conflicts, 0 refused." in said
    assert "MUG: 14.00 EUR → 12.50 EUR  left alone: Since then, somebody changed it to 14.00 EUR" in dry
    assert "TEA: 1.25 EUR → 12.50 EUR  +900.0 %\n" in dry
    assert "1 would be set back, 1 left alone. Nothing is done." in dry
    assert "finished: 1 changed, 0 unchanged, 1 conflicts, 0 refused." in undone
    assert (price("MUG"), price("TEA")) == ("14.00 EUR", "12.50 EUR")


def test_what_cannot_be_undone_says_why():
    with pytest.raises(CommandError, match="No price was changed under the correlation id"):
        told("undo", str(uuid4()), reason="r")
    with pytest.raises(CommandError, match="Expected a --reason"):
        told("undo", str(uuid4()))
