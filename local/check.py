"""The whole suite on servers of its own: style, types, imports, migrations, then the tests."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from local.environment import DATA, ROOT, VENV, lock, secret, wrapping_key
from local.process import Stop, dies_with_us, stop_on
from local.servers import embedded

HERE = DATA / "test"
CHECKS = [
    ["ruff", "check", "."],
    ["ruff", "format", "--check", "."],
    ["mypy"],
    ["lint-imports"],
    ["./manage.py", "makemigrations", "--check", "--dry-run"],
    ["./manage.py", "check"],
]
# The suite in lanes that take about as long as each other, on two cores: the third waits more than it works.
FIRST, THIRD = ["tests/shop", "tests/pages"], ["tests/system", "tests/local"]
LANES = [FIRST, [f"--ignore={folder}" for folder in (*FIRST, *THIRD)], THIRD]


def main(arguments: list[str]) -> int:
    """Run every check even after one has failed, and pytest in lanes side by side, each on servers of its own; with
    arguments, or on servers that the environment names, one pytest alone."""
    stop_on(signal.SIGTERM, signal.SIGHUP)
    interrupts: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: interrupts.append(number))  # pytest has it too, and sums up
    try:
        with lock(HERE / "lock", wait=True), ExitStack() as running:
            environment = running.enter_context(served(HERE))
            if arguments:
                return run(["pytest", *arguments], environment)
            is_alone = any(name in os.environ for name in ("DATABASE_URL", "REDIS_URL"))
            beside = [] if is_alone else [running.enter_context(lane_beside(number)) for number in (1, 2)]
            failed: list[str] = []
            for command in CHECKS:
                if not interrupts and run(command, environment):
                    failed.append(" ".join(command))
            if failed:
                print(f"\nFailed before the tests: {', '.join(failed)}", flush=True)
            if interrupts:
                return 130
            statuses = [run(["pytest", *([] if is_alone else LANES[0])], environment)]
            statuses += [end() for end in beside]
            return next(filter(None, statuses), len(failed))
    except RuntimeError as error:
        print(error, file=sys.stderr)
    except Stop:
        print("Stopped.", file=sys.stderr)
    return 1


@contextmanager
def served(folder: Path) -> Iterator[dict[str, str]]:
    """What a process of the project needs to know, while servers of its own run."""
    with embedded(folder, disposable=True, synced=False) as servers:
        settings = {"SECRET_KEY": secret(folder / "secret-key"), "SECURE": "false"}
        settings["EVENTSTORE_KEYS"] = wrapping_key(folder / "wrapping-key")
        settings |= {server.variable: server.url for server in servers}
        path = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        environment = {**settings, **{name: value for name, value in os.environ.items() if value}, "PATH": path}
        environment.pop("DJANGO_SETTINGS_MODULE", None)  # of another project, it would win over our own
        yield compiled_once(environment)


def compiled_once(environment: dict[str, str]) -> dict[str, str]:
    """Where nothing compiled is to be left beside the sources, it is kept with the data: each of the processes that
    tests start would compile all it imports, and pytest all tests."""
    if environment.pop("PYTHONDONTWRITEBYTECODE", "") and "PYTHONPYCACHEPREFIX" not in environment:
        environment["PYTHONPYCACHEPREFIX"] = str(DATA / "compiled")
    return environment


@contextmanager
def lane_beside(number: int) -> Iterator[Callable[[], int]]:
    """Begin a lane; what it prints comes when its end is waited for, which answers its exit status."""
    command = ["pytest", *LANES[number]]
    with served(HERE / f"lane-{number}") as environment, tempfile.TemporaryFile() as printed:
        beside = start(command, environment, printed)

        def end() -> int:
            status = beside.wait()
            print(f"\n== {' '.join(command)}", flush=True)
            printed.seek(0)
            shutil.copyfileobj(printed, sys.stdout.buffer)
            sys.stdout.flush()
            return status

        try:
            yield end
        finally:
            beside.terminate()
            beside.wait()


def start(command: list[str], environment: dict[str, str], to: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=to, stderr=to, preexec_fn=dies_with_us())  # noqa: PLW1509 - no threads


def run(command: list[str], environment: dict[str, str]) -> int:
    """Run it under a header, and print how it ended and its time, which pytest says itself; its exit status."""
    name = " ".join(command)
    print(f"\n== {name}", flush=True)
    began = time.monotonic()
    status = start(command, environment).wait()
    if command[0] != "pytest":
        print(f"== {'failed' if status else 'passed'} in {time.monotonic() - began:.1f} s", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
