"""The whole suite on servers of its own: style, types, imports, migrations, then the tests."""

import os
import signal
import subprocess
import sys
import time

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


def main(arguments: list[str]) -> int:
    """Run every check even after one has failed, and pytest last; with arguments only pytest, with these."""
    stop_on(signal.SIGTERM, signal.SIGHUP)
    interrupts: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: interrupts.append(number))  # pytest has it too, and sums up
    try:
        with lock(HERE / "lock", wait=True), embedded(HERE, disposable=True) as servers:
            settings = {"SECRET_KEY": secret(HERE / "secret-key"), "SECURE": "false"}
            settings["EVENTSTORE_KEYS"] = wrapping_key(HERE / "wrapping-key")
            settings |= {server.variable: server.url for server in servers}
            path = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
            environment = {**settings, **{name: value for name, value in os.environ.items() if value}, "PATH": path}
            environment.pop("DJANGO_SETTINGS_MODULE", None)  # of another project, it would win over our own
            failed: list[str] = []
            for command in [] if arguments else CHECKS:
                if not interrupts and run(command, environment):
                    failed.append(" ".join(command))
            if interrupts:
                return 130
            if failed:
                print(f"\nFailed before the tests: {', '.join(failed)}", flush=True)
            return run(["pytest", *arguments], environment) or len(failed)
    except RuntimeError as error:
        print(error, file=sys.stderr)
    except Stop:
        print("Stopped.", file=sys.stderr)
    return 1


def run(command: list[str], environment: dict[str, str]) -> int:
    """Run it under a header, and print how it ended and its time, which pytest says itself; its exit status."""
    name = " ".join(command)
    print(f"\n== {name}", flush=True)
    began = time.monotonic()
    done = subprocess.run(command, check=False, cwd=ROOT, env=environment, preexec_fn=dies_with_us())
    if command[0] != "pytest":
        print(f"== {'failed' if done.returncode else 'passed'} in {time.monotonic() - began:.1f} s", flush=True)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
