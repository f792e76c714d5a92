"""A reader on a streaming replica, which cannot see who is writing, misses nothing."""

import os
import random
import subprocess
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connections, transaction
from eventsourcing.persistence import IntegrityError

from eventstore import log
from eventstore.persistence import LogRecorder, Stored, rows
from local.place import Place
from local.process import run_as
from local.servers import Postgres
from projections import tasks

WRITERS, SECONDS = 4, 3.0


@pytest.fixture
def servers(tmp_path, django_db_blocker):
    """A primary and its standby, under these names; the log's tables are there."""
    with ExitStack() as stack:
        stack.enter_context(django_db_blocker.unblock())
        primary = stack.enter_context(running(Postgres(place(tmp_path / "primary"))))
        stack.enter_context(known_as("primary", primary, primary))
        call_command("migrate", "eventstore", database="primary", verbosity=0)
        standby = Postgres(place(tmp_path / "standby"))
        base_backup(primary, standby)
        stack.enter_context(running(standby))
        stack.enter_context(known_as("replica", standby, primary))
        yield


def place(folder: Path) -> Place:
    folder.mkdir()
    for above in (folder, *folder.parents):
        if above != Path("/tmp") and above.stat().st_uid == os.getuid() and above.is_relative_to("/tmp"):
            above.chmod(0o755)  # nobody, who runs the server when we are root, passes through
    return Place.of(folder)


@contextmanager
def running(server: Postgres):
    try:
        server.start()
        yield server
    finally:
        server.end()


@contextmanager
def known_as(alias, server, whose):
    """As one of Django's databases; with the roles of the primary."""
    url = urlsplit(whose.url)
    where = {"HOST": "127.0.0.1", "PORT": urlsplit(server.url).port, "NAME": url.path[1:]}
    who = {"USER": url.username, "PASSWORD": url.password}
    connections.settings[alias] = connections.settings["default"] | where | who
    try:
        yield
    finally:
        connections[alias].close()
        del connections[alias], connections.settings[alias]


def base_backup(primary, standby):
    account, url = standby.place.account, urlsplit(primary.url)
    standby.cluster.mkdir(mode=0o700)
    if account:
        os.chown(standby.cluster, account.pw_uid, account.pw_gid)
    program, where = standby.place.postgres("pg_basebackup"), ["-h", "127.0.0.1", "-p", str(url.port)]
    subprocess.run(
        [program, *where, "-U", url.username, "-D", standby.cluster, "--write-recovery-conf", "--checkpoint=fast"],
        env={"PATH": os.defpath, "PGPASSWORD": url.password},
        cwd=standby.place.data,
        check=True,
        **run_as(account),
    )


def write(seed: int, until: float) -> None:
    """Streams of one's own, and some that others write too; slow now and then, and a fifth of it given up."""
    chance, recorder = random.Random(seed), LogRecorder("primary")
    try:
        while time.monotonic() < until:
            try:
                with transaction.atomic("primary"):
                    for stream in sorted(chance.sample(range(20), 2)):
                        last = recorder.select_events(UUID(int=stream), desc=True, limit=1)
                        version = last[0].originator_version if last else 0
                        recorder.insert_events([Stored(UUID(int=stream), version + 1, "Fuzz.Happened", b"{}")])
                        time.sleep(chance.random() * chance.choice((0.001, 0.01, 0.2)))
                    if chance.random() < 0.2:
                        raise ZeroDivisionError
            except (IntegrityError, ZeroDivisionError):
                pass
    finally:
        connections["primary"].close()


def test_a_reader_on_a_replica_misses_nothing(servers):
    assert rows("select pg_is_in_recovery()", using="replica") == [(True,)]
    LogRecorder("primary").insert_events([Stored(UUID(int=99), 1, "Fuzz.Happened", b"{}")])
    wait_until(lambda: rows("select count(*) from eventstore_event", using="replica") == [(1,)])
    assert log.after(0, using="replica") == [], "nothing is read that was not published"

    until = time.monotonic() + SECONDS
    writers = [threading.Thread(target=write, args=(seed, until)) for seed in range(WRITERS)]
    for writer in writers:
        writer.start()
    seen = []
    while any(writer.is_alive() for writer in writers):
        log.publish("primary")
        seen += log.after(seen[-1].position if seen else 0, using="replica")
    log.publish("primary")
    wait_until(lambda: log.horizon("replica") == log.horizon("primary"))
    seen += log.after(seen[-1].position, using="replica")

    recorded = rows("select position, stream_id, version from eventstore_event order by position", using="primary")
    assert [(event.position, event.stream_id, event.version) for event in seen] == recorded
    assert len(recorded) > 50
    assert recorded[-1][0] > len(recorded), "some were given up"


@pytest.mark.django_db
def test_a_sweep_publishes_the_horizon(monkeypatch):
    LogRecorder().insert_events([Stored(UUID(int=99), 1, "Fuzz.Happened", b"{}")])
    monkeypatch.setattr(tasks, "catch_up", lambda *_, **__: None)

    tasks.sweep()

    assert rows("select position from eventstore_published_horizon") == [(log.horizon(),)]


def wait_until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
