"""What is wrong with a projection is known before it reads an event."""

from uuid import UUID

import pytest
from django.core.checks import run_checks
from django.db import models
from django.test.utils import isolate_apps

from projections.checks import check_projections
from projections.models import ReadModel
from projections.projection import Projection, every, on
from projections.versions import versions
from tests.lending.models import Borrower, LoanCard, Shelf

pytestmark = pytest.mark.usefixtures("made_up")


def found() -> list[tuple[str | None, str, str | None]]:
    return [(error.id, error.msg, error.hint) for error in check_projections()]


def test_the_projections_of_the_installed_apps_are_right():
    assert [error for error in run_checks() if (error.id or "").startswith("projections.")] == []


def test_an_event_that_nothing_records_is_named_with_its_nearest():
    class Mistaken(Projection):
        tables = (LoanCard,)

        @on("Loan.Opend")
        def opened(self) -> None: ...

    assert (
        "projections.E007",
        "Mistaken.opened handles Loan.Opend, which nothing records.",
        "Is it Loan.Opened?",
    ) in found()


def test_a_column_that_may_change_is_there():
    class Renamed(Projection):
        tables = (LoanCard,)
        changes = {LoanCard: ("memner_id",)}

    assert (
        "projections.E013",
        "Renamed.changes names memner_id, which is no column of LoanCard.",
        "Is it member_id?",
    ) in found()


def test_two_projections_cannot_have_one_name():
    class Loans(Projection):
        tables = (Shelf,)

    errors = found()

    assert (
        "projections.E001",
        "2 projections are called Loans: in tests.lending.models, tests.projections.test_checks.",
        "Its name is its checkpoint's: give each class a name of its own.",
    ) in errors
    assert (
        "projections.E002",
        "Shelf is kept by Shelves and Loans.",
        "A table has one projection; another one can keep a copy.",
    ) in errors


def test_every_row_with_a_column_needs_its_index():
    class Slow(Projection):
        tables = (LoanCard,)

        @on("Book.Discarded", loan=every("book_id"))
        def discarded(self, loan: LoanCard) -> None: ...

        @on("Member.Left", loan=every("member_id"))
        def left(self, loan: LoanCard) -> None: ...

    assert [error for error in found() if error[0] == "projections.E008"] == [
        ("projections.E008", "Slow.discarded asks for every LoanCard by book_id, which has no index.", "db_index=True")
    ]


def test_a_handler_that_does_not_say_what_it_needs_is_an_error():
    class Vague(Projection):
        tables = (Borrower,)

        @on("Member.Joined")
        def joined(self, stream_id: UUID, name) -> None: ...

    assert ("projections.E006", "Vague.joined: name needs a type, to be read from the event.", None) in found()


def test_a_column_that_does_not_exist_is_an_error():
    class Lost(Projection):
        tables = (LoanCard,)

        @on("Member.Left", loan=every("membre_id"))
        def left(self, loan: LoanCard) -> None: ...

    assert ("projections.E006", "LoanCard has no field named 'membre_id'", None) in found()


@isolate_apps("tests.lending")
def test_a_table_must_be_one_that_can_be_built_again():
    class Numbered(ReadModel):
        class Meta:
            app_label = "lending"

    class Bound(ReadModel):
        id = models.UUIDField(primary_key=True)
        loan = models.ForeignKey(Numbered, on_delete=models.CASCADE)

        class Meta:
            app_label = "lending"

    class Plain(models.Model):
        id = models.UUIDField(primary_key=True)

        class Meta:
            app_label = "lending"

    class Odd(Projection):
        tables = (Numbered, Bound, Plain)

    assert {(code, message) for code, message, _ in found()} == {
        (
            "projections.E004",
            "Numbered needs a key that comes from events: a rebuild would number its rows anew.",
        ),
        ("projections.E005", "Bound.loan has a constraint in the database, which a rebuilt table loses."),
        ("projections.E003", "Plain is no ReadModel."),
    }


@isolate_apps("tests.lending")
def test_a_column_does_not_take_the_name_of_one_of_the_engines_own():
    class Member(ReadModel):
        id = models.UUIDField(primary_key=True)
        position = models.CharField(max_length=9)  # in the team
        until = models.DateField()
        since = models.DateField(db_column="epoch")

        class Meta:
            app_label = "lending"

    class Members(Projection):
        tables = (Member,)
        keeps_history = True

    del versions[Member]

    assert [(code, message) for code, message, _ in found()] == [
        ("projections.E014", "Member.position would take the place of the position that every read model has."),
        ("projections.E014", "Member.until would take the place of the until that its history has."),
        ("projections.E014", "Member.since would take the place of the epoch that its history has."),
    ]
