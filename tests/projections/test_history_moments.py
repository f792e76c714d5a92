"""Which moments can be asked about: positions and instants that have been seen, and are kept."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from eventstore import log
from projections.as_of import NotYet
from tests.lending.domain import Book, Member
from tests.lending.models import BookCard, Borrower, LoanCard
from tests.lending.story import library, tell
from tests.projections.conftest import advance, emma, sql

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("made_up")]


@pytest.mark.parametrize(
    ("moment", "error", "words"),
    [
        (-1, ValueError, "Expected a position, which is 0 or more, found -1"),
        (True, TypeError, "Expected a position or an instant, found True"),
        ("v3", TypeError, "Expected a position or an instant, found 'v3'"),
        (10**9, ValueError, "Position 1000000000 is still to come: the log ends at"),
        (datetime(2026, 3, 1), ValueError, "has no zone"),  # noqa: DTZ001
        (datetime(9999, 3, 1, tzinfo=UTC), ValueError, "is still to come"),
    ],
)
def test_a_moment_that_is_none_is_refused(moment, error, words):
    with pytest.raises(error, match=words):
        BookCard.objects.as_of(moment)


def test_nothing_was_before_the_first_event():
    assert list(BookCard.objects.as_of(0)) == []
    assert BookCard.objects.as_of(timezone.now()).count() == 0

    library.record(Member("Ada"))
    advance()

    assert list(LoanCard.objects.as_of(log.last())) == [], "there never was a loan"
    assert list(BookCard.objects.as_of(log.last())) == []
    assert Borrower.objects.as_of(log.last()).count() == 1


def test_what_has_not_been_seen_yet_is_not_answered():
    library.record(emma())
    advance()
    position = library.record(emma_again := Book("Persuasion", Decimal(1), "A", (), ())).position

    with pytest.raises(NotYet, match=f"Books has not come to position {position} within 0 seconds"):
        BookCard.objects.as_of(position, timeout=0)
    advance()

    assert BookCard.objects.as_of(position).filter(id=emma_again.id).exists()


def test_an_instant_is_the_last_event_recorded_by_then():
    known = []
    ada = Member("Ada")
    for name in ("Ida", "Eda", "Oda"):
        library.record(ada)
        known.append((ada.name, timezone.now()))
        ada.rename(name)
    library.record(ada)
    advance()

    assert [Borrower.objects.as_of(instant).get().name for _, instant in known] == [name for name, _ in known]
    assert Borrower.objects.as_of(known[0][1] - timedelta(days=1)).count() == 0
    assert Borrower.objects.as_of(timezone.now()).get().name == "Oda"


def test_the_position_of_any_instant_is_found_by_halving():
    tell(300, seed=8)
    sql("ALTER TABLE eventstore_event DISABLE TRIGGER eventstore_append_only")
    sql("DELETE FROM eventstore_event WHERE mod(position, 3) = 0 OR position BETWEEN 100 AND 180")
    # Every seventh was appended beside others, and recorded a moment late.
    sql(
        "UPDATE eventstore_event SET recorded_at = timestamptz '2026-03-01 12:00Z' + interval '1 s' "
        "* (position / 4 + CASE WHEN mod(position, 7) = 0 THEN 3 ELSE 0 END)"
    )
    sql("ALTER TABLE eventstore_event ENABLE TRIGGER eventstore_append_only")

    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    moments = [noon + timedelta(seconds=n / 2) for n in range(-4, 200)]

    assert [log.position_at(moment) for moment in moments] == [
        sql("SELECT coalesce(max(position), 0) FROM eventstore_event WHERE recorded_at <= %s", moment)[0][0]
        for moment in moments
    ]


@pytest.mark.usefixtures("small_epochs", "on_real_transactions")
def test_an_instant_waits_for_who_began_before_it_and_is_still_writing(another_connection):
    library.record(Member("Ada"))
    advance()
    began = timezone.now()

    with another_connection() as other:
        other.execute("SELECT pg_advisory_xact_lock_shared(77::bigint << 48)")  # as an append that has begun
        with pytest.raises(NotYet, match="is still writing"):
            Borrower.objects.as_of(timezone.now(), timeout=0.05)
        assert Borrower.objects.as_of(began - timedelta(days=1)).count() == 0, "nobody wrote then"

    assert Borrower.objects.as_of(timezone.now()).count() == 1
