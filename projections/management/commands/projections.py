"""Projections from the command line: where they stand, advance them, build them anew, check them."""

import json
import time
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from contextlib import suppress
from difflib import get_close_matches
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

from eventstore import log
from projections.compare import Compared
from projections.engine import TROUBLE, catch_up
from projections.lease import LeaseLost
from projections.models import Checkpoint
from projections.progress import Report, shown
from projections.projection import Projection, known
from projections.rebuild import Refused, rebuild, verify
from projections.rows import EventFailed
from projections.status import Status, statuses

PAUSE = 0.05  # seconds, between two looks at the log

Chosen = Sequence[Projection]


class Command(BaseCommand):
    help = "Projections keep the read models: see where they stand, advance them, build them anew, check them."

    def add_arguments(self, parser: CommandParser) -> None:
        subcommands = parser.add_subparsers(metavar="list | run | rebuild | verify", required=True)

        def add(run: Callable[..., None], example: str) -> ArgumentParser:
            name = run.__name__.removesuffix("_")
            added: ArgumentParser = subcommands.add_parser(
                name, help=run.__doc__, description=run.__doc__, epilog=f"Example: manage.py projections {example}"
            )
            added.add_argument("names", nargs="*", metavar="NAME", help="of a projection, as `list` shows it")
            added.set_defaults(run=run)
            return added

        add(self.list_, "list --json").add_argument("--json", action="store_true", help="for programs")
        add(self.run_, "run Orders --follow").add_argument("--follow", action="store_true", help="go on until Ctrl-C")
        building = add(self.rebuild, "rebuild Orders")
        building.add_argument("--all", action="store_true", help="every projection")
        building.add_argument("--expect-changes", action="store_true", help="swap even where rows differ")
        add(self.verify, "verify Orders")

    def handle(self, *_: Any, run: Callable[..., None], names: list[str], **options: Any) -> None:
        for name in names:
            if name not in known():
                near = get_close_matches(name, known(), n=1, cutoff=0)
                raise CommandError(f"There is no projection {name}." + (f" Is it {near[0]}?" if near else ""))
        if run == self.rebuild and bool(names) == options["all"]:
            raise CommandError("Which? Say their names, or --all.")
        run([known()[name] for name in names or sorted(known())], **options)

    def list_(self, chosen: Chosen, *, json: bool, **_: Any) -> None:
        """Show where each stands, how far it is behind, and what stopped it. Without names, all."""
        found = statuses(chosen)
        self.stdout.write(as_json(found) if json else as_table(found))

    def run_(self, chosen: Chosen, *, follow: bool, **_: Any) -> None:
        """Advance them in the foreground until they have seen what is in the log now. Without names, all."""
        behind = Checkpoint.objects.filter(
            name__in=[each.name for each in chosen], position__lt=log.horizon(), error=""
        )
        with shown(self.stdout) as report, suppress(KeyboardInterrupt):
            while True:
                try:
                    catch_up(chosen, report=report)
                    if not (follow or behind.exists()):
                        break
                except TROUBLE as error:
                    if not follow:
                        raise CommandError(f"The database is away: {error}") from error
                    connection.close()
                    report("database", "away", 0, 0, 0)
                    time.sleep(1)
                time.sleep(PAUSE)  # for whoever holds their leases, or for new events
        found = statuses(chosen)
        self.stdout.write(as_table(found))
        if stopped := [each.name for each in found if each.error]:
            raise CommandError(f"{', '.join(stopped)} cannot go on.")

    def rebuild(self, chosen: Chosen, *, expect_changes: bool, **_: Any) -> None:
        """Build their tables anew beside the live ones, compare, and swap. Readers never notice."""

        def one(projection: Projection, report: Report) -> str:
            built = rebuild(projection, expect_changes=expect_changes, report=report)
            compared = lines(built.compared) or "  not compared: changes were expected"
            milliseconds = built.swap_seconds * 1000
            return (
                f"{projection.name}: rebuilt from {built.events:,} events, up to position {built.position:,}; "
                f"swapped in {milliseconds:,.0f} ms.\n{compared}"
            )

        self._each(chosen, one)

    def verify(self, chosen: Chosen, **_: Any) -> None:
        """Build their tables anew, compare them with the live ones row by row, change nothing. Without names, all."""

        def one(projection: Projection, report: Report) -> str:
            compared = verify(projection, report=report)
            if any(each.differing for each in compared):
                raise Refused(f"{projection.name} is not what the log makes of it.\n{lines(compared)}")
            return f"{projection.name} is what the log makes of it.\n{lines(compared)}"

        self._each(chosen, one)

    def _each(self, chosen: Chosen, one: Callable[[Projection, Report], str]) -> None:
        """One after the other: what is wrong with one does not keep the others, and is a CommandError at the end."""
        wrong = []
        for projection in chosen:
            try:
                with shown(self.stdout) as report:
                    said = one(projection, report)
            except (Refused, EventFailed, LeaseLost) as error:
                wrong.append(projection.name)
                self.stderr.write(str(error))
            except KeyboardInterrupt as error:
                raise CommandError(f"{projection.name}: stopped. Its live tables are as they were.") from error
            else:
                self.stdout.write(said)
        if wrong:
            raise CommandError(f"The live tables of {', '.join(wrong)} are as they were.")


def lines(compared: Sequence[Compared]) -> str:
    return "\n".join(f"  {each}" for each in compared)


def as_json(found: Sequence[Status]) -> str:
    return json.dumps([each._asdict() for each in found], indent=2, cls=DjangoJSONEncoder)


def as_table(found: Sequence[Status]) -> str:
    rows = [("PROJECTION", "VERSION", "POSITION", "BEHIND", "SECONDS", "LEASE")]
    for each in found:
        version = str(each.version) + (f" (built {each.built_version})" if each.built_version != each.version else "")
        lease = f"{each.holder} until {each.leased_until:%H:%M:%S}" if each.leased_until else "free"
        seconds = f"{each.behind_seconds:,.1f}" if each.behind_events else "-"
        rows.append((each.name, version, f"{each.position:,}", f"{each.behind_events:,}", seconds, lease))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    written = []
    for place, (name, *numbers, lease) in enumerate(rows):
        cells = [name.ljust(widths[0]), *(n.rjust(w) for n, w in zip(numbers, widths[1:-1], strict=True)), lease]
        written.append("  ".join(cells))
        if place and (stopped := found[place - 1]).error:
            written.append(f"  stopped since {stopped.error_since:%Y-%m-%d %H:%M:%S} UTC: {stopped.error}")
        if place and (building := found[place - 1].rebuilding) is not None:
            written.append(f"  is being rebuilt, up to position {building:,} so far")
    return "\n".join(written)
