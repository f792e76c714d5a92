"""The whole suite on servers of its own: style, types, imports, migrations, then the tests."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
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
HALF = ["tests/shop", "tests/pages", "tests/local"]  # of the suite, by the time it takes
HALVES = [HALF, [f"--ignore={each}" for each in HALF]]


def main(arguments: list[str]) -> int:
    """Run every check even after one has failed, and pytest last, in two halves side by side, each on servers of its
    own; with arguments, or on servers that the environment names, one pytest alone."""
    stop_on(signal.SIGTERM, signal.SIGHUP)
    interrupts: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: interrupts.append(number))  # pytest has it too, and sums up
    try:
        with lock(HERE / "lock", wait=True), ExitStack() as running:
            environment = running.enter_context(served(HERE))
            failed: list[str] = []
            for command in [] if arguments else CHECKS:
                if not interrupts and run(command, environment):
                    failed.append(" ".join(command))
            if interrupts:
                return 130
            if failed:
                print(f"\nFailed before the tests: {', '.join(failed)}", flush=True)
            if arguments or any(name in os.environ for name in ("DATABASE_URL", "REDIS_URL")):
                return run(["pytest", *arguments], environment) or len(failed)
            other = running.enter_context(served(HERE / "other"))
            return halves([environment, other]) or len(failed)
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


def halves(environments: list[dict[str, str]]) -> int:
    """Run both halves at once; what the second prints comes after the first has ended. The first bad exit status."""
    first, second = (["pytest", *half] for half in HALVES)
    with tempfile.TemporaryFile() as printed:
        print(f"\n== Beside the next: {' '.join(second)}", flush=True)
        beside = start(second, environments[1], printed)
        status = run(first, environments[0])
        status = beside.wait() or status
        print(f"\n== {' '.join(second)}", flush=True)
        printed.seek(0)
        shutil.copyfileobj(printed, sys.stdout.buffer)
        sys.stdout.flush()
    return status


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
