"""What the processes of one checkout share: its folders, its locks, its secrets and the settings of a running ./run."""

import fcntl
import os
import secrets
import shlex
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
DATA = ROOT / ".data"
RUNNING = DATA / "run" / "env"


class Held(Exception):
    """Somebody else holds the lock; the text is what they wrote about themselves."""


@contextmanager
def lock(path: Path, *, wait: bool) -> Iterator[Callable[[str], None]]:
    """Hold the lock of a file while the block runs; yields a function that writes who holds it into the file.

    The kernel gives the lock back whatever ends the process. Raises `Held` at once unless told to wait.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(path, "a+")  # noqa: SIM115
    except PermissionError:
        sys.exit(f"{path}: expected a file that you may write, found one of another account.")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip()
            if not wait:
                raise Held(holder) from None
            print(f"Waiting for {holder or 'another process'} to end.", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)

        def sign(text: str) -> None:
            file.truncate(0)
            file.write(text)
            file.flush()

        sign(f"process {os.getpid()}")
        yield sign


def keep(path: Path, text: str) -> None:
    """Write a file that only its owner may read, all of it or nothing."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def secret(path: Path) -> str:
    """The secret kept in this file, made when first asked for."""
    if not path.exists():
        keep(path, secrets.token_urlsafe(48))
    return path.read_text()


def wrapping_key(path: Path) -> str:
    """What wraps the keys of persons, in this file: as ``manage.py events new-key`` makes it."""
    if not path.exists():
        keep(path, f"local:{b64encode(secrets.token_bytes(32)).decode()}")
    return path.read_text()


def publish(settings: Mapping[str, str]) -> None:
    """Leave the settings of this ./run for `manage.py` in a second terminal, and for a shell: `. .data/run/env`."""
    keep(RUNNING, "".join(f"export {name}={shlex.quote(value)}\n" for name, value in settings.items()))


def join() -> None:
    """Take over the settings of the ./run of this checkout; the environment's own win. Without a ./run, says so."""
    try:
        text = RUNNING.read_text()
    except FileNotFoundError:
        sys.exit("No database: set DATABASE_URL (and REDIS_URL and SECRET_KEY), or start ./run in another terminal.")
    for word in shlex.split(text):
        name, is_setting, value = word.partition("=")
        if is_setting:
            os.environ.setdefault(name, value)


def enter() -> None:
    """Start this script again with the Python of .venv, unless it runs there already or there is none."""
    python = VENV / "bin" / "python"
    if Path(sys.prefix) != VENV and python.exists():
        os.execv(python, [str(python), *sys.argv])  # noqa: S606
