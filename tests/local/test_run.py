"""The supervisor: what ends is started again, and what is printed stands behind its name."""

import os
import signal
import socket

import pytest

from local.process import Process
from local.run import Supervisor, free_port
from tests.local.conftest import until


@pytest.fixture
def supervise(folder, capfd):
    """Watch a shell script under the name `worker`; the function returned turns until a text was printed."""
    supervisor = Supervisor()
    processes = []

    def start(script):
        process = Process("worker", ["sh", "-c", script], folder, cwd=folder, environment=os.environ)
        process.start()
        supervisor.watch(process)
        processes.append(process)
        printed = []

        def see(text):
            def seen():
                supervisor.turn(0.05)
                printed.append(capfd.readouterr().out)
                return text in "".join(printed)

            until(seen)

        return process, see

    yield start
    for process in processes:
        process.end()
    while supervisor.outputs.get_map():
        supervisor.print_output(1)


def test_each_line_stands_behind_the_name_of_its_process(supervise):
    _, see = supervise("printf 'one\\ntw'; printf 'o\\nunfinished'; exec >&- 2>&-; sleep 100")

    see("  worker │ one\n  worker │ two\n  worker │ unfinished\n")


def test_a_killed_process_comes_back(supervise):
    process, see = supervise("echo started; exec sleep 100")
    see("started")

    os.kill(process.child.pid, signal.SIGKILL)

    see("ended unexpectedly (SIGKILL): starting it again in 0.5 s")
    see("0.5 s\n  worker │ started")
    assert process.status is None


def test_what_ends_at_once_is_started_again_after_longer_and_longer_waits(supervise):
    _, see = supervise("exit 3")

    see("ended unexpectedly (exit status 3): starting it again in 0.5 s")
    see("ended unexpectedly (exit status 3): starting it again in 1 s")
    see("ended unexpectedly (exit status 3): starting it again in 2 s")


def test_the_port_asked_for_is_taken_or_refused(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        monkeypatch.setenv("PORT", str(taken))

        with pytest.raises(RuntimeError, match=f"expected a free port on 127.0.0.1, found {taken} in use"):
            free_port()

    port, held = free_port()
    held.close()
    assert port == taken


def test_without_one_asked_for_the_next_free_port_is_taken(monkeypatch):
    monkeypatch.delenv("PORT", raising=False)
    first, held = free_port()
    held.close()

    with socket.create_server(("127.0.0.1", first)):
        second, held = free_port()
    held.close()
    assert first < second < 8100


def test_two_that_start_together_take_two_ports(monkeypatch):
    monkeypatch.delenv("PORT", raising=False)
    (one, held), (other, held_too) = free_port(), free_port()  # neither has bound it yet
    held.close()
    again, held = free_port()

    held.close()
    held_too.close()
    assert (one < other, again) == (True, one)
