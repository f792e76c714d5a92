"""Real processes around a test's database: Celery workers, beat, a broker, management commands; ended by their ids."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).parents[2]
OUTPUTS: dict[int, Path] = {}  # by the process that prints there


def environment(redis_url: str) -> dict[str, str]:
    """Of a process that works on this test's database."""
    d = connection.settings_dict
    user = f"{quote(d['USER'])}:{quote(d['PASSWORD'])}@" if d["PASSWORD"] else f"{quote(d['USER'])}@"
    return os.environ | {
        "DATABASE_URL": f"postgres://{user}{d['HOST']}:{d['PORT']}/{d['NAME']}",
        "REDIS_URL": redis_url,
        "SECRET_KEY": settings.SECRET_KEY,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONPATH": str(ROOT),
        "LOG_LEVEL": "WARNING",
    }


def start(redis_url: str, *command: str, output: Path, **more: str) -> subprocess.Popen[bytes]:
    """``more``: of its environment."""
    env, program = environment(redis_url) | more, [sys.executable, *command]
    with output.open("ab") as out:
        process = subprocess.Popen(program, cwd=ROOT, env=env, stdout=out, stderr=out, process_group=0)
    OUTPUTS[process.pid] = output
    return process


def worker(redis_url: str, output: Path, *more: str) -> subprocess.Popen[bytes]:
    options = ["--concurrency", "2", "--loglevel", "warning", "--without-gossip", "--without-mingle", *more]
    return start(redis_url, "-m", "celery", "-A", "shop", "worker", *options, output=output)


def beat(redis_url: str, output: Path) -> subprocess.Popen[bytes]:
    schedule = str(output.with_suffix(".schedule"))
    return start(redis_url, "-m", "celery", "-A", "shop", "beat", "--schedule", schedule, output=output)


def kill(process: subprocess.Popen[bytes], number: int = signal.SIGKILL) -> None:
    """The process and its children."""
    if process.poll() is None:
        os.killpg(process.pid, number)
    process.wait(30)


@contextmanager
def ended(*processes: subprocess.Popen[bytes]) -> Iterator[None]:
    """Kill them after the block; where it fails, what they printed last is part of the report."""
    try:
        yield
    except BaseException:
        for process in processes:
            print(f"== {process.args}, exit status {process.poll()}", *last_lines(process), sep="\n")
        raise
    finally:
        for process in processes:
            kill(process)


def last_lines(process: subprocess.Popen[bytes]) -> list[str]:
    return OUTPUTS[process.pid].read_text(errors="replace").splitlines()[-50:] if process.pid in OUTPUTS else []


def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for ``condition``, looking every 50 ms; AssertionError after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.05)
