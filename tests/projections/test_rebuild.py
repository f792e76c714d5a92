"""Tables are built anew beside the live ones, compared, and swapped; readers and writers never notice."""

import itertools
from typing import Any
from uuid import UUID

import pytest
from django.core.exceptions import FieldDoesNotExist

from eventstore import log
from eventstore.models import Event
from projections import build, history
from projections.models import Checkpoint, ReadModel
from projections.projection import Projection, on
from projections.rebuild import Different, rebuild, verify
from projections.rows import EventFailed
from tests.crowd import meanwhile
from tests.lending import models
from tests.lending.domain import Member
from tests.lending.models import BookCard, Borrower, LoanCard
from tests.lending.story import library, naive, tell
from tests.projections.conftest import BOOKS, LENDING, LOANS, MODELS, advance, leftovers, sql, tables

pytestmark = pytest.mark.usefixtures("on_real_transactions", "made_up")


def ended(model: type[ReadModel]) -> str:
    """SQL: the versions of its rows that ended."""
    return f"{history.ended(BOOKS, model)} t"


def tamper() -> UUID:
    """Somebody changed a row by hand."""
    ((key,),) = sql(
        "UPDATE lending_bookcard SET title = 'Tampered' "
        "WHERE id = (SELECT id FROM lending_bookcard ORDER BY id LIMIT 1) RETURNING id"
    )
    return key  # type: ignore[no-any-return]


def structure() -> list[Any]:
    """All that a later migration might look for, and more."""
    names = [name for model in MODELS for name in (model._meta.db_table, f"{model._meta.db_table}_history")]
    return [
        *sql(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = ANY(%s) ORDER BY 1",
            names,
        ),
        *sql(
            "SELECT conrelid::regclass::text, conname, contype::text, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE conrelid = ANY(%s::regclass[]::oid[]) ORDER BY 1, 2",
            names,
        ),
        *sql(
            "SELECT table_name, column_name, data_type, is_nullable, column_default, generation_expression "
            "FROM information_schema.columns WHERE table_schema = 'public' AND table_name = ANY(%s) "
            "ORDER BY table_name, ordinal_position",
            names,
        ),
        *sql(
            "SELECT relname::text, relacl::text FROM pg_class WHERE oid = ANY(%s::regclass[]::oid[]) ORDER BY 1", names
        ),
    ]


def test_a_rebuild_gives_the_same_rows_in_the_same_tables(monkeypatch):
    tell(1000)
    advance()
    sql("GRANT SELECT ON lending_bookcard TO PUBLIC")
    before = structure()
    monkeypatch.setattr("projections.build.BATCH", 150)

    built = [rebuild(projection) for projection in LENDING]

    assert tables() == naive()
    assert structure() == before
    assert [str(each) for each in built[0].compared] == [
        f"{table}: {sql(f'SELECT count(*) FROM {source}')[0][0]:,} rows, all equal"
        for table, source in (
            ("lending_bookcard", "lending_bookcard"),
            ("lending_bookcard_history", ended(BookCard)),
            ("lending_volume", "lending_volume"),
            ("lending_volume_history", ended(models.Volume)),
        )
    ]
    assert leftovers() == []
    tell(100, seed=2)
    advance()
    assert tables() == naive(), "and it goes on"


def test_a_rebuild_that_differs_is_refused_and_says_where():
    tell(300)
    advance()
    key = tamper()
    before = tables()

    with pytest.raises(Different) as refused:
        rebuild(BOOKS)

    title = naive()["bookcard"][key]["title"]
    assert f"lending_bookcard: 1 of {len(before['bookcard'])} rows differ" in str(refused.value)
    assert f"{key} has title 'Tampered' instead of '{title}'" in str(refused.value)
    assert tables() == before
    assert leftovers() == []


def test_rows_too_many_and_missing_are_told_apart():
    tell(300)
    advance()
    ((gone,),) = sql("DELETE FROM lending_shelf WHERE name = 'A' RETURNING name")
    sql("INSERT INTO lending_shelf (name, books, worth, position, version) VALUES ('Z', 1, 1, 1, 1)")

    compared, _ = verify(LENDING[1])

    assert (compared.rows, compared.differing, compared.missing, compared.surplus) == (3, 2, 1, 1)
    assert [str(row) for row in compared.examples] == [f"{gone} is missing", "Z is too many"]


def test_changes_that_are_expected_are_told_and_swapped_in():
    tell(300)
    advance()
    key = tamper()

    built = rebuild(BOOKS, expect_changes=True)

    (cards,) = [each for each in built.told()["tables"] if each["differing"]]
    assert (cards["table"], cards["columns"], cards["keys"]) == ("lending_bookcard", {"title": 1}, [str(key)])
    assert "Tampered" not in str(built.told()), "rows may be personal"
    assert tables() == naive()


def test_of_what_was_empty_or_stands_still_nothing_is_compared():
    library.record(Member("Ada"))

    first = rebuild(LOANS, expect_changes=True)
    Checkpoint.objects.filter(name="Loans").update(error="it cannot", error_position=1)
    library.record(Member("Ben"))
    second = rebuild(LOANS, expect_changes=True)

    assert (first.compared, second.compared) == ([], [])
    assert second.position == log.horizon(), "and the new tables are past what it stood before"
    assert Checkpoint.objects.get(name="Loans").error == ""


def louder(**declared: object) -> Projection:
    """Loans of a higher version: names are in capitals; and whatever is ``declared`` of it."""

    class Loans(models.Loans):
        version = 2

        @on("Member.Joined")
        def joined(self, stream_id: UUID, name: str) -> Borrower:
            return Borrower(id=stream_id, name=name.upper())

    for word, value in declared.items():
        setattr(Loans, word, value)
    return Loans()


def test_a_higher_version_may_change_what_it_declares():
    library.record(Member("Ada"))
    advance(LOANS)

    built = rebuild(louder(changes={Borrower: ("name",)}))

    assert Borrower.objects.get().name == "ADA"
    assert [(each.table, each.columns, each.unexpected) for each in built.compared if each.differing] == [
        ("lending_borrower", {"name": 1}, 0)
    ]
    assert Checkpoint.objects.get(name="Loans").version == 2
    assert not any(each.differing for each in rebuild(louder()).compared), "from now on, none is expected"


@pytest.mark.parametrize("declared", [{}, {Borrower: ("fines",)}, {LoanCard: ("*",)}], ids=["nothing", "another", "*"])
def test_a_higher_version_that_changes_more_than_it_declares_is_refused(declared):
    library.record(Member("Ada"))
    advance(LOANS)

    with pytest.raises(
        Different, match=r"lending_borrower: 1 of 1 rows differ \(name in 1\): .* 'Ada' instead of 'ADA'"
    ):
        rebuild(louder(changes=declared))

    assert Borrower.objects.get().name == "Ada"
    assert Checkpoint.objects.get(name="Loans").version == 1
    assert leftovers() == []


def test_a_row_that_comes_or_goes_must_be_declared_as_anything():
    library.record(Member("Ada"))
    advance(LOANS)

    class Loans(models.Loans):
        version = 2
        changes = {Borrower: ("name",)}

        @on("Member.Joined")
        def joined(self) -> None: ...

    with pytest.raises(Different, match=r"1 of 1 rows differ \(1 too many\)"):
        rebuild(Loans())
    Loans.changes = {Borrower: ("*",)}
    rebuild(Loans())

    assert Borrower.objects.count() == 0


def test_a_declared_column_that_does_not_exist_is_refused_before_anything_is_built():
    library.record(Member("Ada"))
    advance(LOANS)

    with pytest.raises(FieldDoesNotExist, match="Borrower has no field named 'nmae'"):
        rebuild(louder(changes={Borrower: ("nmae",)}))

    assert leftovers() == []


def test_history_is_built_anew_and_compared():
    tell(300)
    advance()
    told = sorted(sql(f"SELECT t::text FROM {ended(BookCard)}"))
    ((key,),) = sql(
        "UPDATE lending_bookcard_history SET title = 'Forged' WHERE (epoch, id, position) = "
        "(SELECT epoch, id, position FROM lending_bookcard_history ORDER BY id, position LIMIT 1) RETURNING id"
    )

    with pytest.raises(
        Different, match=rf"lending_bookcard_history: 1 of .* {key} at \d+ has title 'Forged' instead of"
    ):
        rebuild(BOOKS)
    rebuild(BOOKS, expect_changes=True)

    assert sorted(sql(f"SELECT t::text FROM {ended(BookCard)}")) == told


def test_scenario_14_first_sync_of_a_new_service():
    """Producers neither know of it nor wait for it: they record while it is built, and it goes on with theirs."""
    tell(300)
    seeds = itertools.count(1)

    with meanwhile(lambda: tell(20, seed=next(seeds)), pause=0.02, at_least=3) as told_more:
        rebuild(LOANS)
    built = Checkpoint.objects.get(name="Loans").position
    advance(LOANS)

    assert built >= 300
    assert Checkpoint.objects.get(name="Loans").position == log.horizon()
    assert tables()["loancard"] == naive()["loancard"]
    assert Event.objects.count() >= 300 + 20 * len(told_more) > 300


@pytest.mark.parametrize("expect_changes", [False, True])
def test_a_rebuild_ends_though_events_come_without_end(monkeypatch, expect_changes):
    tell(200)
    advance()
    batch, batches = build._batch, []

    def and_one_more(lease, end):
        done = batch(lease, end)
        batches.append(done)
        library.record(Member("Ada"))
        advance(BOOKS)
        assert len(batches) < 20, "it follows the log, and never swaps"
        return done

    monkeypatch.setattr(build, "_batch", and_one_more)
    rebuild(BOOKS, expect_changes=expect_changes)

    monkeypatch.undo()
    advance()
    assert len(batches) > 1
    assert tables() == naive()


def test_a_rebuild_whose_handler_fails_leaves_the_live_tables():
    tell(100)
    advance()
    before = tables()

    class Loans(models.Loans):
        @on("Loan.Opened")
        def opened(self) -> None:
            raise ValueError("no")

    with pytest.raises(EventFailed, match=r"Loans cannot apply Loan.Opened at position \d+: ValueError: no"):
        rebuild(Loans())

    assert tables() == before
    assert leftovers() == []
