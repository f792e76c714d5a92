"""What operators do to projections with `manage.py projections`: pause, go back, replay, retry, skip."""

from typing import Any, ClassVar
from uuid import UUID

import pytest

from eventstore import log
from projections import rebuild, status
from projections.models import Checkpoint, Parked
from projections.projection import Policy, Projection, known, on
from tests.lending.domain import Member
from tests.lending.models import Borrower, Volume
from tests.lending.story import library, naive, tell
from tests.projections.conftest import BOOKS, advance, sql, tables
from tests.projections.test_command import command, refused, tamper, words


@pytest.mark.django_db
def test_who_is_paused_says_so_and_is_left_alone_until_it_is_resumed():
    library.record(Member("Ada"))

    assert command("pause", "Loans", "--reason", "prices are wrong").startswith("Loans is paused.")
    said = command("run")

    assert "Loans is paused, by " in said
    assert [line[2:5:2] for line in words(said) if line[:1] == ["Loans"]][-1] == ["paused", "0"]
    assert "UTC by " in command("list", "Loans")
    assert "prices are wrong" in command("list", "Loans")
    assert Checkpoint.objects.get(name="Books").position == log.horizon()
    why = refused("run", "Loans")[1]
    assert why.endswith("prices are wrong. Let it go on first: manage.py projections resume Loans")

    assert command("resume", "Loans") == "Loans goes on where it was.\n"
    command("run", "Loans")
    assert Checkpoint.objects.get(name="Loans").position == log.horizon()


@pytest.mark.django_db
def test_a_pause_needs_a_reason_and_is_not_paused_again():
    assert refused("pause", "Loans", "--reason", " ")[1] == "Expected a reason for the pause, found none."
    command("pause", "Loans", "--reason", "upgrade")
    assert refused("pause", "Loans", "--reason", "again")[1] == "Loans is paused already."
    assert Checkpoint.objects.get(name="Loans").pause_reason == "upgrade"
    assert refused("resume", "Books")[1] == "Books is not paused."


@pytest.mark.django_db
def test_a_context_is_paused_and_goes_on_as_a_whole():
    lending = sorted(each.name for each in known().values() if each.context == "lending")
    command("pause", "Loans", "--reason", "upgrade")

    said = command("pause", "lending", "--reason", "a stocktaking")

    reasons = dict(Checkpoint.objects.exclude(paused_at=None).values_list("name", "pause_reason"))
    assert len(lending) > 2
    assert sorted(line.split()[0] for line in said.splitlines()) == [name for name in lending if name != "Loans"]
    assert reasons == dict.fromkeys(lending, "a stocktaking") | {"Loans": "upgrade"}
    assert refused("pause", "lending", "--reason", "again")[1].endswith("is paused already.")

    said = command("resume", "lending")

    assert sorted(line.split()[0] for line in said.splitlines()) == lending
    assert not Checkpoint.objects.exclude(paused_at=None).exists()


@pytest.mark.django_db
def test_a_check_fails_if_somebody_should_look(monkeypatch):
    assert command("list", "Books", "--check")

    alert = status.Alert("Books", "stuck", "Books has not moved for an hour.")
    monkeypatch.setattr("projections.listing.alerts", lambda found: [alert])
    monkeypatch.setattr("projections.management.commands.projections.alerts", lambda found: [alert])
    said, why = refused("list", "Books", "--check")

    assert said.splitlines()[-1] == "! Books has not moved for an hour."
    assert why == "Somebody should look at Books."


@pytest.mark.django_db
def test_a_replay_says_what_it_would_do_unless_it_is_meant():
    tell(200)
    advance()
    before = tables()

    why = refused("replay", "Books")[1]

    rows = len(before["bookcard"]) + len(before["volume"])
    assert why.startswith(f"This empties the live tables of Books ({rows} rows), and readers see them fill again.")
    assert "`manage.py projections rebuild Books` builds them beside the live ones" in why
    assert tables() == before


@pytest.mark.usefixtures("on_real_transactions")
def test_a_replay_folds_the_log_again_with_progress():
    tell(200)
    advance()

    said = command("replay", "Books", "--yes")

    rows = len(naive()["bookcard"]) + len(naive()["volume"])
    assert said.startswith(f"Books: emptied, {rows} rows.\nBooks: advancing")
    assert tables() == naive()


@pytest.mark.usefixtures("on_real_transactions")
def test_a_replay_of_one_that_is_paused_is_refused_before_it_is_emptied():
    tell(50)
    advance()
    command("pause", "Books", "--reason", "upgrade")

    assert refused("replay", "Books", "--yes")[1].startswith("Books is paused: its tables would stay empty.")

    assert tables() == naive()


@pytest.mark.usefixtures("on_real_transactions")
def test_a_replay_that_is_stopped_says_what_is_left(monkeypatch):
    tell(200)
    advance()

    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("projections.management.commands.projections.catch_up", stopped)
    why = refused("replay", "Books", "--yes")[1]

    assert why.startswith("Books: stopped at position 0 of ")
    assert why.endswith("The workers go on, or: manage.py projections run Books")


@pytest.mark.django_db
def test_a_rebuild_that_is_stopped_says_which_are_left(monkeypatch):
    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rebuild, "rebuild", stopped)

    assert refused("rebuild", "Loans", "Books")[1] == (
        "Loans: stopped. Its live tables are as they were; what was built is kept, and gone on with. "
        "Left: manage.py projections rebuild Loans Books"
    )


@pytest.mark.parametrize("sample", ["0", "x", "101%", "-5%", "nan"])
def test_a_sample_is_a_share(sample):
    assert (
        f"expected a share above 0% and up to 100%, such as 5%, found '{sample}'"
        in refused("verify", "Books", f"--sample={sample}")[1]
    )


def test_a_sample_is_for_a_dry_run():
    assert refused("rebuild", "Books", "--sample", "5%")[1].startswith("Expected --sample with --dry-run")


@pytest.mark.parametrize("instead", ["--restart", "--abandon"])
def test_a_dry_run_is_that_alone(instead):
    assert "not allowed with argument --dry-run" in refused("rebuild", "Books", "--dry-run", instead)[1]


@pytest.mark.django_db
def test_what_newer_code_has_built_is_left_to_that_code():
    library.record(Member("Ada"))
    advance(BOOKS)
    Checkpoint.objects.filter(name="Books").update(version=2, position=0)

    assert refused("run", "Books")[1] == "Books: built by newer code, which alone can go on."
    assert refused("replay", "Books", "--yes")[1] == "Books was built by code of version 2, and this is 1."


@pytest.mark.usefixtures("on_real_transactions")
def test_what_refuses_a_rebuild_is_an_alert_and_in_the_list():
    tell(200)
    advance()
    sql("UPDATE lending_volume SET condition = 'eaten'")

    said, why = refused("rebuild", "Books")

    assert "If they are wanted: declare them in `changes` with a higher `version`, or expect changes." in said
    assert why == "The live tables of Books are as they were."
    assert "! Books was not rebuilt as version 1: Books: its tables do not hold the rows" in command("list", "Books")
    command("rebuild", "Books", "--expect-changes")
    assert "!" not in command("list", "Books")


@pytest.mark.usefixtures("on_real_transactions")
def test_a_look_at_some_streams_does_not_take_back_what_a_look_at_all_has_found():
    tell(300)
    advance()
    not_first = next(each for each in Volume.objects.order_by("pk") if each.book_id.bytes[-1] > 0)
    sql("UPDATE lending_volume SET condition = 'eaten' WHERE id = %s", not_first.pk)
    assert refused("verify", "Books")[1] == "The live tables of Books are as they were."
    alert = "! Books is not what the log makes of it: 1 rows differ. Heal it, or rebuild."

    command("verify", "Books", "--sample", "0.0001%")

    assert alert in command("list", "Books")
    command("verify", "Books", "--heal")
    assert alert not in command("list", "Books")


@pytest.mark.usefixtures("on_real_transactions")
def test_nothing_is_thrown_away_where_nothing_was_kept():
    advance(BOOKS)

    assert refused("back", "Books", "--drop")[1].startswith("Books has no old tables")


def test_a_policy_is_not_replayed():
    assert refused("replay", "PlaceOrders", "--yes")[1].startswith("PlaceOrders is a policy")


@pytest.mark.usefixtures("on_real_transactions")
def test_a_rebuild_that_nobody_goes_on_with_is_an_alert(monkeypatch):
    tell(200)
    advance()

    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("projections.rebuild.shadow.finish", stopped)
        refused("rebuild", "Books")

    assert "! Books: a rebuild was stopped at position " in command("list", "Books")
    command("rebuild", "Books", "--abandon")
    assert "was stopped" not in command("list", "Books")


@pytest.mark.usefixtures("on_real_transactions")
def test_what_was_built_so_far_is_thrown_away():
    tell(50)
    advance()
    Checkpoint.objects.create(name="Books/rebuild_Books", projection="Books", schema="rebuild_Books")

    assert "what was built of it is thrown away" in command("rebuild", "Books", "--abandon")

    assert not Checkpoint.objects.exclude(schema="").exists()
    assert tables() == naive()


@pytest.mark.usefixtures("on_real_transactions")
def test_verify_heals_when_it_is_told_to():
    tell(200)
    advance()
    tamper()

    assert "Loans was not what the log makes of it, and is now." in command("verify", "Loans", "--heal")

    assert tables() == naive()
    assert "Loans is what the log makes of it." in command("verify", "Loans")


@pytest.mark.usefixtures("on_real_transactions")
def test_a_dry_run_changes_nothing_and_says_what_would():
    tell(200)
    advance()
    before = tables()

    assert "lending_bookcard" in command("rebuild", "Books", "--dry-run")

    assert tables() == before
    assert not Checkpoint.objects.exclude(schema="").exists()


@pytest.mark.usefixtures("on_real_transactions")
def test_the_tables_before_a_rebuild_come_back_until_they_are_dropped():
    tell(200)
    advance()
    command("rebuild", "Books")

    assert words(command("list", "Books"))[1][7] == "1", "the version of the old tables that are kept"
    assert command("back", "Books").startswith("Books has its old tables again, as of position ")
    advance(BOOKS)
    assert tables() == naive()

    command("rebuild", "Books")
    assert command("back", "Books", "--drop").startswith("Books: the kept tables are thrown away.")
    assert words(command("list", "Books"))[1][7] == "-"
    assert "Books" in refused("back", "Books")[1]


class Touchy(Projection):
    """Not registered but by the fixture: it cannot stand a name while ``trouble`` lasts."""

    trouble: ClassVar[bool] = True

    @on("Member.Joined")
    def joined(self, stream_id: UUID, name: str) -> Borrower:
        if self.trouble and name == "Bad":
            raise ValueError("cannot stand it")
        return Borrower(id=stream_id, name=name)

    @on("Member.Renamed")
    def renamed(self, borrower: Borrower, name: str) -> None:
        borrower.name = name


@pytest.fixture
def parked(made_up: None) -> tuple[type[Touchy], int]:
    """An event that fails, and one that waits behind it; the projection, and the events' positions."""

    class Members(Touchy):
        tables = (Borrower,)

    members = known()["Members"]
    bad = Member("Bad")
    first = library.record(bad).position
    bad.rename("Better")
    library.record(Member("Ada"))
    library.record(bad)
    advance(members)
    return Members, first


@pytest.mark.django_db
def test_what_is_parked_is_listed_with_its_error_and_what_waits_behind_it(parked):
    _, first = parked

    head, listed, error = command("parked", "list").splitlines()

    assert head.split() == ["PROJECTION", "POSITION", "EVENT", "STREAM", "AGE", "TRIES", "BEHIND"]
    stream = str(Parked.objects.get(position=first).stream_id)
    assert listed.split()[:4] == ["Members", f"{first:,}", "Member.Joined", stream]
    assert listed.split()[-2:] == ["0", "1"]
    assert error.endswith("ValueError: cannot stand it")
    assert words(command("list", "Members"))[1][2:4] == ["parked", "2"]
    assert command("parked", "list", "Books") == "Nothing is parked.\n"


@pytest.mark.django_db
def test_a_retry_applies_what_can_be_applied_now(parked):
    members, first = parked

    said, why = refused("parked", "retry", "Members")

    assert said == "Members: 0 events applied, 2 still parked.\n"
    assert why.endswith("ValueError: cannot stand it")
    members.trouble = False
    stream = Parked.objects.get(position=first).stream_id
    assert command("parked", "retry", "Members", "--stream", str(stream)).startswith("Members: 2 events applied")
    assert Borrower.objects.get(id=stream).name == "Better"
    assert refused("parked", "retry", "Members")[1] == "Members has nothing parked."


@pytest.mark.django_db
def test_a_skip_is_listed_with_its_reason_and_can_be_undone(parked):
    _, first = parked

    assert "Of its stream 1 still wait" in command("parked", "skip", "Members", str(first), "--reason", "a test")

    listed = command("parked", "list")
    assert "skipped by " in listed
    assert ": a test" in listed
    assert command("parked", "unskip", "Members", str(first)).endswith("parked again: retry it.\n")
    assert Parked.objects.get(position=first).skipped_at is None
    assert refused("parked", "skip", "Members", "999999", "--reason", "x")[1] == (
        "Members has no event parked at position 999999."
    )


@pytest.mark.django_db
@pytest.mark.usefixtures("made_up")
def test_a_policy_is_not_done_again():
    class Greeter(Policy):
        @on("Member.Joined")
        def joined(self, name: str) -> None: ...

    for again in (("rebuild", "Greeter"), ("verify", "Greeter")):
        said, why = refused(*again)
        assert (said, why) == (
            "Greeter is a policy: what it did, it did, and is not done again.\n",
            "The live tables of Greeter are as they were.",
        )
    assert refused("replay", "Greeter", "--yes")[1].startswith("Greeter is a policy")
    assert words(command("list", "Greeter"))[1][:3] == ["Greeter", "-", "live"]
