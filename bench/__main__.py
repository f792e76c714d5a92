"""``python -m bench`` lists the benchmarks; ``python -m bench append load`` runs some, ``all`` runs all.

--quick: a short form, to see that they run; its figures are not kept
--table: no run; the kept figures as the tables of docs/benchmarks.md

They run in a database of their own, on the server of DATABASE_URL, or on embedded ones.
"""

import ast
import importlib
import os
import pkgutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

import bench
from local.environment import DATA, lock, secret, wrapping_key
from local.servers import embedded

HERE = DATA / "bench"
NO_BENCHMARK = {"__main__", "common", "library", "ours", "report"}
NAMES = [found.name for found in pkgutil.iter_modules(bench.__path__) if found.name not in NO_BENCHMARK]


@contextmanager
def database() -> Iterator[None]:
    """Make an empty database with the shop's tables, for this process and its children; drop it afterwards."""
    with lock(HERE / "lock", wait=True), embedded(HERE, disposable=True) as servers:
        os.environ |= {server.variable: server.url for server in servers}
        for name, value in {
            "DJANGO_SETTINGS_MODULE": "shop.settings",
            "SECRET_KEY": secret(HERE / "secret-key"),
            "SECURE": "false",
            "EVENTSTORE_KEYS": wrapping_key(HERE / "wrapping-key"),
        }.items():
            os.environ.setdefault(name, value)
        url, _, name = os.environ["DATABASE_URL"].rpartition("/")
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
            server.execute(f'drop database if exists "{name}_bench" with (force)')
            server.execute(f'create database "{name}_bench"')
        os.environ["DATABASE_URL"] = f"{url}/{name}_bench"
        try:
            import django

            django.setup()
            from django.core.management import call_command

            call_command("migrate", verbosity=0)
            yield
        finally:
            with psycopg.connect(f"{url}/{name}", autocommit=True) as server:
                server.execute(f'drop database if exists "{name}_bench" with (force)')


def main(arguments: list[str]) -> None:
    wanted = NAMES if "all" in arguments else [a for a in arguments if not a.startswith("--")]
    if unknown := set(wanted) - set(NAMES):
        sys.exit(f"No benchmark is called {', '.join(sorted(unknown))}. There are: {', '.join(NAMES)}.")
    if "--table" in arguments:
        from bench import report

        print(report.tables(wanted or NAMES))
    elif not wanted:
        print(__doc__)
        for name in NAMES:
            print(f"{name:10} {summary(name)}")
    else:
        with database():
            from bench import common, report

            common.prepare(quick="--quick" in arguments)
            for name in wanted:
                report.show(name, importlib.import_module(f"bench.{name}").rows(), keep="--quick" not in arguments)


def summary(name: str) -> str:
    """The first line of the module, which is not imported: that would want a database."""
    source = Path(bench.__file__).with_name(f"{name}.py").read_text()
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


main(sys.argv[1:])
