"""The embedded servers: safe by default, and able to start after whatever ended them."""

import os
import signal
import subprocess

import psycopg
import pytest
import redis

from local.place import Place
from local.process import born, run_as
from local.servers import Postgres, embedded
from tests.local.conftest import until


def ask(server: Postgres, statement: str) -> object:
    with psycopg.connect(server.url) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchone() if cursor.description else None


def kill(server: Postgres) -> None:
    os.kill(server.child.pid, signal.SIGKILL)
    until(lambda: server.status is not None)


def test_postgresql_is_durable_and_speaks_utf_8(folder):
    with embedded(folder) as (postgres, _):
        settings = ask(
            postgres,
            """
            SELECT current_setting('fsync'), current_setting('synchronous_commit'), current_setting('listen_addresses'),
                   pg_encoding_to_char(encoding), datlocprovider, datlocale, pg_get_userbyid(datdba)
            FROM pg_database WHERE datname = current_database()
            """,
        )

    assert settings == ("on", "on", "127.0.0.1", "UTF8", "b", "C.UTF-8", "daybook")


def test_both_servers_want_their_password(folder):
    with embedded(folder) as (postgres, valkey):
        assert redis.Redis.from_url(valkey.url).ping()
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=valkey.port, retry=None).ping()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(postgres.url.replace(postgres.url.split(":")[2].split("@")[0], "guessed"))

    assert (folder / "postgres.password").stat().st_mode & 0o777 == 0o600


def test_a_second_start_keeps_the_data(folder):
    with embedded(folder) as (postgres, _):
        ask(postgres, "CREATE TABLE kept AS SELECT 1 AS id")

    with embedded(folder) as (postgres, _):
        assert ask(postgres, "SELECT id FROM kept") == (1,)


def test_a_server_named_in_the_environment_is_not_started(folder, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/daybook")

    with embedded(folder) as servers:
        assert [server.name for server in servers] == ["valkey"]

    assert not (folder / "postgres").exists()


def test_postgresql_recovers_after_it_was_killed(folder):
    with embedded(folder) as (postgres, _):
        ask(postgres, "CREATE TABLE kept AS SELECT 1 AS id")
        kill(postgres)

        postgres.start()

        assert ask(postgres, "SELECT id FROM kept") == (1,)


def test_a_lock_file_whose_number_a_stranger_has_got_is_no_obstacle(folder):
    with embedded(folder) as (postgres, _):
        kill(postgres)
        stranger = subprocess.Popen(["sleep", "100"], **run_as(postgres.account))
        lock = folder / "postgres" / "postmaster.pid"
        lock.write_text(lock.read_text().replace(str(postgres.child.pid), str(stranger.pid), 1))
        postgres.pid_file.write_text(f"{stranger.pid} 1")

        postgres.start()

        assert ask(postgres, "SELECT 1") == (1,)
        assert born(stranger.pid)
        stranger.kill()
        stranger.wait()


def test_a_cluster_left_half_made_is_made_anew(folder):
    (folder / "postgres.new").mkdir()
    (folder / "postgres.new" / "PG_VERSION").touch()

    with embedded(folder) as (postgres, _):
        assert ask(postgres, "SELECT 1") == (1,)


def test_a_broken_cluster_is_made_anew_only_where_it_is_disposable(folder):
    with embedded(folder):
        pass
    (folder / "postgres" / "global" / "pg_control").unlink()

    with pytest.raises(RuntimeError, match="pg_control"), embedded(folder):
        pass
    with embedded(folder, disposable=True, synced=False) as (postgres, _):
        assert ask(postgres, "SHOW fsync") == ("off",)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the servers as another account")
def test_below_a_folder_closed_to_others_root_keeps_programs_and_data_elsewhere(folder):
    closed = folder / "home"
    closed.mkdir(mode=0o700)

    with embedded(closed / "run") as (postgres, valkey):
        ask(postgres, "CREATE TABLE kept AS SELECT 1 AS id")
        assert redis.Redis.from_url(valkey.url).ping()
    with embedded(closed / "run") as (postgres, _):
        assert ask(postgres, "SELECT id FROM kept") == (1,)

    assert Place.of(closed / "run").data.is_relative_to(folder / "elsewhere")
    assert closed.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the servers as another account")
def test_data_in_a_folder_closed_since_is_not_forgotten_in_silence(folder):
    (folder / "home" / "run" / "postgres").mkdir(parents=True)
    (folder / "home").chmod(0o700)

    with pytest.raises(RuntimeError, match="expected that the account nobody can enter it, as when its data was made"):
        Place.of(folder / "home" / "run")


def test_an_unexpected_postgresql_is_named(folder, monkeypatch):
    monkeypatch.setattr(Place, "version", lambda place: "postgres (PostgreSQL) 16.14")

    with pytest.raises(RuntimeError, match=r"expected PostgreSQL 18, found postgres \(PostgreSQL\) 16.14"):
        Place.of(folder)
