"""PostgreSQL and Valkey for one's own machine."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from local.environment import secret
from local.place import Place
from local.process import Process, dies_with_us, run_as

ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}  # nobody's locale reaches the cluster
PATIENCE = 60.0  # seconds: PostgreSQL reads back what it had not written when it was killed

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "log_timezone": "UTC",
}
UNSYNCED = {"fsync": "off", "full_page_writes": "off"}  # what it has written outlives it, but not the machine


class Server(Process):
    """A process that listens on a port of 127.0.0.1, the same for as long as it is supervised."""

    variable: str  # of the environment: whoever sets it brings a server of their own
    url: str

    def start(self) -> None:
        """Return when the server answers; raises RuntimeError, with the end of its log, when it does not."""
        super().start()
        deadline = time.monotonic() + PATIENCE
        while not self.answers():
            if self.status is not None or time.monotonic() > deadline:
                found = "no answer" if self.status is None else f"exit status {self.status}"
                end_of_log = self.log.read_text(errors="replace")[-2000:] if self.log else ""
                raise RuntimeError(
                    f"{self.name}: expected an answer within {PATIENCE:.0f} s, found {found}\n{end_of_log}"
                )
            time.sleep(0.02)

    def answers(self) -> bool:
        raise NotImplementedError

    def discard(self) -> None:
        """Forget the data, if it keeps any."""


class Postgres(Server):
    """PostgreSQL with durable commits, unless told otherwise, and in it a database `daybook` and the superuser of that
    name who owns it."""

    variable = "DATABASE_URL"

    def __init__(self, place: Place, *, synced: bool = True) -> None:
        self.place = place
        self.cluster = place.data / "postgres"
        port = free_port()
        settings = [f"--{name}={value}" for name, value in (SETTINGS if synced else SETTINGS | UNSYNCED).items()]
        super().__init__(
            name="postgres",
            command=[place.postgres("postgres"), "-D", self.cluster, "-p", str(port), *settings],
            folder=place.data,
            cwd=place.data,
            environment=ENVIRONMENT,
            account=place.account,
            log=place.data / "postgres.log",
            stop_signals=(signal.SIGINT, signal.SIGQUIT, signal.SIGKILL),  # its fast and its immediate shutdown
            patience=20.0,
            orphan_signal=signal.SIGINT,
        )
        self.password_file = place.data / "postgres.password"
        self.url = f"postgres://daybook:{secret(self.password_file)}@127.0.0.1:{port}/daybook"

    def start(self) -> None:
        if not self.cluster.exists():
            self._create()
        super().start()

    def answers(self) -> bool:
        """Whether the server says so itself, in the eighth line of its lock file, as pg_ctl reads it."""
        with suppress(FileNotFoundError, IndexError):
            lines = (self.cluster / "postmaster.pid").read_text().splitlines()
            return lines[0] == str(self.child and self.child.pid) and lines[7].strip() == "ready"
        return False

    def discard(self) -> None:
        shutil.rmtree(self.cluster, ignore_errors=True)

    def end(self, pause: Callable[[float], object] = time.sleep) -> None:
        """As for any process; then take away a lock file that PostgreSQL itself could not tell from a live one.

        It does so whenever the number in it is in use: by another process since, or by a zombie nobody waits for.
        """
        recorded = self.pid_file.read_text().split()[:1] if self.pid_file.exists() else []
        super().end(pause)
        lock = self.cluster / "postmaster.pid"
        if recorded and lock.exists() and lock.read_text().split()[:1] == recorded:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(int(recorded[0]), 0)
                lock.unlink()

    def _create(self) -> None:
        """Make the cluster, the role and the database in a folder that gets its name last: what is there is whole."""
        new = self.cluster.with_name("postgres.new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if self.account:
            for path in (new, self.password_file):
                os.chown(path, self.account.pw_uid, self.account.pw_gid)
        self._run(
            *("initdb", "-D", new, "--username=postgres", "--auth=scram-sha-256", f"--pwfile={self.password_file}"),
            *("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        )
        role = f"CREATE ROLE daybook SUPERUSER LOGIN PASSWORD '{secret(self.password_file)}';\n"
        database = "CREATE DATABASE daybook OWNER daybook;\n"
        self._run("postgres", "--single", "-D", new, "-c", "exit_on_error=on", "postgres", sql=role + database)
        new.rename(self.cluster)

    def _run(self, program: str, *arguments: str | Path, sql: str = "") -> None:
        done = subprocess.run(
            [self.place.postgres(program), *arguments],
            check=False,
            cwd=self.cwd,
            env=ENVIRONMENT,
            input=sql,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=dies_with_us(),
            **run_as(self.account),
        )
        if done.returncode:
            raise RuntimeError(f"{program}: expected exit status 0, found {done.returncode}\n{done.stdout[-2000:]}")


class Valkey(Server):
    """Valkey as a broker: it keeps nothing on disk and throws nothing away."""

    variable = "REDIS_URL"

    def __init__(self, place: Place) -> None:
        self.port = free_port()
        self.password = secrets.token_urlsafe(24)
        settings = f"""
            bind 127.0.0.1
            port {self.port}
            requirepass {self.password}
            save ""
            appendonly no
            maxmemory-policy noeviction
        """
        super().__init__(
            name="valkey",
            command=[place.valkey(), "-"],
            folder=place.data,
            cwd=place.data,
            environment=ENVIRONMENT,
            account=place.account,
            log=place.data / "valkey.log",
            stdin=settings.encode(),  # and not as arguments: whoever lists processes would read the password
        )
        self.url = f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
            connection.sendall(f"AUTH {self.password}\r\n".encode())
            return connection.recv(16).startswith(b"+OK")
        return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def embedded(folder: Path, *, disposable: bool = False, synced: bool = True) -> Iterator[list[Server]]:
    """Run the servers that the environment does not name, with their data in the folder, while the block runs.

    Disposable data that a server cannot start with is made anew; other data is never touched.
    """
    kinds = [kind for kind in (Postgres, Valkey) if not os.environ.get(kind.variable)]
    place = Place.of(folder) if kinds else None
    with ExitStack() as running:
        servers: list[Server] = []
        if place:
            servers += [Postgres(place, synced=synced) if kind is Postgres else kind(place) for kind in kinds]
        for server in servers:
            running.callback(server.end)
            if server.log:
                server.log.unlink(missing_ok=True)
            try:
                server.start()
            except RuntimeError:
                if not disposable:
                    raise
                server.end()
                server.discard()
                server.start()
        yield servers
