"""Gets what ./run and ./test need: uv from the package index, and with it the locked dependencies into .venv."""

import hashlib
import os
import shutil
import ssl
import subprocess
import sys
import time
from pathlib import Path

from local.environment import DATA, ROOT, VENV, lock

TOOLS = ROOT / ".tools"
UV = TOOLS / "bin" / "uv"
UV_LOCK = ROOT / "local" / "uv.txt"
VENV_PYTHON = VENV / "bin" / "python"
VENV_LOCK = ROOT / "requirements-dev.txt"
STAMP = "made-from"  # written last, so a folder that has it is complete

# The Python below any virtual environment: .venv may be what this runs in, and be about to be made anew. By its real
# name, python3.11 and not python3: a newer one beside it does not creep into a .venv made for this one.
PYTHON = Path(getattr(sys, "_base_executable", None) or sys.executable).resolve()


def main(module: str) -> None:
    """Go on as .venv's Python running the module, once the dependencies are there."""
    try:
        if not _is_made(VENV_PYTHON, VENV_LOCK):
            with lock(DATA / "lock", wait=True):
                if not _is_made(VENV_PYTHON, VENV_LOCK):  # by another, while we waited
                    _make()
    except KeyboardInterrupt:
        sys.exit(130)
    os.chdir(ROOT)
    os.execv(VENV_PYTHON, [str(VENV_PYTHON), "-m", module, *sys.argv[1:]])  # noqa: S606


def _make() -> None:
    """Make .venv anew: uv does it in seconds, and nothing half-done, moved or of another Python is left to repair."""
    if subprocess.run([PYTHON, "-m", "pip", "--version"], check=False, capture_output=True).returncode:
        sys.exit(f"Daybook needs pip, and {PYTHON} has none: install it (Debian: apt-get install python3-pip).")
    began = time.monotonic()
    environment = _environment()
    if not _is_made(UV, UV_LOCK):
        print("Getting uv ...", flush=True)
        shutil.rmtree(TOOLS, ignore_errors=True)
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
        _run(environment, PYTHON, "-m", "pip", "install", *options, "--target", TOOLS, "-r", UV_LOCK)
        _stamp(UV, UV_LOCK)
    print("Getting the dependencies ...", flush=True)
    _run(environment, UV, "venv", "--quiet", "--clear", "--python", PYTHON, VENV)
    # Compiled here: each process would do that anew where PYTHONDONTWRITEBYTECODE is set, and start twice as slowly.
    options = ["--quiet", "--compile-bytecode", "--require-hashes", "--python", VENV_PYTHON]
    _run(environment, UV, "pip", "sync", *options, VENV_LOCK)
    _stamp(VENV_PYTHON, VENV_LOCK)
    print(f"Dependencies are ready after {time.monotonic() - began:.1f} s.", flush=True)


def _environment() -> dict[str, str]:
    """The environment for pip and uv. uv reads no pip.conf, so pip's index and certificates are handed to it."""
    listing = [str(PYTHON), "-m", "pip", "config", "list"]
    configured = subprocess.run(listing, check=False, capture_output=True, text=True).stdout
    uvs = {"index-url": "UV_DEFAULT_INDEX", "cert": "SSL_CERT_FILE"}
    told = {}
    # Lines such as global.index-url='https://…' and, from PIP_INDEX_URL, :env:.index-url='https://…', which wins.
    for line in sorted(configured.splitlines(), key=lambda line: (line.startswith(":env:"), line)):
        name, _, value = line.partition("=")
        if (option := name.rpartition(".")[2]) in uvs:
            told[uvs[option]] = value.strip("'\"")
    paths = ssl.get_default_verify_paths()
    if paths.cafile or (paths.capath and os.listdir(paths.capath)):
        told["UV_SYSTEM_CERTS"] = "true"  # as Python does; a system without certificates leaves uv its own
    told["UV_CACHE_DIR"] = str(TOOLS / "cache")  # HOME may not be writable, and here its files can be linked
    ours = {
        "UV_PYTHON_DOWNLOADS": "never",
        "PIP_REQUIRE_VIRTUALENV": "false",
        "PIP_USER": "false",
        "PIP_ROOT_USER_ACTION": "ignore",
    }
    return {**told, **os.environ, **ours}


def _run(environment: dict[str, str], *command: str | Path) -> None:
    if status := subprocess.run(command, check=False, env=environment, cwd=ROOT).returncode:
        sys.exit(f"{' '.join(map(str, command))}: expected exit status 0, found {status}.")


def _origin(source: Path) -> str:
    return hashlib.sha256(bytes(ROOT) + source.read_bytes()).hexdigest()


def _is_made(program: Path, source: Path) -> bool:
    """Whether the folder around `bin/program` was completed, here, from the file as it is now."""
    stamp = program.parents[1] / STAMP
    return program.exists() and stamp.exists() and stamp.read_text() == _origin(source)


def _stamp(program: Path, source: Path) -> None:
    (program.parents[1] / STAMP).write_text(_origin(source))
