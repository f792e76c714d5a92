"""Projections from the command line: where they stand, pause and resume, build anew, check, go back, mend."""

import time
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from eventstore import log
from projections import doors, operations, parking, retrying
from projections import rebuild as building
from projections.compare import Compared
from projections.engine import catch_up
from projections.listing import as_json, as_parked, as_table
from projections.management.arguments import at_least_one, share, who
from projections.models import Checkpoint
from projections.progress import Report, shown
from projections.projection import Policy, known
from projections.rows import EventFailed
from projections.status import alerts, statuses
from projections.told import NOT_COMPARED
from projections.trouble import TROUBLE, of_the_moment
from projections.verify import told

PAUSE = 0.05  # seconds, between two looks at the log
ME = "manage.py projections"

Chosen = Sequence[Any]  # projections and policies


class Command(BaseCommand):
    help = "Projections keep the read models: see where they stand, advance them, build them anew, check and mend them."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(metavar="ACTION", required=True)

        def add(run: Callable[..., None], example: str, names: str | int = "*", among: Any = actions) -> ArgumentParser:
            name = run.__name__.rstrip("_").removeprefix("parked_")
            before = "" if among is actions else "parked "
            added: ArgumentParser = among.add_parser(
                name, help=run.__doc__, description=run.__doc__, epilog=f"Example: {ME} {before}{example}"
            )
            if names:
                whose = "of a projection, as `list` shows it" + (", or of a context: all that it has" * (names != 1))
                added.add_argument("names", nargs=names, metavar="NAME", help=whose)
            added.set_defaults(run=run, alone=names == 1)
            return added

        listing = add(self.list_, "list --check")
        listing.add_argument("--json", action="store_true", help="for programs")
        listing.add_argument("--check", action="store_true", help="end with an error if somebody should look at one")
        add(self.run_, "run Orders --follow").add_argument("--follow", action="store_true", help="go on until Ctrl-C")
        reason: dict[str, Any] = {"required": True, "metavar": "WHY", "help": "for whoever finds it so"}
        add(self.pause, 'pause billing --reason "its server is being moved"', "+").add_argument("--reason", **reason)
        add(self.resume, "resume billing", "+")
        rebuilding = add(self.rebuild, "rebuild Orders --dry-run")
        rebuilding.add_argument("--all", action="store_true", help="every projection")
        rebuilding.add_argument(
            "--workers", type=at_least_one, default=1, metavar="N", help="processes that build at once (default: 1)"
        )
        rebuilding.add_argument("--expect-changes", action="store_true", help="say which rows differ, and swap")
        instead = rebuilding.add_mutually_exclusive_group()
        instead.add_argument("--restart", action="store_true", help="do not go on with one that was stopped")
        instead.add_argument("--dry-run", action="store_true", help="say what would change and how long it takes")
        instead.add_argument("--abandon", action="store_true", help="throw away one that was stopped")
        sample: dict[str, Any] = {
            "type": share,
            "default": 1.0,
            "metavar": "SHARE",
            "help": "of the streams, such as 5%%, where `splits_by` says whose each row is (default: all)",
        }
        rebuilding.add_argument("--sample", **sample)
        verifying = add(self.verify, "verify Products --sample 5%")
        verifying.add_argument("--sample", **sample)
        verifying.add_argument("--heal", action="store_true", help="put what was built in the place of what differs")
        going_back = add(self.back, "back Orders", 1)
        either = going_back.add_mutually_exclusive_group()
        either.add_argument("--drop", action="store_true", help="throw the kept tables away instead")
        either.add_argument(
            "--even-so", action="store_true", help="also to rows that were found to differ from the log"
        )
        add(self.replay, "replay Orders --yes", 1).add_argument("--yes", action="store_true", help="do it")
        words = "Events that could not be applied, and wait with all that follow in their streams."
        parked = actions.add_parser(
            "parked", help=words, description=words, epilog=f"Example: {ME} parked list"
        ).add_subparsers(metavar="ACTION", required=True)
        add(self.parked_list, "list Orders", among=parked)
        add(self.parked_retry, "retry Orders", 1, parked).add_argument(
            "--stream", type=UUID, metavar="ID", help="this stream only"
        )
        skipping = add(self.parked_skip, 'skip Orders 1042 --reason "a test that went to production"', 1, parked)
        for one in (skipping, add(self.parked_unskip, "unskip Orders 1042", 1, parked)):
            one.add_argument("position", type=at_least_one, metavar="POSITION", help="of the event, in the log")
        skipping.add_argument("--reason", **reason)

    def handle(self, *_: Any, run: Callable[..., None], names: list[str], alone: bool, **options: Any) -> None:
        try:
            found = [[doors.named(name)] if alone else doors.all_named(name) for name in names]
            run(list(dict.fromkeys(each for some in found for each in some)), **options)
        except (doors.Unknown, *doors.REFUSALS) as error:
            raise CommandError(str(error)) from error

    def list_(self, chosen: Chosen, *, json: bool, check: bool, **_: Any) -> None:
        """Show where each stands, how far it is behind, and what is wrong with it. Without names, all."""
        found = statuses(chosen or known().values())
        self.stdout.write(as_json(found) if json else as_table(found))
        if check and (wrong := alerts(found)):
            raise CommandError(
                f"Somebody should look at {', '.join(dict.fromkeys(each.projection for each in wrong))}."
            )

    def run_(self, chosen: Chosen, *, follow: bool, **_: Any) -> None:
        """Advance them in the foreground until they have seen what is in the log now. Without names, all."""
        found = statuses(chosen or known().values())
        for each in found:
            if each.paused_at:
                told = f"{each.name} is paused, by {each.paused_by}: {each.pause_reason}"
                if chosen:
                    raise CommandError(f"{told}. Let it go on first: {ME} resume {each.name}")
                self.stdout.write(told)
        self._advance([known()[each.name] for each in found if not each.paused_at], follow)
        found = statuses(chosen or known().values())
        self.stdout.write(as_table(found))
        if newer := [each.name for each in found if each.built_version > each.version]:
            raise CommandError(f"{', '.join(newer)}: built by newer code, which alone can go on.")
        if stopped := [each.name for each in found if each.error]:
            raise CommandError(f"{', '.join(stopped)} cannot go on.")

    def _advance(self, chosen: Chosen, follow: bool = False) -> None:
        """Until they have seen the log, or cannot go on; Ctrl-C ends it."""
        with shown(self.stdout) as report, suppress(KeyboardInterrupt):
            while True:
                try:
                    catch_up(chosen, report=report)
                    if not (follow or self._is_behind(chosen)):
                        break
                except TROUBLE as error:
                    if not follow:
                        raise CommandError(f"The database is away: {error}") from error
                    connection.close()
                    report("database", "away", 0, 0, 0)
                    time.sleep(1)
                time.sleep(PAUSE)  # for whoever holds their leases, or for new events

    def _is_behind(self, chosen: Chosen) -> bool:
        """Whether one of them still can go on; not one that is paused, or that newer code has built."""
        live = Checkpoint.objects.filter(schema="", error="", paused_at=None, position__lt=log.horizon())
        versions = {each.name: each.version for each in chosen}
        stand = live.filter(projection__in=versions).values_list("projection", "version")
        return any(version <= versions[name] for name, version in stand)

    def pause(self, chosen: Chosen, *, reason: str, **_: Any) -> None:
        """Have nobody move them until they are resumed: their rows stay as they are, and events wait in the log."""
        for each in where(chosen, paused=False):
            self.stdout.write(doors.pause(each, by=who(), reason=reason))

    def resume(self, chosen: Chosen, **_: Any) -> None:
        """Let those that are paused go on where they were."""
        for each in where(chosen, paused=True):
            self.stdout.write(doors.resume(each, by=who()))

    def rebuild(
        self, chosen: Chosen, *, all: bool, dry_run: bool, sample: float, abandon: bool, **options: Any
    ) -> None:
        """Build their tables anew beside the live ones, compare, and swap. Readers never notice.

        One that was stopped goes on where it was.
        """
        if bool(chosen) == all:
            raise CommandError("Which? Say their names, or --all.")
        if sample < 1 and not dry_run:
            raise CommandError("Expected --sample with --dry-run, found it alone: a rebuild is of the whole.")
        options = {name: options[name] for name in ("workers", "expect_changes", "restart")}

        def one(projection: Any, report: Report) -> str:
            if abandon:
                return doors.abandon(projection, by=who())
            if dry_run:
                return str(building.dry_run(projection, sample=sample, report=report))
            try:
                built = building.rebuild(projection, report=report, **options)
            except (building.Different, EventFailed) as error:
                building.note(projection, error, by=who())
                raise
            operations.end(projection, "rebuild", by=who(), found=built.told())
            compared = lines(built.compared) or f"  {NOT_COMPARED}"
            return (
                f"{projection.name}: rebuilt from {built.events:,} events, up to position {built.position:,}; "
                f"swapped in {built.swap_seconds * 1000:,.0f} ms.\n{compared}"
            )

        self._each(chosen or projections(), one, "rebuild", keeps=not dry_run)

    def verify(self, chosen: Chosen, *, sample: float, heal: bool, **_: Any) -> None:
        """Build their tables anew and compare them with the live ones row by row. Without names, all.

        Nothing is changed, unless they are to be healed.
        """

        def one(projection: Any, report: Report) -> str:
            compared = building.verify(projection, sample=sample, heal=heal, report=report)
            operations.end(projection, "verify", by=who(), found=told(compared, heal=heal), sample=sample, heal=heal)
            if not any(each.rows for each in compared) and sample < 1:
                return f"{projection.name}: nothing was compared, for no row is of these streams. Take more of them."
            if not any(each.differing for each in compared):
                of = "" if sample == 1 else "Of these streams, "
                return f"{of}{projection.name} is what the log makes of it.\n{lines(compared)}"
            if heal:
                return f"{projection.name} was not what the log makes of it, and is now.\n{lines(compared)}"
            raise building.Refused(f"{projection.name} is not what the log makes of it.\n{lines(compared)}")

        self._each(chosen or projections(), one, "verify")

    def back(self, chosen: Chosen, *, drop: bool, even_so: bool, **_: Any) -> None:
        """Put the tables that were kept at the last rebuild in the place of the live ones, at once."""
        (projection,) = chosen
        if drop:
            if not building.drop_old(projection):
                raise CommandError(f"{projection.name} has no old tables: nothing is kept that could be thrown away.")
            self.stdout.write(f"{projection.name}: the kept tables are thrown away. There is no way back.")
        else:
            self.stdout.write(doors.go_back(projection, by=who(), even_so=even_so))

    def replay(self, chosen: Chosen, *, yes: bool, **_: Any) -> None:
        """Empty its live tables, and fold the log into them again: readers see them fill.

        `rebuild` is the one that nobody notices.
        """
        (projection,) = chosen
        operations.refuse_policy(projection)
        name = projection.name
        if not yes:
            count = sum(model._default_manager.count() for model in projection.tables)
            raise CommandError(
                f"This empties the live tables of {name} ({count:,} rows), and readers see them fill again. "
                f"`{ME} rebuild {name}` builds them beside the live ones, and nobody notices. "
                "Nothing was done: expected --yes for doing it all the same."
            )
        count = operations.replay(projection)
        operations.end(projection, "replay", by=who(), found={"rows": count})
        self.stdout.write(f"{name}: emptied, {count:,} rows.")
        self._advance(chosen)
        (found,) = statuses(chosen)
        self.stdout.write(as_table([found]))
        if found.error:
            raise CommandError(f"{name} cannot go on.")
        if found.position < log.horizon():
            raise CommandError(
                f"{name}: stopped at position {found.position:,} of {log.horizon():,}; its tables are not full yet. "
                f"The workers go on, or: {ME} run {name}"
            )

    def parked_list(self, chosen: Chosen, **_: Any) -> None:
        """Show each event that could not be applied, its error, and how many wait behind it; and what was skipped."""
        names = [each.name for each in chosen] or list(known())
        self.stdout.write(as_parked(doors.parked().filter(projection__in=names)))

    def parked_retry(self, chosen: Chosen, *, stream: UUID | None, **_: Any) -> None:
        """Apply what is parked, in order; what fails again stays, with all that follow it in its stream.

        Where rows are made of several streams, the tables are built anew instead.
        """
        (projection,) = chosen
        try:
            retried = retrying.retry(projection, stream)
        except KeyboardInterrupt as error:
            left = parking.waiting(projection.name).count()
            raise CommandError(f"{projection.name}: stopped, {left:,} still parked. Ask again to go on.") from error
        self.stdout.write(doors.told(projection, retried._replace(errors=[])))
        if retried.errors:
            raise CommandError("\n".join(retried.errors))

    def parked_skip(self, chosen: Chosen, *, position: int, reason: str, **_: Any) -> None:
        """Leave an event out for good, also of rebuilds: the rows are as if it had not happened."""
        self.stdout.write(doors.skip(chosen[0], by=who(), position=position, reason=reason))

    def parked_unskip(self, chosen: Chosen, *, position: int, **_: Any) -> None:
        """Undo a skip: the event is parked again, and can be retried."""
        self.stdout.write(doors.unskip(chosen[0], by=who(), position=position))

    def _each(self, chosen: Chosen, one: Callable[[Any, Report], str], doing: str, keeps: bool = False) -> None:
        """One after the other: what is wrong with one does not keep the others, and is a CommandError at the end."""
        wrong = []
        kept = "; what was built is kept, and gone on with" if keeps else ""
        for place, projection in enumerate(chosen):
            try:
                with shown(self.stdout) as report:
                    said = one(projection, report)
            except doors.REFUSALS as error:
                wrong.append(projection.name)
                self.stderr.write(str(error))
            except KeyboardInterrupt as error:
                left = " ".join(each.name for each in chosen[place:])
                raise CommandError(
                    f"{projection.name}: stopped. Its live tables are as they were{kept}. Left: {ME} {doing} {left}"
                ) from error
            except Exception as error:
                if not of_the_moment(error):
                    raise
                wrong.append(projection.name)
                self.stderr.write(f"{projection.name}: stopped by the database{kept}: {error}")
            else:
                self.stdout.write(said)
        if wrong:
            raise CommandError(f"The live tables of {', '.join(wrong)} are as they were.")


def projections() -> Chosen:
    """All but the policies, which keep nothing that could be built anew."""
    return [known()[name] for name in sorted(known()) if not isinstance(known()[name], Policy)]


def where(chosen: Chosen, *, paused: bool) -> Chosen:
    """Those that are paused, or are not; where there are none, all: each is refused, and says why."""
    names = {each.name for each in statuses(chosen) if (each.paused_at is not None) == paused}
    return [each for each in chosen if each.name in names] or chosen


def lines(compared: Sequence[Compared]) -> str:
    return "\n".join(f"  {each}" for each in compared)
