"""``manage.py events``: whatever lies in the log and whoever asks, an answer and no traceback."""

import io
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from eventsourcing.domain import event

from eventstore import auditing, checks, personal
from eventstore.application import EventSourced
from eventstore.domain import Aggregate, value
from eventstore.management.commands.events import Command
from eventstore.persistence import LogRecorder, Stored, rows
from eventstore.sealing import Personal
from tests.eventstore.orders import place

pytestmark = pytest.mark.django_db(transaction=True)
app = EventSourced()
ACTIONS = ("tail", "show", "verify", "export", "import", "horizon", "docs", "roles", "new-key", "rewrap")


@value
class Home:
    street: str


class Lodger(Aggregate):
    @event("Arrived")
    def __init__(self, name: Personal[str], room: int) -> None:
        self.name, self.room = name, room

    @event("Left")
    def leave(self, home: Personal[Home | None]) -> None:
        self.home = home


@pytest.fixture(autouse=True)
def lodger(empty_log):
    app.record(lodger := Lodger("Ada Byron", 7))
    lodger.leave(Home("1 Quay Street"))
    app.record(lodger)
    return lodger.id


@pytest.fixture
def only_looking(lodger):
    """The connection, as the role that only looks."""
    writer, reader = (f"{connection.settings_dict['NAME']}_{role}" for role in ("writer", "reader"))
    with connection.cursor() as c:
        for role in (writer, reader):
            c.execute(f"drop role if exists {role}; create role {role}")
        c.execute(events("roles", "--writer", writer, "--reader", reader))
        c.execute(f"set role {reader}")
    yield
    with connection.cursor() as c:
        c.execute("reset role")
        for role in (writer, reader):
            c.execute(f"drop owned by {role}; drop role {role}")
        c.execute("grant execute on function eventstore_append, eventstore_publish_horizon to public")


def events(*arguments):
    out = io.StringIO()
    call_command("events", *map(str, arguments), stdout=out, no_color=True)
    return out.getvalue()


def tampered(statement):
    with connection.cursor() as c:
        c.execute("alter table eventstore_event disable trigger eventstore_append_only")
        c.execute(statement)
        c.execute("alter table eventstore_event enable trigger eventstore_append_only")


@pytest.mark.usefixtures("only_looking")
def test_who_may_not_read_the_keys_sees_what_is_personal_sealed(lodger):
    tailed, shown = events("tail"), events("show", lodger)
    changed, verified = events("show", lodger, "--diff"), events("verify")

    assert tailed == shown
    assert 'Lodger.Arrived {"name":"[sealed]","room":7}' in tailed
    assert 'Lodger.Left {"home":{"street":"[sealed]"}}' in tailed
    assert 'home: null → {"street":"[sealed]"}' in changed
    assert "every event of it is readable" in verified
    assert "Personal facts were not opened: this database role may not read the keys" in verified


@pytest.mark.usefixtures("only_looking")
@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("show", "lodger", "--at", "v1"), "this database role may not read the keys"),
        (("export",), "Expected a database role that may read eventstore_personal_key, found one that may not"),
        (("rewrap",), "permission denied for table eventstore_personal_key"),
        (("import", __file__), "Expected an export of a log"),
    ],
)
def test_and_is_told_what_they_may_not_do(arguments, problem, lodger, capsysbinary):
    with pytest.raises(CommandError, match=problem):
        events(*(lodger if argument == "lodger" else argument for argument in arguments))

    assert capsysbinary.readouterr().out == b"", "no half of an export"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("tail", "-n", 10**30), f"nor above {2**63 - 1}; it is {10**30}"),
        (("tail", "-n", -1), "must not be negative"),
        (("tail", "--name", "Lodger.Leaft"), "Nothing is stored as Lodger.Leaft. Is it Lodger.Left?"),
        (("tail", "--name", "a\0b"), "a\0b"),
        (("show", "garbage"), "Expected a UUID"),
        (("show", UUID(int=7)), "There is no stream"),
        (("show", UUID(int=7), "--diff"), "There is no stream"),
        (("show", UUID(int=7), "--at", "v1"), f"There is no stream {UUID(int=7)}"),
        (("import", "/"), "Is a directory"),
    ],
)
def test_a_wrong_question_is_explained(arguments, problem):
    with pytest.raises(CommandError) as told:
        events(*arguments)

    assert problem in str(told.value) or "\0" in problem


def test_keys_are_not_wrapped_anew_without_the_old_one(settings):
    settings.EVENTSTORE_KEYS = [new_key()]

    with pytest.raises(CommandError, match="Keys are wrapped by 'test', and EVENTSTORE_KEYS has only"):
        events("rewrap")


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        (r"data = '\xff'", r"Lodger.Arrived \xff unreadable: "),
        ("data = '[1]'", "Lodger.Arrived [1] unreadable: "),
        ("name = 'A.B'", "unreadable: no class is stored as A.B"),
        ("""data = '{"name":{"sealed":"garbage"},"room":7}'""", '"room":7} unreadable: '),
    ],
)
def test_what_cannot_be_read_is_shown_raw_with_what_is_wrong_and_the_others_too(change, shown, lodger):
    readable = place(customer_id=UUID(int=1), items=()).id
    tampered(f"update eventstore_event set {change} where name = 'Lodger.Arrived'")

    tailed = events("tail")

    assert shown in tailed
    assert shown in events("show", lodger)
    assert f"{readable} v1 Purchase.Placed " in tailed
    with pytest.raises(CommandError, match=r"(Lodger\.Arrived|A\.B) at position 1"):
        events("show", lodger, "--diff")


def test_a_key_that_is_lost_is_named(lodger):
    rows("delete from eventstore_personal_key returning 1")

    assert f"unreadable: There is no key, and no sign of forgetting, for {lodger}." in events("tail")
    with pytest.raises(CommandError, match=rf"Lodger\.Arrived at position 1, .* for {lodger}"):
        events("show", lodger, "--diff")


def new_key():
    return events("new-key").strip()


def said_of_keys():
    return [each for each in checks.every_name_can_be_read() if each.id in ("eventstore.E004", "eventstore.W002")]


def test_from_no_key_to_a_first_sealed_fact(settings):
    rows("delete from eventstore_personal_key returning 1")
    settings.EVENTSTORE_KEYS = []
    (warned,) = said_of_keys()
    call_command("migrate", verbosity=0)

    settings.EVENTSTORE_KEYS = [new_key()]
    app.record(lodger := Lodger("Grace Hopper", 8))

    assert (warned.id, "manage.py events new-key" in warned.hint) == ("eventstore.W002", True)
    assert said_of_keys() == []
    assert '"name":"Grace Hopper"' in events("show", lodger.id)


def test_a_key_that_is_none_is_an_error_and_a_new_one_is_made_all_the_same(settings):
    settings.EVENTSTORE_KEYS = ["2026:short"]

    made = io.StringIO()
    Command(stdout=made).run_from_argv(["manage.py", "events", "new-key"])

    assert [(each.id, each.level) for each in said_of_keys()] == [("eventstore.E004", 40)]
    settings.EVENTSTORE_KEYS = [made.getvalue().strip()]
    assert len(personal.masters()) == 1


def test_a_stored_name_that_nothing_knows_is_an_error():
    place(customer_id=UUID(int=1), items=())
    assert checks.every_stored_name_is_known(databases=["default"]) == []

    LogRecorder().insert_events([Stored(uuid4(), 1, "Lodger.Vanished", b"{}")])

    (error,) = checks.every_stored_name_is_known(databases=["default"])
    assert error.msg == "The log has events stored as Lodger.Vanished, and no class is stored so."
    assert "formerly('Lodger.Vanished', now=…)" in error.hint
    assert checks.every_stored_name_is_known() == []


def test_a_frequent_name_is_known_of_however_old_it_is(monkeypatch):
    monkeypatch.setattr(auditing, "RECENT", 1)
    for _ in range(3):
        LogRecorder().insert_events([Stored(uuid4(), 1, "Lodger.Vanished", b"{}")])
    place(customer_id=UUID(int=1), items=())
    assert auditing.unknown() == []

    with connection.cursor() as c:
        c.execute("analyze eventstore_event")

    assert auditing.unknown() == ["Lodger.Vanished"]


@pytest.mark.parametrize("action", ACTIONS)
def test_each_action_says_what_it_does_and_gives_an_example(action, capsys):
    with pytest.raises(SystemExit):
        Command().create_parser("manage.py", "events").parse_args([action, "--help"])

    told = capsys.readouterr().out
    assert f"Example: manage.py events {action}" in told
    assert len(told.split("\n\n")[1].split()) > 5, "what it does"
