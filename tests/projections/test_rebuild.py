"""Tables are built anew beside the live ones, compared, and swapped; readers and writers never notice."""

from typing import Any
from uuid import UUID

import pytest

from eventstore import log
from projections.models import Checkpoint
from projections.projection import on
from projections.rebuild import Different, rebuild, verify
from projections.rows import EventFailed
from tests.lending import models
from tests.lending.domain import Member
from tests.lending.models import BookCard, Borrower
from tests.lending.story import library, naive, tell
from tests.projections.conftest import BOOKS, LENDING, LOANS, MODELS, advance, leftovers, sql, tables

pytestmark = pytest.mark.usefixtures("on_real_transactions", "made_up")


def tamper() -> UUID:
    """Somebody changed a row by hand."""
    ((key,),) = sql(
        "UPDATE lending_bookcard SET title = 'Tampered' "
        "WHERE id = (SELECT id FROM lending_bookcard ORDER BY id LIMIT 1) RETURNING id"
    )
    return key  # type: ignore[no-any-return]


def structure() -> list[Any]:
    """All that a later migration might look for, and more."""
    names = [model._meta.db_table for model in MODELS]
    return [
        *sql("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) ORDER BY 1", names),
        *sql(
            "SELECT conrelid::regclass::text, conname, contype::text, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE conrelid::regclass::text = ANY(%s) ORDER BY 1, 2",
            names,
        ),
        *sql(
            "SELECT table_name, column_name, data_type, is_nullable, column_default, generation_expression "
            "FROM information_schema.columns WHERE table_name = ANY(%s) ORDER BY table_name, ordinal_position",
            names,
        ),
        *sql("SELECT relname::text, relacl::text FROM pg_class WHERE relname = ANY(%s) ORDER BY 1", names),
    ]


def test_a_rebuild_gives_the_same_rows_in_the_same_tables(monkeypatch):
    tell(1000)
    advance()
    sql("GRANT SELECT ON lending_bookcard TO PUBLIC")
    before = structure()
    monkeypatch.setattr("projections.rebuild.BATCH", 150)

    built = [rebuild(projection) for projection in LENDING]

    assert tables() == naive()
    assert structure() == before
    assert [str(each) for each in built[0].compared] == [
        f"lending_bookcard: {BookCard.objects.count()} rows, all equal",
        f"lending_volume: {models.Volume.objects.count()} rows, all equal",
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

    (compared,) = verify(LENDING[1])

    assert (compared.rows, compared.differing) == (3, 2)
    assert [str(row) for row in compared.examples] == [f"{gone} is missing", "Z is too many"]


def test_changes_that_are_expected_are_swapped_in():
    tell(300)
    advance()
    tamper()

    built = rebuild(BOOKS, expect_changes=True)

    assert built.compared == []
    assert tables() == naive()


def test_a_higher_version_is_a_change_that_is_expected():
    library.record(Member("Ada"))
    advance(LOANS)

    class Loans(models.Loans):
        version = 2

        @on("Member.Joined")
        def joined(self, stream_id: UUID, name: str) -> Borrower:
            return Borrower(id=stream_id, name=name.upper())

    rebuild(Loans())

    assert Borrower.objects.get().name == "ADA"
    assert Checkpoint.objects.get(name="Loans").version == 2
    assert rebuild(Loans()).compared, "from now on, none is"


def test_a_projection_that_is_new_is_built_to_the_end_of_the_log():
    tell(300)

    rebuild(LOANS)

    assert Checkpoint.objects.get(name="Loans").position == log.horizon()
    assert tables()["loancard"] == naive()["loancard"]


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


def test_verifying_changes_nothing():
    tell(300)
    advance()
    key = tamper()
    before = tables()

    compared = verify(BOOKS)

    assert [(each.table, each.differing, [row.key for row in each.examples]) for each in compared] == [
        ("lending_bookcard", 1, [str(key)]),
        ("lending_volume", 0, []),
    ]
    assert tables() == before
    assert leftovers() == []
    assert Checkpoint.objects.get(name="Books").leased_until is None
