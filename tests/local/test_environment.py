"""What the processes of a checkout share: locks, secrets, settings."""

import os
import subprocess
import sys

import pytest

from local import environment
from local.environment import ROOT, Held, join, keep, lock, publish, secret


def test_a_lock_is_held_by_one_and_says_by_whom(folder):
    with lock(folder / "lock", wait=False) as sign:
        sign("http://127.0.0.1:8000/ (process 7)")

        with pytest.raises(Held, match=r"http://127.0.0.1:8000/ \(process 7\)"), lock(folder / "lock", wait=False):
            pass

    with lock(folder / "lock", wait=False):
        pass


def test_a_second_run_says_where_the_first_is(folder):
    script = "import sys, pathlib; from local import run; run.HERE = pathlib.Path(sys.argv[1]); sys.exit(run.main())"
    with lock(folder / "lock", wait=False) as sign:
        sign("http://127.0.0.1:8000/ (process 7)")

        second = subprocess.run([sys.executable, "-c", script, folder], cwd=ROOT, capture_output=True, text=True)

    assert second.returncode == 1
    assert second.stderr.startswith("Daybook already runs here: http://127.0.0.1:8000/ (process 7).")


def test_a_secret_is_made_once_and_readable_by_its_owner_only(folder):
    first = secret(folder / "secret")

    assert secret(folder / "secret") == first
    assert len(first) >= 50
    assert (folder / "secret").stat().st_mode & 0o777 == 0o600


def test_what_was_left_half_written_is_no_obstacle(folder):
    (folder / "env.new").write_text("half")

    keep(folder / "env", "whole")

    assert (folder / "env").read_text() == "whole"


def test_a_second_terminal_joins_the_running_shop(folder, monkeypatch):
    monkeypatch.setattr(environment, "RUNNING", folder / "env")
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.setenv("SECURE", "true")
    publish({"DATABASE_URL": "postgres://a b'c", "SECRET_KEY": "x=y $z", "SECURE": "false"})

    join()

    assert {name: os.environ.pop(name) for name in ("DATABASE_URL", "SECRET_KEY")} == {
        "DATABASE_URL": "postgres://a b'c",
        "SECRET_KEY": "x=y $z",
    }
    assert os.environ["SECURE"] == "true"


def test_without_a_running_shop_it_says_what_to_do(folder, monkeypatch):
    monkeypatch.setattr(environment, "RUNNING", folder / "env")

    with pytest.raises(SystemExit, match=r"set DATABASE_URL .* or start \./run"):
        join()
