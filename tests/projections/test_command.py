"""What `manage.py projections` says and does."""

import json
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from eventstore import log
from eventstore.models import Event
from projections.lease import take
from projections.models import Checkpoint
from projections.projection import Projection, known, on
from tests.lending.domain import Member
from tests.lending.models import Borrower
from tests.lending.story import library, naive, tell
from tests.projections.conftest import BOOKS, advance, tables

NAMES = ("Books", "Loans", "Shelves")


def command(*arguments: str, **options: Any) -> str:
    out = StringIO()
    call_command("projections", *arguments, stdout=out, stderr=out, **options)
    return out.getvalue()


def refused(*arguments: str) -> tuple[str, str]:
    """What it says, and why it ends with an error."""
    out = StringIO()
    with pytest.raises(CommandError) as error:
        call_command("projections", *arguments, stdout=out, stderr=out)
    return out.getvalue(), str(error.value)


def words(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


@pytest.mark.django_db
def test_the_list_says_where_each_stands():
    library.record(Member("Ada"))
    advance(BOOKS)
    (lease,) = take([BOOKS])

    listed = words(command("list", *NAMES))

    end = f"{log.horizon():,}"
    assert listed[0] == ["PROJECTION", "CONTEXT", "STATE", "VERSION", "POSITION", "BEHIND", "SECONDS", "KEPT", "LEASE"]
    assert listed[1][:8] == ["Books", "lending", "live", "1", end, "0", "-", "-"]
    assert listed[1][8:] == [*Checkpoint.objects.get(name="Books").holder.split(), "until", listed[1][-1]]
    assert (listed[2][:6], listed[2][7:]) == (["Loans", "lending", "behind", "1", "0", "1"], ["-", "free"])
    assert listed[3] == ["Shelves", "lending", "live", "1", "0", "0", "-", "-", "free"], (
        "nothing that it handles has happened"
    )
    lease.release()


@pytest.mark.django_db
def test_the_list_can_be_read_by_a_program():
    library.record(Member("Ada"))

    (loans,) = json.loads(command("list", "Loans", "--json"))

    assert (loans["name"], loans["position"], loans["behind_events"], loans["error"]) == ("Loans", 0, 1, "")
    assert (loans["state"], loans["alerts"]) == ("behind", [])
    assert loans["behind_seconds"] >= 0


class Poison(Exception):
    pass


@pytest.mark.django_db
@pytest.mark.usefixtures("made_up")
def test_what_stopped_is_listed_with_its_error_and_is_an_error_of_run():
    class Touchy(Projection):
        tables = (Borrower,)
        on_error = "stop"

        @on("Member.Joined")
        def joined(self, stream_id: UUID) -> None:
            raise Poison("cannot stand it")

    position = library.record(Member("Ada")).position

    said, why = refused("run", "Touchy", "Books")

    assert why == "Touchy cannot go on."
    assert "  stopped since " in said
    assert f": Touchy cannot apply Member.Joined at position {position}: Poison: cannot stand it" in said
    assert Checkpoint.objects.get(name="Books").position == log.horizon()
    assert "Poison: cannot stand it" in command("list", "Touchy")


@pytest.mark.django_db
def test_run_advances_until_the_log_is_seen():
    tell(200)

    said = command("run", *NAMES)

    assert tables() == naive()
    assert "Loans: advancing" in said
    assert [line[5] for line in words(said) if line[0] in NAMES] == ["0", "0", "0"]


@pytest.mark.django_db
def test_scenario_11_other_consumers_ate_the_messages():
    tell(200)

    command("run", "Books")
    ate = [line[2:6:3] for line in words(command("list", "Books", "Loans")) if line[0] in NAMES]
    left = len(tables()["loancard"])
    command("run", "Loans")
    both = [line[2:6:3] for line in words(command("list", "Books", "Loans")) if line[0] in NAMES]

    all_of_its = Event.objects.filter(name__in=known()["Loans"].handlers).count()
    assert (ate, left) == ([["live", "0"], ["behind", f"{all_of_its}"]], 0), "who came first has taken nothing away"
    assert both == [["live", "0"]] * 2
    assert {name: tables()[name] for name in ("bookcard", "volume", "loancard", "borrower")} == {
        name: naive()[name] for name in ("bookcard", "volume", "loancard", "borrower")
    }


@pytest.mark.usefixtures("on_real_transactions")
def test_a_rebuild_says_what_it_compared_and_how_long_readers_waited():
    tell(200)
    advance()

    said = command("rebuild", "Books", "Loans").splitlines()

    books = len(naive()["bookcard"])
    assert "Books: building, at 0 of 200 (0%)" in said
    assert f"  lending_bookcard: {books} rows, all equal" in said
    assert any(line.startswith("Books: rebuilt from ") and line.endswith(" ms.") for line in said)
    assert any(line.startswith("Loans: rebuilt from ") for line in said)
    assert tables() == naive()


@pytest.mark.usefixtures("on_real_transactions")
def test_a_rebuild_that_differs_ends_with_an_error_and_leaves_the_others_alone():
    tell(200)
    advance()
    before = tamper()

    said, why = refused("rebuild", "Loans", "Shelves")

    assert why == "The live tables of Loans are as they were."
    assert "lending_borrower: " in said
    assert "has name 'Tampered' instead of '" in said
    assert "Shelves: rebuilt from " in said
    assert tables() == before

    expected = command("rebuild", "Loans", "--expect-changes")
    (differing,) = [line for line in said.splitlines() if "lending_borrower: " in line]
    assert differing in expected, "the same that had refused it"
    assert f" 1 ({len(before['borrower'])} differ) " in command("list", "Loans")
    assert tables() == naive()


@pytest.mark.usefixtures("on_real_transactions")
def test_scenario_27_copies_drift():
    tell(200)
    advance()

    assert "Books is what the log makes of it.\n  lending_bookcard: " in command("verify", *NAMES)
    before = tamper()
    said, why = refused("verify", *NAMES)

    assert why == "The live tables of Loans are as they were."
    assert "Loans is not what the log makes of it." in said
    assert tables() == before


def tamper() -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE lending_borrower SET name = 'Tampered'")
    return tables()


def test_a_name_that_is_wrong_is_answered_with_the_nearest():
    assert refused("verify", "Lons")[1] == "There is no projection Lons. Is it Loans?"
    assert refused("resume", "lendin")[1] == "There is no projection lendin. Is it lending?"
    assert refused("back", "lending")[1].startswith("There is no projection lending.")


def test_a_rebuild_of_all_must_be_meant():
    assert refused("rebuild")[1] == "Which? Say their names, or --all."
    assert refused("rebuild", "Loans", "--all")[1] == "Which? Say their names, or --all."


HELPED = ("list", "run", "pause", "resume", "rebuild", "verify", "back", "replay", "parked")
PARKED = ("parked list", "parked retry", "parked skip", "parked unskip")


@pytest.mark.parametrize("subcommand", [*HELPED, *PARKED])
def test_help_says_what_it_does_with_an_example(subcommand, capsys):
    with pytest.raises(SystemExit):
        call_command("projections", *subcommand.split(), "--help")

    told = " ".join(capsys.readouterr().out.split())
    assert f"Example: manage.py projections {subcommand} " in told
    assert "%%" not in told
