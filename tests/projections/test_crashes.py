"""Workers are killed and frozen, in processes of their own: nothing is lost, nothing counts twice."""

import signal
import subprocess
import sys
import time

import pytest

from projections.engine import catch_up
from projections.models import Checkpoint
from tests.lending.story import naive, tell
from tests.projections.conftest import LENDING, LOANS, advance, environment, tables

pytestmark = pytest.mark.usefixtures("on_real_transactions")


def worker(fault: str, after: int, seconds: float) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.projections.worker", fault, str(after), str(seconds)],
        env=environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_workers_killed_in_the_middle_of_a_batch_lose_nothing():
    tell(1000)
    killed = []

    for after in (9, 60, 200, 420):
        with worker("kill", after, seconds=3600) as process:
            killed.append(process.wait(30))
    stands = Checkpoint.objects.get(name="Loans").position
    advance()

    assert killed == [-signal.SIGKILL] * 4
    assert 0 < stands < 1000, "some batches were committed"
    assert tables() == naive(), "and their leases were had at once, for their connections were gone"


def test_a_worker_frozen_inside_a_copy_is_replaced_and_writes_nothing_afterwards():
    tell(1000)
    with worker("stop", 150, seconds=1) as frozen:
        assert frozen.stdout
        assert frozen.stdout.readline() == "suffering\n"

        until = time.monotonic() + 30
        while tables() != naive():
            assert time.monotonic() < until
            catch_up(LENDING)
            time.sleep(0.05)

        frozen.send_signal(signal.SIGCONT)
        _, said = frozen.communicate(timeout=30)

    assert frozen.returncode == 0, said
    assert " lost its connection: " in said, said
    assert tables() == naive()
    assert Checkpoint.objects.get(name=LOANS.name).leased_until is None
