"""Any list as of any position: what a naive fold of the log up to there says, whatever the batches and epochs were."""

import json
import pickle
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import eq, ge, itemgetter, lt, ne
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import DataError, connection, transaction
from django.db.models import Count, Exists, Max, OuterRef, Q, Sum
from django.db.models.expressions import RawSQL
from django.utils import timezone

from eventstore import log
from eventstore.persistence import cursor as log_cursor
from projections import history
from projections.as_of import NotYet, Pruned
from projections.models import Checkpoint, HistoryEpoch
from projections.operations import replay
from projections.projection import Gone, Projection, every, keeper, on, registered
from projections.rows import Rows
from projections.versions import versions
from tests.lending.domain import Book, Copy, Member
from tests.lending.models import BookCard, Borrower, LoanCard, Shelf, Volume
from tests.lending.story import Tables, library, naive, tell
from tests.projections.conftest import BOOKS, LENDING, LOANS, MODELS, advance, sql

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("made_up")]

COMPARED = {"": eq, "__gte": ge, "__lt": lt, "!": ne}
ORDERED_BY = {
    "bookcard": ("price", "acquired_at", "version"),
    "volume": ("position", "book_id"),
    "shelf": ("books", "worth"),
    "borrower": ("open_loans", "fines", "position"),
    "loancard": ("due", "book_id", "returned"),
}


@pytest.fixture
def small_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projections.history.SMALLEST_EPOCH", 20)


@pytest.fixture
def another_connection() -> Any:
    """Somebody else's transaction."""
    where = connection.settings_dict
    return lambda: psycopg.connect(
        host=where["HOST"], port=where["PORT"], user=where["USER"], password=where["PASSWORD"], dbname=where["NAME"]
    )


def told(position: int) -> Tables:
    """All that the library's tables held."""
    return {m._meta.model_name: by_key(m.objects.as_of(position)) for m in MODELS}


def by_key(rows: Any) -> dict[Any, dict[str, Any]]:
    return {row[rows.model._meta.pk.name]: row for row in rows.values()}


def positions() -> list[int]:
    """From just before the first event: those of earlier tests are gone, and left a gap."""
    found = [event.position for event in log.after(0, limit=100_000)]
    return [found[0] - 1, *found]


@pytest.mark.usefixtures("small_epochs")
@pytest.mark.parametrize(("size", "seed"), [(1, 11), (7, 12), (5000, 13)])
def test_the_tables_are_as_they_were_after_each_event(small_batches, size, seed):
    tell(120, seed)
    small_batches(size)

    advance()

    assert [position for position in positions() if told(position) != naive(position)] == []
    assert told(log.last()) == {m._meta.model_name: by_key(m.objects) for m in MODELS}
    if size < 100:
        assert HistoryEpoch.objects.count() > 2 * len(MODELS), "in several epochs"


@pytest.mark.usefixtures("small_epochs")
def test_a_thousand_questions_about_the_past_are_answered_as_a_naive_fold_answers_them(small_batches, monkeypatch):
    monkeypatch.setattr("projections.layout.MANY", 5)
    chance = random.Random(7)
    tell(2000, seed=7)
    small_batches(60)
    advance()
    moments = [*chance.sample(positions(), 39), log.last()]

    wrong = []
    for position in moments:
        tables = naive(position)
        for _ in range(25):
            model = chance.choice(MODELS)
            rows = list(tables[model._meta.model_name].values())
            question, answer = asked(chance, model.objects.as_of(position), rows)
            if list(question.values()) != answer:
                wrong.append((position, str(question.query)))

    assert not wrong
    assert HistoryEpoch.objects.filter(table="lending_bookcard").count() > 10


def asked(chance: random.Random, queryset: Any, rows: list[Any]) -> tuple[Any, list[Any]]:
    """A page of a filtered list in some order, and what is to be found there."""
    model = queryset.model
    key = model._meta.pk.name
    for _ in range(chance.randrange(3)):
        if not rows:
            break
        row = chance.choice(rows)
        field = chance.choice([name for name in row if row[name] is not None and name != "subjects"])
        how = chance.choice(list(COMPARED) if not isinstance(row[field], str) else ["", "!"])
        if how == "!":
            queryset = queryset.exclude(**{field: row[field]})
        else:
            queryset = queryset.filter(**{f"{field}{how}": row[field]})
        value, compare = row[field], COMPARED[how]
        rows = [each for each in rows if (how == "!" or each[field] is not None) and compare(each[field], value)]
    order, falling = chance.choice(ORDERED_BY[model._meta.model_name]), chance.random() < 0.5
    rows = sorted(rows, key=itemgetter(order, key), reverse=falling)
    sign, start, size = "-" * falling, chance.choice((0, 0, 5, 20)), chance.choice((5, 50))
    return queryset.order_by(f"{sign}{order}", f"{sign}{key}")[start : start + size], rows[start : start + size]


@pytest.mark.usefixtures("small_epochs")
def test_every_kind_of_question_is_about_that_moment(small_batches):
    tell(400, seed=3)
    small_batches(40)
    advance()
    position = positions()[200]
    then = naive(position)["bookcard"]
    books = BookCard.objects.as_of(position)
    dear = [row for row in then.values() if row["price"] > 50]

    assert books.count() == len(then)
    assert books.filter(price__gt=50).exists() == bool(dear)
    assert books.aggregate(Sum("price"), Max("version")) == {
        "price__sum": sum(row["price"] for row in then.values()),
        "version__max": max(row["version"] for row in then.values()),
    }
    assert books.order_by("price", "id").first().id == min(then.values(), key=itemgetter("price", "id"))["id"]
    assert books.order_by("price", "id").last().id == max(then.values(), key=itemgetter("price", "id"))["id"]
    assert set(books.in_bulk()) == set(then)
    assert {book.pk for book in books.filter(Q(price__gt=50) | Q(price__lt=50))} == {
        row["id"] for row in then.values() if row["price"] != 50
    }
    assert dict(books.values_list("version").annotate(n=Count("id"))) == {
        version: sum(1 for row in then.values() if row["version"] == version)
        for version in {row["version"] for row in then.values()}
    }
    assert books.filter(price__gt=50)[:2].count() == min(2, len(dear))
    assert books.distinct().count() == len(then)
    assert BookCard.objects.filter(price__gt=50).order_by("id").as_of(position).count() == len(dear), "last of all, too"
    assert BookCard.objects.exclude(price__gt=50).as_of(position).count() == len(then) - len(dear)
    one = next(iter(then))
    assert vars(books.get(pk=one))["title"] == then[one]["title"]


def test_what_is_made_of_a_question_is_about_the_same_moment():
    tell(300, seed=4)
    advance()
    position = positions()[150]
    books, later = BookCard.objects.as_of(position), BookCard.objects.as_of(log.last())
    then = {row.pk for row in books}
    assert then != {row.pk for row in BookCard.objects.all()}

    unpickled = pickle.loads(pickle.dumps(books))
    query = BookCard.objects.all()
    query.query = pickle.loads(pickle.dumps(books.query))

    assert {row.pk for row in unpickled.filter(price__gte=0)} == then
    assert {row.pk for row in query} == then
    assert {row.pk for row in books.all().filter(price__gte=0)} == then
    assert {row.pk for row in books.filter(price__gt=50) | books.filter(price__lte=50)} == then
    assert {row.pk for row in books.filter(price__gt=50) & books.filter(price__gte=0)} == {
        row.pk for row in books if row.price > 50
    }
    for other in (BookCard.objects.all(), later, later.none()):
        for together in (lambda a, b: a | b, lambda a, b: a & b, lambda a, b: a ^ b):
            with pytest.raises(TypeError, match="two questions about one moment"):
                together(books, other)
            with pytest.raises(TypeError, match="two questions about one moment"):
                together(other, books)


@pytest.mark.parametrize(
    "ask",
    [
        lambda books, loans: books.filter(id__in=loans.values("book_id")),
        lambda books, loans: books.filter(id__in=books.values("id")),
        lambda books, loans: loans.filter(book_id__in=books.values("id")),
        lambda books, loans: books.filter(Exists(loans.filter(book_id=OuterRef("id")))),
        lambda books, loans: books.annotate(lent=Exists(loans.filter(book_id=OuterRef("id")))),
        lambda books, loans: books.order_by(Exists(loans.filter(book_id=OuterRef("id")))),
        lambda books, loans: books.exclude(id__in=loans.values("book_id")),
        lambda books, loans: books.union(books),
        lambda books, loans: loans.values("id").union(books.values("id")),
        lambda books, loans: books.values("id").difference(loans.values("id")),
        lambda books, loans: books.annotate(n=RawSQL("(select count(*) from lending_loancard)", [])),
        lambda books, loans: books.extra(tables=["lending_loancard"]),
        lambda books, loans: books.extra(where=["exists (select from lending_loancard)"]),
        lambda books, loans: books.prefetch_related("loans"),
        lambda books, loans: loans.filter(Exists(books)),
    ],
)
def test_a_question_that_reads_another_table_is_refused(ask):
    tell(100, seed=5)
    advance()

    with pytest.raises(TypeError, match="A question about the past of BookCard reads its table alone"):
        list(ask(BookCard.objects.as_of(positions()[50]), LoanCard.objects.all()))


@pytest.mark.parametrize("write", [lambda q: q.update(price=1), lambda q: q.delete(), lambda q: q.create(title="x")])
def test_the_past_is_not_written(write):
    with pytest.raises(TypeError, match="written by nothing else"):
        write(BookCard.objects.as_of(0))


def test_earlier_versions_are_not_written_by_hand():
    version = versions[BookCard]

    for write in (version.objects.create, lambda: version().save(), lambda: version.objects.all().delete()):
        with pytest.raises(TypeError, match="written by nothing else"):
            write()


def test_earlier_versions_are_indexed_as_the_rows_are_within_an_epoch():
    found = sql(
        "SELECT tablename, regexp_replace(indexdef, '.* USING ', '') FROM pg_indexes "
        "WHERE tablename = ANY(%s) ORDER BY 1, 2",
        [versions[model]._meta.db_table for model in (BookCard, LoanCard)],
    )

    assert found == [
        ("lending_bookcard_history", 'btree (epoch, id, "position")'),
        ("lending_bookcard_history", 'btree (epoch, title, "position", until)'),
        ("lending_bookcard_history", "btree (epoch, until)"),
        ("lending_bookcard_history", "gin (subjects)"),
        ("lending_loancard_history", 'btree (epoch, due DESC, id, "position", until)'),
        ("lending_loancard_history", 'btree (epoch, id, "position")'),
        ("lending_loancard_history", 'btree (epoch, member_id, "position", until)'),
        ("lending_loancard_history", "btree (epoch, until)"),
        (
            "lending_loancard_history",
            'btree (epoch, upper((member_name)::text), "position", until) WHERE (NOT returned)',
        ),
    ]
    assert all(len(index.name) <= 30 for version in versions.values() for index in version._meta.indexes)


def emma() -> Book:
    return Book("Emma", Decimal("9.50"), "A", ("sea",), (Copy(1, "new"),))


def test_two_handlers_of_one_event_end_one_version_and_what_comes_and_goes_in_a_batch_leaves_its_own():
    class Twice(Projection):
        tables = (BookCard,)
        keeps_history = True

        @on("Book.Acquired")
        def acquired(self, stream_id: UUID, title: str, price: Decimal, at: datetime) -> BookCard:
            return BookCard(id=stream_id, title=title, price=price, acquired_at=at)

        @on("Book.Acquired")
        def at_once(self, book: BookCard) -> None:
            book.subjects.append("at once")

        @on("Book.Retitled")
        def retitled(self, book: BookCard, title: str) -> None:
            book.title = title

        @on("Book.Retitled")
        def again(self, book: BookCard) -> None:
            book.subjects.append("again")

        @on("Book.Discarded")
        def discarded(self, book: BookCard) -> type[Gone]:
            return Gone

    registered[:] = [each for each in registered if each is not BOOKS]
    book = emma()
    book.retitle("Emma, again")
    book.discard()
    library.record(book)
    end = log.last()

    advance(Twice())

    found = versions[BookCard].objects.order_by("position").values_list("position", "until", "title", "subjects")
    assert list(found) == [
        (end - 2, end - 1, "Emma", ["at once"]),
        (end - 1, end, "Emma, again", ["at once", "again"]),
    ]
    assert [list(BookCard.objects.as_of(end - 3 + n).values_list("title", flat=True)) for n in range(4)] == [
        [],
        ["Emma"],
        ["Emma, again"],
        [],
    ]


def test_what_changes_nothing_leaves_no_version():
    book = emma()
    library.record(book)
    advance()
    book.stamp()
    library.record(book)

    advance()

    assert versions[BookCard].objects.count() == 1, "its stream's own row has another version"
    assert not versions[Volume].objects.exists()


def test_a_model_without_history_says_what_to_write():
    class Plain(Projection):
        tables = (Shelf,)

    LENDING[1].__class__.keeps_history, before = False, LENDING[1].keeps_history
    try:
        with pytest.raises(TypeError, match="Shelf keeps no history: write `keeps_history = True` in Shelves"):
            Shelf.objects.as_of(0)
    finally:
        LENDING[1].__class__.keeps_history = before


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


class Forgetting(Projection):
    """Loans, where a member who leaves is forgotten: with ``Member.Left`` in the place of an erasure."""

    tables = (LoanCard, Borrower)
    keeps_history = True

    joined, opened, returned = LOANS.__class__.joined, LOANS.__class__.opened, LOANS.__class__.returned
    renamed, borrower_renamed = LOANS.__class__.renamed, LOANS.__class__.borrower_renamed

    @on("Member.Left", past=True)
    def left(self, borrower: Borrower) -> None:
        borrower.name = "[erased]"

    @on("Member.Left", loan=every("member_id"), past=True)
    def loan_left(self, loan: LoanCard) -> None:
        loan.member_name = "[erased]"
        loan.book_id = UUID(int=0)


registered.remove(next(each for each in registered if isinstance(each, Forgetting)))


@pytest.fixture
def forgetting() -> Projection:
    registered[:] = [each for each in registered if each is not LOANS] + [projection := Forgetting()]
    return projection


@pytest.mark.usefixtures("small_epochs")
@pytest.mark.parametrize("size", [1, 7, 40, 5000])
def test_what_must_be_forgotten_is_forgotten_in_every_version(small_batches, forgetting, size):
    tell(500, seed=21)
    small_batches(size)

    advance(forgetting)

    left = {event.stream_id: event.position for event in log.after(0, ["Member.Left"], 1000)}
    assert len(left) > 3
    for position in positions()[::10]:
        people, loans = story_of_forgetting(position)
        forgotten = {key for key in left if key in people}
        people |= dict.fromkeys(forgotten, "[erased]")
        loans |= {key: (member, "[erased]") for key, (member, _) in loans.items() if member in left}
        assert dict(Borrower.objects.as_of(position).values_list("id", "name")) == people
        assert {row.id: (row.member_id, row.member_name) for row in LoanCard.objects.as_of(position)} == loans
    erased = list(left)
    assert not versions[Borrower].objects.filter(id__in=erased).exclude(name="[erased]").exists()
    assert not versions[LoanCard].objects.filter(member_id__in=erased).exclude(book_id=UUID(int=0)).exists()
    assert versions[LoanCard].objects.exclude(member_name="[erased]").exists()


def story_of_forgetting(position: int) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """Names of members, and who had each loan, where nobody ever leaves."""
    people: dict[Any, Any] = {}
    loans: dict[Any, Any] = {}
    for event in log.after(0, limit=100_000, up_to=position):
        facts = json.loads(event.data)
        if event.name in ("Member.Joined", "Member.Renamed"):
            people[event.stream_id] = facts["name"]
            if event.name == "Member.Renamed":
                loans |= {key: (m, facts["name"]) for key, (m, _) in loans.items() if m == event.stream_id}
        elif event.name == "Loan.Opened":
            who = UUID(facts["member_id"]) if facts["member_id"] else None
            loans[event.stream_id] = (who, people[who] if who else "in the house")
    return people, loans


def test_a_row_that_is_gone_is_forgotten_too():
    class Vanishing(Projection):
        tables = (BookCard,)
        keeps_history = True

        @on("Book.Acquired")
        def acquired(self, stream_id: UUID, title: str, price: Decimal, at: datetime) -> BookCard:
            return BookCard(id=stream_id, title=title, price=price, acquired_at=at)

        @on("Book.Retitled")
        def retitled(self, book: BookCard) -> type[Gone]:
            return Gone

        @on("Book.Stamped", past=True)
        def stamped(self, book: BookCard | None) -> None:
            if book:
                book.title = "[erased]"

        @on("Book.Discarded", past=True)
        def discarded(self, book: BookCard | None) -> type[Gone] | None:
            return Gone if book else None

    registered[:] = [each for each in registered if each is not BOOKS] + [vanishing := Vanishing()]
    book, other = emma(), Book("Persuasion", Decimal(1), "A", (), ())
    other.retitle("gone")
    book.retitle("gone")
    library.record(book, other)
    advance(vanishing)
    book.stamp()
    library.record(book)

    advance(vanishing)

    assert set(versions[BookCard].objects.values_list("title", flat=True)) == {"[erased]", "Persuasion"}
    book.discard()
    library.record(book)
    advance(vanishing)
    assert list(versions[BookCard].objects.values_list("title", flat=True)) == ["Persuasion"], "Gone: all of it"


def test_a_handler_that_does_more_to_the_past_than_forget_stops():
    class Inventing(Projection):
        tables = (Borrower,)
        keeps_history = True
        on_error = "stop"

        @on("Member.Joined")
        def joined(self, stream_id: UUID, name: str) -> Borrower:
            return Borrower(id=stream_id, name=name)

        @on("Member.Renamed", past=True)
        def renamed(self, borrower: Borrower, name: str) -> None:
            if borrower.version == 1 and borrower.name != "Ada":
                borrower.id = uuid4()
            borrower.name = name

    ada = Member("Ada")
    ada.rename("Ida")
    ada.rename("Eda")
    library.record(ada)

    advance(inventing := Inventing())

    error = Checkpoint.objects.get(projection=inventing.name).error
    assert "A handler `past` may change columns, or return Gone: here it does more to Borrower" in error


def test_history_that_is_kept_from_now_on_begins_where_the_tables_stand():
    tell(60, seed=31)
    LENDING[0].__class__.keeps_history = False
    try:
        advance()
    finally:
        LENDING[0].__class__.keeps_history = True
    stood = log.last()
    with pytest.raises(Pruned, match=f"The history of BookCard is not kept yet: position {stood} is before that"):
        BookCard.objects.as_of(stood)

    tell(60, seed=32)
    advance()

    begins = history.kept_since(BookCard)
    assert begins == log.last(), "where the first batch ended that kept it"
    tell(60, seed=33)
    advance()
    assert [position for position in positions() if position >= begins and told(position) != naive(position)] == []
    with pytest.raises(Pruned, match=f"is kept from position {begins} on: position {stood} is before that"):
        BookCard.objects.as_of(stood)


@pytest.mark.usefixtures("small_epochs")
def test_what_is_older_than_it_is_kept_is_pruned(small_batches, monkeypatch):
    tell(600, seed=41)
    small_batches(40)
    advance()
    sql("ALTER TABLE eventstore_event DISABLE TRIGGER eventstore_append_only")
    first = positions()[0]
    sql(
        "UPDATE eventstore_event SET recorded_at = timestamptz '2026-03-01 12:00Z' + interval '1 h' * (position - %s)",
        first,
    )
    sql("ALTER TABLE eventstore_event ENABLE TRIGGER eventstore_append_only")
    now, middle = datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(hours=600), positions()[300]
    monkeypatch.setattr(BOOKS.__class__, "keeps_history", timedelta(hours=300))
    before, untouched = versions[BookCard].objects.count(), versions[LoanCard].objects.count()

    pruned = [history.prune(projection, now) for projection in LENDING]

    cards = versions[BookCard].objects
    assert pruned[0] >= before - cards.count() > 0
    assert pruned[1:] == [0, 0]
    assert versions[LoanCard].objects.count() == untouched
    assert not cards.filter(until__lte=middle).exists()
    assert history.kept_since(BookCard) == middle
    for position in positions()[300::5]:
        rows = {row["id"]: row for row in BookCard.objects.as_of(position).values()}
        assert rows == naive(position)["bookcard"], position
    with pytest.raises(Pruned, match=f"is kept from position {middle} on: position {middle - 1} is before that"):
        BookCard.objects.as_of(middle - 1)
    assert history.prune(BOOKS, now) == 0, "once is enough"


def test_a_question_that_is_pruned_before_it_is_asked_finds_no_empty_table():
    tell(100, seed=42)
    advance()
    late = BookCard.objects.as_of(log.last())
    HistoryEpoch.objects.all().delete()

    with pytest.raises(DataError, match="division by zero"), transaction.atomic():
        list(late)


@pytest.mark.usefixtures("small_epochs")
def test_who_shares_a_table_ends_its_epochs_where_all_meet(small_batches, monkeypatch):
    tell(600, seed=51)
    small_batches(40)
    monkeypatch.setattr("projections.rows.Rows.write", alone_is_nobody(Rows.write))
    advance()
    table, end = "lending_bookcard", log.last()
    assert HistoryEpoch.objects.filter(table=table).count() == 1

    with transaction.atomic(), log_cursor() as cursor:
        history.end_epochs(cursor, BOOKS, "", end)

    assert [epoch.start for epoch in HistoryEpoch.objects.filter(table=table).order_by("start")] == [0, end]
    tell(100, seed=52)
    advance()
    assert [position for position in positions()[::9] if told(position) != naive(position)] == []


def alone_is_nobody(write: Any) -> Callable[..., None]:
    return lambda self, cursor, to, *, alone=True: write(self, cursor, to, alone=False)


def test_the_versions_that_ended_are_the_same_whatever_the_batches(small_batches, small_epochs):
    tell(400, seed=61)
    found = []
    for size in (1, 30, 5000):
        small_batches(size)
        for projection in LENDING:
            replay(projection)
        advance()
        found.append([sql(f"SELECT t::text FROM {history.ended(keeper(m), m)} t ORDER BY 1") for m in MODELS])

    assert found[0] == found[1] == found[2]
    assert all(found[0])
