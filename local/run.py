"""The shop on one's own machine: servers, beat, worker and web in the foreground, until Ctrl-C."""

import http.client
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from local.environment import DATA, ROOT, RUNNING, Held, lock, publish, secret, wrapping_key
from local.process import Process, Stop, dies_with_us, stop_on
from local.servers import embedded

HERE = DATA / "run"
PYTHON = [sys.executable, "-u", "-Wignore:You're running the worker with superuser privileges"]  # only here
QUIET = ["--without-gossip", "--without-mingle"]  # workers need not know of each other: the checkpoints do
COMMANDS = {  # in the order of their start; they are ended in the reverse order
    "gateway": ["shop.payments.fake", "--ledger", str(HERE / "gateway.sqlite3")],  # takes no money
    "beat": ["celery", "-q", "-A", "shop", "beat", "--loglevel", "warning", "--schedule", str(HERE / "beat-schedule")],
    "worker": ["celery", "-q", "-A", "shop", "worker", "--loglevel", "info", "--concurrency", "2", *QUIET],
    "web": ["gunicorn", "shop.wsgi"],  # and gunicorn.conf.py
}
COLOURS = {"gateway": 31, "web": 36, "worker": 32, "beat": 35, "valkey": 33, "postgres": 34}
SHORTEST_WAIT, LONGEST_WAIT = 0.5, 30.0  # seconds before what has ended is started again; doubled each time
STEADY = 60.0  # seconds of running after which the next wait is the shortest again

WELCOME = """
    Daybook is ready after {seconds:.1f} s.

    Storefront  {address}/                        ada / demo
    The tour    {address}/tour/                   do this, see that: begin here
    Desk        {address}/admin/                  demo / demo
    API         {address}/api/v1/docs/
    Mailbox     {address}/admin/notifications/outgoingmail/
    Data        {where}

    Staff sign in as support, catalog, warehouse, finance, ops or auditor; each with the password demo.

    Ctrl-C ends all of it and keeps the data.
"""


@dataclass
class Watched:
    """A process and when to start it again: running → ended, due at a time → running."""

    process: Process
    since: float
    wait: float = SHORTEST_WAIT
    due: float | None = None


class Supervisor:
    """Starts processes again when they end, and prints each of their lines behind their name."""

    def __init__(self) -> None:
        self.watched: list[Watched] = []
        self.outputs = selectors.DefaultSelector()
        self.colourful = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def watch(self, process: Process) -> None:
        """From now on, start it again whenever it ends."""
        self.watched.append(Watched(process, since=time.monotonic()))
        self._follow(process)

    def turn(self, seconds: float) -> None:
        """Print what is said within these seconds at most, then start what is due."""
        self.print_output(seconds)
        now = time.monotonic()
        for each in self.watched:
            if each.due is None and (status := each.process.status) is not None:
                if now - each.since > STEADY:
                    each.wait = SHORTEST_WAIT
                how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
                self.say(each.process.name, f"ended unexpectedly ({how}): starting it again in {each.wait:g} s")
                each.due, each.wait = now + each.wait, min(2 * each.wait, LONGEST_WAIT)
            elif each.due is not None and now >= each.due:
                each.due, each.since = None, now
                try:
                    each.process.start()
                except RuntimeError as error:
                    self.say(each.process.name, str(error))
                self._follow(each.process)

    def print_output(self, seconds: float) -> None:
        for key, _ in self.outputs.select(seconds):
            name, output, unfinished = key.data
            chunk = os.read(key.fd, 65536)
            *lines, unfinished[:] = (bytes(unfinished) + chunk).split(b"\n")
            if not chunk:
                self.outputs.unregister(output)
                output.close()
                lines += [bytes(unfinished)] if unfinished else []
            for line in lines:
                self.say(name, line.decode(errors="replace"))

    def say(self, name: str, text: str) -> None:
        margin = f"{name:>8} │ "
        if self.colourful:
            margin = f"\033[{COLOURS[name]}m{margin}\033[0m"
        tell("\n".join(margin + line for line in text.splitlines() or [""]))

    def _follow(self, process: Process) -> None:
        if process.output:
            self.outputs.register(process.output, selectors.EVENT_READ, (process.name, process.output, bytearray()))


def main() -> int:
    began = time.monotonic()
    stop_on(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    try:
        with lock(HERE / "lock", wait=False) as sign, embedded(HERE) as servers, ExitStack() as ending:
            defaults = {"SECRET_KEY": secret(HERE / "secret-key"), "SECURE": "false", "DEMO": "true"}
            defaults |= {"TAX_PERCENT": "20", "PREMIUM_DISCOUNT_PERCENT": "5"}
            defaults["EVENTSTORE_KEYS"] = wrapping_key(HERE / "wrapping-key")
            defaults["GATEWAY_SECRET"] = secret(HERE / "gateway-secret")
            defaults["GATEWAY_URL"] = f"http://127.0.0.1:{any_port()}"
            settings = defaults | {server.variable: server.url for server in servers}
            settings |= {
                name: os.environ[name] for name in [*defaults, "DATABASE_URL", "REDIS_URL"] if os.environ.get(name)
            }
            port, held = free_port()
            ending.enter_context(held)
            publish(settings | {"SHOP_URL": f"http://127.0.0.1:{port}"})
            ending.callback(RUNNING.unlink, missing_ok=True)
            environment = os.environ | settings | {"PORT": str(port), "DJANGO_SETTINGS_MODULE": "shop.settings"}
            environment["GATEWAY_WEBHOOKS"] = f"http://127.0.0.1:{port}/api/v1/payments/webhook/"
            manage("migrate", "--no-input", environment=environment)
            manage("demo", "--ledger", str(HERE / "gateway.sqlite3"), environment=environment)

            supervisor = Supervisor()
            for server in servers:
                supervisor.watch(server)
            for name, command in COMMANDS.items():
                if name == "gateway" and os.environ.get("GATEWAY_URL"):
                    continue  # there is another
                process = Process(name, [*PYTHON, "-m", *command], HERE, cwd=ROOT, environment=environment)
                ending.callback(process.end, supervisor.print_output)
                process.start()
                supervisor.watch(process)
            address = f"http://127.0.0.1:{port}"
            sign(f"{address}/ (process {os.getpid()})")
            while not answers(port):
                supervisor.turn(0.2)
            where = servers[0].folder if servers else "where DATABASE_URL says"
            tell(WELCOME.format(seconds=time.monotonic() - began, address=address, where=where))
            while True:
                supervisor.turn(0.5)
    except Held as holder:
        print(f"Daybook already runs here: {holder}. End that one first, with Ctrl-C.", file=sys.stderr)
    except RuntimeError as error:
        print(error, file=sys.stderr)
    except Stop:
        tell("\nStopped; the data is kept.")
        return 0
    return 1


def manage(*arguments: str, environment: Mapping[str, str]) -> None:
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, check=False, cwd=ROOT, env=environment, preexec_fn=dies_with_us())
    if done.returncode:
        raise RuntimeError(f"manage.py {' '.join(arguments)}: expected exit status 0, found {done.returncode}")


def free_port() -> tuple[int, socket.socket]:
    """PORT, or else the first free port from 8000; and what keeps another run from taking it too, until it is closed.

    It is minutes until the web server binds the port: meanwhile a name in the kernel, which goes with its process,
    says whose it is.
    """
    wanted = os.environ.get("PORT")
    for port in [int(wanted)] if wanted else range(8000, 8100):
        held = socket.socket(socket.AF_UNIX)
        try:
            held.bind(f"\0daybook on port {port}")
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            held.close()
            continue
        return port, held
    raise RuntimeError(f"PORT: expected a free port on 127.0.0.1, found {wanted or '8000 to 8099'} in use")


def any_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def answers(port: int) -> bool:
    """Whether the shop itself answers on that port, and not only its listening socket."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=0.5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def tell(text: str) -> None:
    """Print it as UTF-8, whatever the locale: a character that it lacks must not end the shop."""
    try:
        sys.stdout.buffer.write(text.encode(errors="replace") + b"\n")
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read us has ended, as in `./run | tee log` at Ctrl-C: so do we, in order
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        signal.raise_signal(signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
