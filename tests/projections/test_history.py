"""Any list as of any position: what a naive fold of the log up to there says, whatever the batches and epochs were."""

import pickle
import random
from operator import eq, ge, itemgetter, lt, ne
from typing import Any

import pytest
from django.db import connection
from django.db.models import Count, Exists, F, Max, OuterRef, Q, Subquery, Sum, Window
from django.db.models.expressions import RawSQL
from django.db.models.functions import RowNumber
from django.test.utils import CaptureQueriesContext

from eventstore import log
from projections.models import HistoryEpoch
from projections.versions import versions
from tests.lending.models import BookCard, LoanCard
from tests.lending.story import naive, tell
from tests.projections.conftest import MODELS, advance, by_key, positions, sql, told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("made_up")]

COMPARED = {"": eq, "__gte": ge, "__lt": lt, "!": ne}
ORDERED_BY = {
    "bookcard": ("price", "acquired_at", "version"),
    "volume": ("position", "book_id"),
    "shelf": ("books", "worth"),
    "borrower": ("open_loans", "fines", "position"),
    "loancard": ("due", "book_id", "returned"),
}


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
    monkeypatch.setattr("projections.as_of.DEEP", 10)
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
    assert {book.pk: book.n for book in books.annotate(n=Count("id"))} == dict.fromkeys(then, 1)
    assert books.filter(price__gt=50)[:2].count() == min(2, len(dear))
    assert books.distinct().count() == len(then)
    assert BookCard.objects.filter(price__gt=50).order_by("id").as_of(position).count() == len(dear), "last of all, too"
    assert BookCard.objects.exclude(price__gt=50).as_of(position).count() == len(then) - len(dear)
    one = next(iter(then))
    assert vars(books.get(pk=one))["title"] == then[one]["title"]


@pytest.mark.parametrize("epochs", ["one", "several"])
def test_a_page_far_down_a_list_is_the_same_however_it_is_asked_for(monkeypatch, small_batches, epochs):
    monkeypatch.setattr("projections.as_of.DEEP", 10)
    monkeypatch.setattr("projections.as_of.LATELY", 0)
    monkeypatch.setattr("projections.history.SMALLEST_EPOCH", 20 if epochs == "several" else 10_000)
    tell(900, seed=5)
    small_batches(40)
    advance()
    position = positions()[500]
    with CaptureQueriesContext(connection) as asked:
        assert list(BookCard.objects.as_of(position).order_by("price", "id")[20:30])
    assert 'AND "id" IN (SELECT' in asked[-1]["sql"], "its keys are found first"
    rows = sorted(naive(position)["bookcard"].values(), key=itemgetter("price", "id"))
    assert len(rows) > 40
    ids, books = [row["id"] for row in rows], BookCard.objects.as_of(position).order_by("price", "id")

    assert [book.id for book in books[20:30]] == ids[20:30]
    assert [book.id for book in books.reverse()[20:30]] == ids[::-1][20:30]
    assert [book.title for book in books.only("title")[20:30]] == [row["title"] for row in rows[20:30]]
    assert list(books.values_list("title", "price")[20:30]) == [(row["title"], row["price"]) for row in rows[20:30]]
    assert [book.id for book in books.annotate(dear=-F("price")).order_by("-dear", "id")[20:30]] == ids[20:30]
    numbered = books.annotate(number=Window(RowNumber(), order_by=["price", "id"]))
    assert [book.number for book in numbered[20:30]] == list(range(21, 31))
    assert [book.id for book in numbered.filter(number__gt=5)[15:25]] == ids[20:30]
    assert [book.id for book in books.filter(price__gte=rows[5]["price"])[15:25]] == ids[20:30]
    assert [book.id for book in books[20:]] == ids[20:]
    assert [row["n"] for row in books.values("price").annotate(n=Count("id")).order_by("price")[20:22]]
    assert books[20:30].count() == 10
    assert list(books.filter(pk__in=[])[20:30]) == list(books[20:20]) == []
    assert books[20].id == ids[20]
    page = books[20:30]
    assert [book.id for book in page] == [book.id for book in page.all()]


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
        lambda books, loans: books.filter(id__in=[Subquery(loans.values("book_id")[:1])]),
        lambda books, loans: books.annotate(n=Count("id", filter=Exists(loans))),
        lambda books, loans: books.distinct().aggregate(n=Max(Subquery(loans.values("due")[:1]))),
        lambda books, loans: books[:5].aggregate(n=Count("id", filter=Q(id__in=loans.values("book_id")))),
        lambda books, loans: books.extra(select={"n": "(select count(*) from lending_loancard)"}),
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
