"""Children end when told to, when their supervisor is killed, and when an earlier supervisor left them behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from local.environment import ROOT
from local.process import Process, born
from tests.local.conftest import until


def process(folder: Path, *command: str, **options: object) -> Process:
    return Process("child", command, folder, cwd=folder, environment=os.environ, log=folder / "child.log", **options)


def test_a_process_is_ended_by_its_signal(folder):
    child = process(folder, "sleep", "100")
    child.start()

    child.end()

    assert not child.pid_file.exists()
    assert child.child is None


def test_a_process_that_ignores_the_signal_is_killed(folder):
    child = process(folder, "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done", patience=0.1)
    child.start()
    until(lambda: "ready" in child.log.read_text())
    number = child.child.pid

    child.end()

    assert born(number) == ""


def test_a_process_says_how_it_ended(folder):
    child = process(folder, "sleep", "100")
    child.start()

    os.kill(child.child.pid, signal.SIGKILL)
    until(lambda: child.status is not None)

    assert child.status == -signal.SIGKILL
    child.end()


def test_ctrl_c_does_not_reach_it(folder):
    child = process(folder, "sleep", "100")

    child.start()

    assert os.getpgid(child.child.pid) == child.child.pid
    child.end()


def test_what_a_killed_supervisor_left_behind_is_ended_by_the_next_start(folder):
    left_behind = subprocess.Popen(["sleep", "100"], process_group=0)
    child = process(folder, "sleep", "100")
    child.pid_file.write_text(f"{left_behind.pid} {born(left_behind.pid)}")

    child.start()

    assert left_behind.wait() == -signal.SIGTERM
    child.end()


def test_a_stranger_who_has_got_the_number_since_is_left_alone(folder):
    stranger = subprocess.Popen(["sleep", "100"], process_group=0)
    child = process(folder, "sleep", "100")
    child.pid_file.write_text(f"{stranger.pid} 1")

    child.start()

    assert stranger.poll() is None
    child.end()
    stranger.kill()
    stranger.wait()


def test_nothing_outlives_a_supervisor_that_is_killed(folder):
    supervisor = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, folder], cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )
    with supervisor:
        numbers = [int(number) for number in supervisor.stdout.readline().split()]

        supervisor.kill()

    assert len(numbers) == 2
    for number in numbers:
        until(lambda number=number: not born(number))


SUPERVISOR = """
import sys
from pathlib import Path
from local.servers import embedded

with embedded(Path(sys.argv[1])) as servers:
    print(*(server.child.pid for server in servers), flush=True)
    sys.stdin.read()
"""
