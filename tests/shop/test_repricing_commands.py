"""Prices changed by the hundred, and set back: once each, whoever is killed, and never over somebody else's change."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest

from eventstore.cause import because
from eventstore.models import Event
from projections.engine import catch_up
from projections.projection import known
from shop.application import shop
from shop.catalog.commands import cancel_schedule, create_product, schedule_price, set_price
from shop.catalog.domain import Product
from shop.catalog.models import RepricedLine, RepricingSummary
from shop.catalog.repricing import commands
from shop.catalog.repricing.commands import plan_repricing, stop_repricing, undo_prices
from shop.catalog.repricing.domain import Change, Repricing
from shop.catalog.repricing.files import Wanted
from shop.catalog.repricing.known import shown
from shop.catalog.repricing.previews import preview
from shop.catalog.repricing.undo import NothingToUndo, undoing
from shop.values import Money, id_of
from tests.shop.orders import Died, dies, euros, goods

pytestmark = pytest.mark.django_db
NEEDED = ("Repricer", "Repricings", "RepricedLines", "Products")


def come_to_rest() -> None:
    catch_up(known()[name] for name in NEEDED)


def price(sku: str) -> Money | None:
    return shop.load(Product, id_of("product", sku)).price_at(datetime.now(UTC))[0]


def prices(*skus: str) -> list[str]:
    return [str(price(sku)) for sku in skus]


def imported(**wanted: str) -> UUID:
    """Planned as an import would: under a correlation id that is the answer."""
    come_to_rest()
    lines = [Wanted(n, sku, Decimal(amount), "") for n, (sku, amount) in enumerate(wanted.items(), 2)]
    found = preview(lines, shown(wanted, datetime.now(UTC)), "EUR")
    correlation = uuid4()
    with because(actor="ada", correlation_id=correlation):
        plan_repricing(uuid4(), kind="import", title="spring.csv", changes=found.changes, reason="spring")
    return correlation


def undone(correlation: UUID, by: str = "bob") -> UUID:
    own = uuid4()
    with because(actor=by, correlation_id=own):
        undo_prices(correlation, reason="it was a slip")
    come_to_rest()
    return own


def counts(correlation: UUID) -> tuple[str, int, int, int, int]:
    found = RepricingSummary.objects.get(correlation_id=correlation)
    return found.status, found.changed, found.unchanged, found.conflicts, found.refused


def test_an_import_changes_each_price_under_one_correlation_id_with_who_and_why():
    goods(MUG=0, TEA=0)
    correlation = imported(MUG="13.00", TEA="1.25")

    come_to_rest()

    assert prices("MUG", "TEA") == ["13.00 EUR", "1.25 EUR"]
    assert counts(correlation) == ("finished", 2, 0, 0, 0)
    changes = Event.objects.filter(correlation_id=correlation, name="Product.PriceSet")
    assert {(each.actor, each.reason) for each in changes} == {("ada", "spring")}
    planned = Event.objects.get(correlation_id=correlation, name="Repricing.Planned")
    assert {each.causation_id for each in changes} == {planned.event_id}


def test_a_price_that_moved_since_the_preview_is_listed_and_left_alone():
    goods(MUG=0, TEA=0)
    correlation = imported(MUG="13.00", TEA="14.00")
    set_price(id_of("product", "TEA"), price=euros("9.00"))

    come_to_rest()

    assert prices("MUG", "TEA") == ["13.00 EUR", "9.00 EUR"]
    assert counts(correlation) == ("finished", 1, 0, 1, 0)
    line = RepricedLine.objects.get(sku="TEA")
    assert (line.number, line.before, line.after, line.result) == (2, "12.50 EUR", "14.00 EUR", "conflict")
    assert "found revision 2 (9.00 EUR): it was changed meanwhile" in line.detail


def test_planned_twice_it_is_carried_out_once():
    goods(MUG=0)
    come_to_rest()
    wanted = preview([Wanted(2, "MUG", Decimal(9), "")], shown(["MUG"], datetime.now(UTC)), "EUR")
    same = uuid4()

    first, again = (
        plan_repricing(same, kind="grid", title="grid", changes=wanted.changes, reason="spring") for _ in range(2)
    )
    come_to_rest()

    assert (first.id, again) == (same, first._replace(position=None))
    assert Event.objects.filter(name="Product.PriceSet", reason="spring").count() == 1


@pytest.mark.parametrize("after", [False, True], ids=["before it is noted", "after it is noted, before the commit"])
def test_killed_in_the_middle_it_goes_on_and_changes_each_price_once(after):
    skus = [f"SKU{n}" for n in range(7)]
    goods(**dict.fromkeys(skus, 0))
    with patch.object(commands, "STEP", 3):
        correlation = imported(**dict.fromkeys(skus, "13.00"))
        with dies(Repricing, "advance", after=after), pytest.raises(Died):
            come_to_rest()
        come_to_rest()

    changed = Event.objects.filter(correlation_id=correlation, name="Product.PriceSet")
    assert Counter(changed.values_list("stream_id", flat=True)) == Counter(id_of("product", sku) for sku in skus)
    assert counts(correlation) == ("finished", 7, 0, 0, 0)
    assert Event.objects.filter(correlation_id=correlation, name="Repricing.Advanced").count() == 3


def test_a_step_ends_when_its_time_is_over_and_the_next_one_goes_on():
    skus = [f"SKU{n}" for n in range(5)]
    goods(**dict.fromkeys(skus, 0))
    with patch.object(commands, "SECONDS", 0), patch.object(commands, "AT_ONCE", 2):
        correlation = imported(**dict.fromkeys(skus, "13.00"))
        come_to_rest()

    assert counts(correlation) == ("finished", 5, 0, 0, 0)
    assert Event.objects.filter(correlation_id=correlation, name="Repricing.Advanced").count() == 3


def test_who_changes_a_price_while_a_step_is_decided_on_is_faster():
    goods(MUG=0, TEA=0)
    correlation = imported(MUG="13.00", TEA="14.00")
    decide, others = commands.carried_out, [euros("9.00")]

    def decided(*args):
        outcome = decide(*args)
        while others:
            with because(command_id=uuid4()):
                set_price(id_of("product", "TEA"), price=others.pop())
        return outcome

    with patch.object(commands, "carried_out", decided):
        come_to_rest()

    assert prices("MUG", "TEA") == ["13.00 EUR", "9.00 EUR"]
    assert counts(correlation) == ("finished", 1, 0, 1, 0)


def test_a_product_that_there_is_not_is_refused_and_the_others_are_changed():
    goods(MUG=0)
    changes = [Change(sku, 1, euros("12.50"), euros("13.00"), price=euros("13.00")) for sku in ("NONE", "MUG")]
    correlation = uuid4()
    with because(correlation_id=correlation):
        plan_repricing(uuid4(), kind="import", title="x", changes=changes, reason="y")

    come_to_rest()

    assert (prices("MUG"), counts(correlation)) == (["13.00 EUR"], ("finished", 1, 0, 0, 1))
    assert RepricedLine.objects.get(number=1).detail == "There is no product with the SKU NONE."


def test_stopped_it_changes_no_more():
    goods(MUG=0)
    correlation = imported(MUG="13.00")
    repricing = Event.objects.get(correlation_id=correlation, name="Repricing.Planned").stream_id

    stop_repricing(repricing, reason="the wrong file")
    come_to_rest()

    assert (prices("MUG"), counts(correlation)[0]) == (["12.50 EUR"], "stopped")


def test_an_undo_sets_back_what_nobody_changed_since_and_lists_the_rest():
    goods(MUG=0, TEA=0)
    slip = imported(MUG="1.25", TEA="1.25")
    come_to_rest()
    with because(actor="carol"):
        set_price(id_of("product", "TEA"), price=euros("11.00"))

    told = undoing(slip, datetime.now(UTC))
    own = undone(slip)

    assert [(each.change.sku, bool(each.conflict)) for each in told.planned] == [("MUG", False), ("TEA", True)]
    assert "carol changed it to 11.00 EUR" in told.planned[1].conflict
    assert prices("MUG", "TEA") == ["12.50 EUR", "11.00 EUR"]
    assert counts(own) == ("finished", 1, 0, 1, 0)
    assert RepricingSummary.objects.get(correlation_id=own).title == "Undo of spring.csv"


def test_an_undo_is_caused_by_what_it_undoes_and_can_be_undone():
    goods(MUG=0)
    slip = imported(MUG="1.25")
    come_to_rest()

    undo = undone(slip)
    redo = undone(undo)

    assert prices("MUG") == ["1.25 EUR"]
    planned = Event.objects.get(correlation_id=undo, name="Repricing.Planned")
    assert Event.objects.get(event_id=planned.causation_id).correlation_id == slip
    assert counts(redo) == ("finished", 1, 0, 0, 0)


def test_undone_twice_the_second_time_changes_nothing():
    goods(MUG=0)
    slip = imported(MUG="1.25")
    come_to_rest()
    undone(slip)

    again = undone(slip)

    assert (prices("MUG"), counts(again)) == (["12.50 EUR"], ("finished", 0, 0, 1, 0))


def test_what_an_import_scheduled_or_ended_is_undone_too():
    goods(MUG=0, TEA=0)
    now = datetime.now(UTC)
    yesterday, tomorrow = now - timedelta(days=1), now + timedelta(days=1)
    with because(effective_at=yesterday):
        schedule_price(id_of("product", "MUG"), price=euros("10.00"), starts=yesterday)
    come_to_rest()
    lines = [Wanted(2, "MUG", Decimal(13), ""), Wanted(3, "TEA", Decimal(9), "", tomorrow)]
    changes = preview(lines, shown(["MUG", "TEA"], datetime.now(UTC)), "EUR").changes
    correlation = uuid4()
    with because(correlation_id=correlation):
        plan_repricing(uuid4(), kind="import", title="x", changes=changes, reason="y")
    come_to_rest()
    assert prices("MUG") == ["13.00 EUR"]

    undone(correlation)

    mug, tea = (shop.load(Product, id_of("product", sku)) for sku in ("MUG", "TEA"))
    assert (prices("MUG"), str(mug.price)) == (["10.00 EUR"], "12.50 EUR")
    assert tea.schedules == ()


def test_a_schedule_that_somebody_cancelled_since_is_a_conflict():
    goods(TEA=0)
    come_to_rest()
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    changes = preview([Wanted(2, "TEA", Decimal(9), "", tomorrow)], shown(["TEA"], datetime.now(UTC)), "").changes
    correlation = uuid4()
    with because(correlation_id=correlation):
        plan_repricing(uuid4(), kind="import", title="x", changes=changes, reason="y")
    come_to_rest()
    cancel_schedule(id_of("product", "TEA"), 2)

    own = undone(correlation)

    assert counts(own) == ("finished", 0, 0, 1, 0)


def test_single_changes_under_one_correlation_id_are_undone_as_well():
    goods(MUG=0, TEA=0)
    slip = uuid4()
    with because(correlation_id=slip):
        for sku in ("MUG", "TEA"):
            set_price(id_of("product", sku), price=euros("1.25"))

    own = undone(slip)

    assert prices("MUG", "TEA") == ["12.50 EUR", "12.50 EUR"]
    assert counts(own) == ("finished", 2, 0, 0, 0)


def test_a_first_price_cannot_be_taken_away():
    slip = uuid4()
    with because(correlation_id=slip):
        create_product(sku="MUG", name="Mug", price=euros("1.25"))

    found = undoing(slip, datetime.now(UTC))

    assert (found.planned, [each.text for each in found.wrong]) == ((), ["MUG"])


def test_where_no_price_was_changed_there_is_nothing_to_undo():
    with pytest.raises(NothingToUndo, match="No price was changed under the correlation id"):
        undo_prices(uuid4(), reason="why not")
