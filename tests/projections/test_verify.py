"""Verifying, healing, rehearsing: a projection is built to be compared, and what is live stays as it is."""

from uuid import UUID

import pytest

from eventstore import log
from projections.models import Checkpoint, Parked
from projections.projection import Policy, Projection, on
from projections.rebuild import Refused, dry_run, rebuild, verify
from tests.lending import models
from tests.lending.domain import Member
from tests.lending.models import BookCard, Borrower
from tests.lending.story import library, naive, tell
from tests.projections.conftest import BOOKS, LENDING, LOANS, advance, leftovers, sql, tables
from tests.projections.test_rebuild import louder, tamper

pytestmark = pytest.mark.usefixtures("on_real_transactions", "made_up")

SAMPLE = 0.25


def test_verifying_changes_nothing():
    tell(300)
    advance()
    key = tamper()
    before = tables()

    compared = verify(BOOKS)

    assert [(each.table, each.differing, [row.key for row in each.examples]) for each in compared] == [
        ("lending_bookcard", 1, [str(key)]),
        ("lending_bookcard_history", 0, []),
        ("lending_volume", 0, []),
        ("lending_volume_history", 0, []),
    ]
    assert tables() == before
    assert leftovers() == []
    assert Checkpoint.objects.get(name="Books").leased_until is None


def test_differing_fields_are_counted():
    tell(300)
    advance()
    sql("UPDATE lending_bookcard SET title = 'x', price = 1")
    sql("UPDATE lending_bookcard SET price = 2 WHERE id = (SELECT min(id::text)::uuid FROM lending_bookcard)")

    cards = verify(BOOKS)[0]

    assert cards.columns == {"title": BookCard.objects.count(), "price": BookCard.objects.count()}
    assert cards.differing == cards.unexpected == cards.rows == BookCard.objects.count()
    assert len(cards.examples) == 5


def test_healing_puts_what_the_log_makes_in_the_place_of_what_differs():
    tell(300)
    advance()
    tamper()

    compared = verify(BOOKS, heal=True)

    assert sum(each.differing for each in compared) == 1
    assert tables() == naive()
    assert leftovers() == []
    assert not any(each.differing for each in verify(BOOKS, heal=True))
    assert Checkpoint.objects.filter(schema="old_Books").count() == 1


def test_a_sample_finds_what_differs_in_its_streams_and_reads_no_others():
    tell(1000)
    advance()
    sql("UPDATE lending_bookcard SET title = 'Tampered'")
    within = [key for key in naive()["bookcard"] if key.int & 255 < 64]

    cards, _, volumes, _ = verify(BOOKS, sample=SAMPLE)

    assert (cards.rows, cards.differing) == (len(within), len(within))
    assert 0 < len(within) < BookCard.objects.count() / 2
    assert (volumes.differing, volumes.rows) == (
        0,
        len([v for v in naive()["volume"].values() if v["book_id"].int & 255 < 64]),
    )
    assert leftovers() == []


def test_a_sample_is_refused_where_it_cannot_be():
    tell(50)
    advance()

    with pytest.raises(Refused, match=r"Books: to heal builds all"):
        verify(BOOKS, sample=0.5, heal=True)
    with pytest.raises(Refused, match=r"Loans: only the whole of it can be built. `splits_by` would say"):
        verify(LOANS, sample=0.5)
    for sample in (0, 1.5):
        with pytest.raises(Refused, match="expected a sample of more than 0 and at most 1"):
            dry_run(BOOKS, sample=sample)

    assert leftovers() == []


def test_while_something_is_parked_there_is_nothing_to_verify():
    tell(50)
    advance()
    Parked.objects.create(projection="Books", position=7, stream_id=UUID(int=1), name="Book.Stamped", error="no")

    with pytest.raises(Refused, match=r"Books: 1 events are parked: retry or skip them first\."):
        verify(BOOKS)


def test_a_dry_run_shows_what_a_changed_projection_would_change():
    library.record(Member("Ada"), Member("BEN"))
    advance()
    before = tables()

    found = dry_run(louder(changes={Borrower: ("name",)}))

    assert [(each.table, each.columns, each.unexpected) for each in found.compared if each.differing] == [
        ("lending_borrower", {"name": 1}, 0)
    ]
    assert (found.events, found.position) == (2, log.horizon())
    assert 0 < found.seconds == found.whole_seconds
    assert "has name 'Ada' instead of 'ADA'" in str(found)
    assert "it would be refused" not in str(found)
    assert "1 of these differences are not declared: it would be refused." in str(dry_run(louder()))
    assert tables() == before
    assert Checkpoint.objects.get(name="Loans").version == 1
    assert leftovers() == []


def test_a_dry_run_of_a_sample_says_how_long_the_whole_takes():
    tell(1000)
    advance()
    tamper()

    found = dry_run(BOOKS, sample=SAMPLE)

    assert found.seconds < found.whole_seconds <= found.seconds * 4, "what folds takes four times as long"
    assert f"{found.events:,} events for 25% of the streams folded" in str(found)
    assert found.events < sql("SELECT count(*) FROM eventstore_event WHERE name = ANY(%s)", list(BOOKS.handlers))[0][0]


def test_a_dry_run_of_what_has_no_rows_is_refused():
    with pytest.raises(Refused, match=r"Books has seen nothing yet: a rebuild would change nothing\."):
        dry_run(BOOKS)


def test_policies_are_never_built_again():
    class Greets(Policy):
        @on("Member.Joined")
        def joined(self, name: str) -> None: ...

    for ask in (rebuild, verify, dry_run):
        with pytest.raises(Refused, match=r"Greets"):
            ask(Greets())


def test_a_half_built_rebuild_is_not_disturbed_by_a_verification():
    tell(300)
    advance()

    def verify_meanwhile(name: str, doing: str, *_: object) -> None:
        if doing == "indexing":
            assert not any(each.differing for each in verify(BOOKS))

    rebuild(BOOKS, report=verify_meanwhile)

    assert tables() == naive()
    assert leftovers() == []


@pytest.mark.parametrize("projection", LENDING, ids=repr)
def test_tables_built_by_newer_code_are_left_to_it(projection: Projection):
    tell(50)
    advance()
    Checkpoint.objects.filter(schema="").update(version=2)

    with pytest.raises(Refused, match=r"was built by code of version 2, and this is 1\."):
        rebuild(projection)

    assert models.BookCard.objects.count() == len(naive()["bookcard"])
