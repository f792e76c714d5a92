"""Child processes that do not outlive their supervisor, whatever ends it."""

import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO, Any

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


class Stop(BaseException):
    """A signal asked this process to end; the clean-up that it sets off is not interrupted by another."""


def stop_on(*signals: signal.Signals) -> None:
    """Turn the first of these signals into `Stop`, and ignore those that follow. What `nohup` ignores stays ignored."""
    signals = tuple(each for each in signals if each != signal.SIGHUP or signal.getsignal(each) != signal.SIG_IGN)

    def stop(number: int, frame: FrameType | None) -> None:
        for each in signals:
            signal.signal(each, signal.SIG_IGN)
        raise Stop(number)

    for each in signals:
        signal.signal(each, stop)


def dies_with_us(last_signal: int = signal.SIGKILL) -> Callable[[], None]:
    """A `preexec_fn` that has the kernel signal the child when its parent dies (prctl(2), so on Linux only).

    It runs after subprocess's setuid, which would undo it. Linux counts the thread that forked as the parent: start
    children from the main thread.
    """
    parent = os.getpid()

    def ask() -> None:
        if _LIBC:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(last_signal))
            if os.getppid() != parent:  # it died before we asked
                os._exit(1)

    return ask


def run_as(account: pwd.struct_passwd | None) -> dict[str, Any]:
    """subprocess's arguments for a child of that account; none for our own."""
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}


def born(pid: int) -> str:
    """When the process started, in the system's own words; empty when there is none, or only its zombie."""
    if sys.platform != "linux":
        command = ["ps", "-o", "lstart=", "-p", str(pid)]
        return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()
    try:
        # The second field, the name in parentheses, may hold anything: count from its end. proc_pid_stat(5)
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state in "ZX" else rest[18]


@dataclass
class Process:
    """One child, in a process group of its own: Ctrl-C reaches the supervisor alone, which ends its children in order.

    `folder` gets a file with its number and birth, by which the next start ends what a killed supervisor left behind.
    What it prints goes to the file `log`; without one it is to be read from `output`.
    """

    name: str
    command: Sequence[str | Path]
    folder: Path
    cwd: Path
    environment: Mapping[str, str]
    account: pwd.struct_passwd | None = None
    log: Path | None = None
    stdin: bytes = b""
    stop_signals: Sequence[signal.Signals] = (signal.SIGTERM, signal.SIGKILL)
    patience: float = 10.0  # seconds before the next of the signals
    orphan_signal: signal.Signals = signal.SIGKILL  # when the supervisor dies; nothing is left to wait with patience
    child: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def pid_file(self) -> Path:
        return self.folder / f"{self.name}.pid"

    @property
    def output(self) -> IO[bytes] | None:
        return self.child.stdout if self.child else None

    @property
    def status(self) -> int | None:
        """How it ended, as `Popen.returncode` says it; None while it runs."""
        return self.child.poll() if self.child else None

    def start(self) -> None:
        self.end()
        with open(self.log or os.devnull, "ab") as log:
            self.child = subprocess.Popen(
                self.command,
                cwd=self.cwd,
                env=self.environment,
                stdin=subprocess.PIPE if self.stdin else subprocess.DEVNULL,
                stdout=log if self.log else subprocess.PIPE,
                stderr=subprocess.STDOUT,
                process_group=0,
                preexec_fn=dies_with_us(self.orphan_signal),  # noqa: PLW1509 - there is one thread
                **run_as(self.account),
            )
        self.pid_file.write_text(f"{self.child.pid} {born(self.child.pid)}")
        if self.child.stdin:
            with self.child.stdin as stdin:
                stdin.write(self.stdin)

    def end(self, pause: Callable[[float], object] = time.sleep) -> None:
        """End the process of the pid file, ours or one left behind, and wait for it; `pause` is called meanwhile."""
        number, _, birth = self.pid_file.read_text().partition(" ") if self.pid_file.exists() else ("", "", "")
        for each in self.stop_signals:
            if not birth or born(int(number)) != birth:
                break
            with suppress(ProcessLookupError):
                os.kill(int(number), each)
            deadline = time.monotonic() + self.patience
            while born(int(number)) == birth and time.monotonic() < deadline:
                pause(0.02)
        if self.child:
            self.child.wait()
            with suppress(ProcessLookupError, PermissionError):  # its own children, should any have outlived it
                os.killpg(self.child.pid, signal.SIGKILL)
            self.child = None
        self.pid_file.unlink(missing_ok=True)
