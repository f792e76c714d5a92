"""The log, for people: what happened, what it came to, and what happens now."""

import json
import os
import sys
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, transaction
from django.db.models import QuerySet
from eventsourcing.domain import EventSourcingError
from psycopg import sql

from eventstore import auditing, docs, history, log, mapper, personal, transfer
from eventstore.browser import causes, told
from eventstore.browser.told import Told
from eventstore.evolution import stored_as
from eventstore.models import Event
from eventstore.names import known
from eventstore.otlp import exported

EXAMPLES = """examples:
  manage.py events tail --follow                        what happens, as it happens
  manage.py events show STREAM                          all events of one stream
  manage.py events show STREAM --at v3                  what it was at version 3
  manage.py events show STREAM --at 2026-03-01T12:00Z   … at an instant (of what was known then)
  manage.py events show STREAM --diff                   what each event changed, who, and why
  manage.py events show STREAM --diff --since v1 --at v3  … between two moments
  manage.py events verify                               is the log whole, and can all of it be read?
  manage.py events export > log.jsonl                   byte for byte; `events import log.jsonl` into an empty store
  manage.py events trace ID                             all that came of one request, by its correlation id, as a tree
  manage.py events trace ID --otlp                      the same in OTLP/JSON, for tools of OpenTelemetry
  manage.py events horizon                              how far the log may be read, and who holds that back
  manage.py events roles --writer shop --reader bi      SQL for least rights, to be run by the owner
  manage.py events new-key                              a key for EVENTSTORE_KEYS; put first, then `events rewrap`
"""
POLL = 0.2  # seconds between looks at the log
AT_ONCE = 1_000  # events that a look reads
EVERY = 2.0  # seconds between lines of progress
MOST = 2**63 - 1  # lines; the database counts no further


class Command(BaseCommand):
    help = "Look at the log, verify it, take it elsewhere."
    requires_system_checks = []  # new-key mends what they find, and a role that only looks has no keys

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(
            prog_name, subcommand, epilog=EXAMPLES, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

        def add(run: Callable[..., None], example: str) -> ArgumentParser:
            name = run.__name__.rstrip("_").replace("_", "-")
            added: ArgumentParser = actions.add_parser(
                name, help=run.__doc__, description=run.__doc__, epilog=f"Example: manage.py events {example}"
            )
            added.set_defaults(run=run)
            return added

        tail = add(self.tail, "tail --follow --name Order.Placed")
        tail.add_argument("-n", "--lines", type=int, default=10, help="how many of the last events (default: 10)")
        tail.add_argument("-f", "--follow", action="store_true", help="go on until Ctrl-C")
        tail.add_argument(
            "--name", action="append", default=[], dest="names", help="only this stored name; may be given again"
        )
        show = add(self.show, "show 0198c0de-0000-7000-8000-000000000001 --diff --since v1")
        show.add_argument("stream", metavar="STREAM", help="its id, a UUID")
        show.add_argument("--at", metavar="INSTANT|POSITION|vN", help="what it was then, of what was known then")
        show.add_argument("--effective-at", metavar="INSTANT", help="what was true then, of what is known now")
        show.add_argument("--diff", action="store_true", help="what each event changed, field by field")
        show.add_argument("--since", metavar="INSTANT|POSITION|vN", help="only what came after it")
        trace = add(self.trace, "trace 0198c0de-0000-7000-8000-000000000001 --otlp > trace.json")
        trace.add_argument("correlation", metavar="ID", help="the correlation id, or a W3C trace id")
        trace.add_argument("--otlp", action="store_true", help="as OTLP/JSON")
        trace.add_argument("--service", default="shop", help="the service.name of the OTLP export")
        add(self.verify, "verify")
        add(self.export, "export > log.jsonl")
        add(self.import_, "import log.jsonl").add_argument("file", metavar="FILE", type=Path)
        add(self.horizon, "horizon")
        add(self.docs, "docs > docs/events.md")
        roles = add(self.roles, "roles --writer shop --reader bi | psql")
        roles.add_argument("--writer", required=True, help="the application's role")
        roles.add_argument("--reader", required=True, help="one that only looks")
        add(self.new_key, "new-key")
        add(self.rewrap, "rewrap")

    def handle(self, *_: Any, run: Callable[..., None], **options: Any) -> None:
        try:
            run(**options)
        except (EventSourcingError, personal.KeyUnavailable, DatabaseError) as error:
            raise CommandError(str(error)) from error

    def verify(self, **_: Any) -> None:
        """Whether streams are whole, positions in order, receipts true, and all events readable by today's code."""
        upto, problems, began = log.horizon(), 0, time.monotonic()
        for problem in (*auditing.streams(upto), *auditing.receipts(upto)):
            problems += 1
            self.stderr.write(problem)
        told = began
        for position, found in auditing.events(upto):
            problems += len(found)
            for problem in found:
                self.stderr.write(problem)
            if time.monotonic() - told > EVERY:
                told = time.monotonic()
                self.stdout.write(f"{position:,} of {upto:,}, {position / (told - began):,.0f} positions/s")
        took = time.monotonic() - began
        if problems:
            raise CommandError(f"{problems:,} problems up to position {upto:,}, in {took:.1f} s.")
        self.stdout.write(f"The log is whole up to position {upto:,}, and every event of it is readable: {took:.1f} s.")
        if not personal.may_be_opened():
            self.stdout.write("Personal facts were not opened: this database role may not read the keys of persons.")

    def export(self, **_: Any) -> None:
        """Write the whole store as JSON lines to the standard output, byte for byte; personal facts stay sealed."""
        if not personal.may_be_opened():
            raise CommandError(
                "An export has the keys of persons in it, wrapped. Expected a database role that may read "
                "eventstore_personal_key, found one that may not."
            )
        out = sys.stdout.buffer
        try:
            for line in transfer.lines():
                out.write(line + b"\n")
            out.flush()
        except BrokenPipeError:
            sys.stderr.close()  # whoever reads has seen enough

    def import_(self, file: Path, **_: Any) -> None:
        """Fill an empty store with an export, all or nothing."""
        began = time.monotonic()
        try:
            with file.open("rb") as source:
                counts = transfer.load(source)
        except (OSError, transfer.WrongFile) as error:
            raise CommandError(f"{file}: {error}") from error
        took = time.monotonic() - began
        told = ", ".join(f"{count:,} {kind}s" for kind, count in counts.items())
        self.stdout.write(f"{told} in {took:.1f} s, {sum(counts.values()) / took:,.0f} lines/s.")

    def horizon(self, **_: Any) -> None:
        """Show how far the log may be read, and who holds that back."""
        self.stdout.write(f"The log may be read up to position {log.horizon():,}.")
        for holder in log.holders():
            self.stdout.write(
                f"At {holder.floor:,} process {holder.pid} ({holder.application or 'no name'}) holds it back, "
                f"{holder.state}, {holder.age.total_seconds():.1f} s old: {holder.query}"
            )

    def docs(self, **_: Any) -> None:
        """Write docs/events.md to the standard output."""
        self.stdout.write(docs.pages(), ending="")

    def new_key(self, **_: Any) -> None:
        """Write a new key for EVENTSTORE_KEYS; put first there, it wraps the keys of persons from then on."""
        self.stdout.write(f"{datetime.now(UTC):%Y-%m-%dT%H%M%S}:{b64encode(os.urandom(32)).decode()}")

    def rewrap(self, **_: Any) -> None:
        """Wrap all keys of persons by the first of EVENTSTORE_KEYS; the others may then be taken away."""
        with transaction.atomic():
            self.stdout.write(f"{personal.rewrap():,} keys were wrapped anew.")

    def roles(self, writer: str, reader: str, **_: Any) -> None:
        """Write SQL that grants least rights to two roles that exist, to be run by the owner."""
        template = (Path(__file__).parents[2] / "sql" / "roles.sql").read_text()
        for role, name in ((":writer", writer), (":reader", reader)):
            template = template.replace(role, sql.Identifier(name).as_string())
        self.stdout.write(template, ending="")

    def tail(self, lines: int, follow: bool, names: list[str], **_: Any) -> None:
        """Show the last events, and with --follow all that come."""
        if not 0 <= lines <= MOST:
            raise CommandError(f"--lines must not be negative, nor above {MOST}; it is {lines}.")
        events = told.log()
        for name in names:
            if name not in known() and not events.filter(name=name).exists():
                near = "".join(f" Is it {n}?" for n in get_close_matches(name, known(), 1))
                raise CommandError(f"Nothing is stored as {name}.{near}")
        if names:
            events = events.filter(name__in=[older for name in names for older in stored_as(name)])
        try:
            position = log.horizon()
            last = events.filter(position__lte=position) if follow else events
            for each in told.tell(told.entries(last.order_by("-position")[:lines])[::-1]):
                self.line(each)
            while follow:
                self.stdout.flush()
                new = events.filter(position__gt=position, position__lte=log.horizon()).order_by("position")
                for each in told.tell(told.entries(new[:AT_ONCE])):
                    self.line(each)
                    position = each.entry.position
                time.sleep(POLL)
        except (KeyboardInterrupt, BrokenPipeError):
            sys.stderr.close()  # whoever reads has seen enough

    def show(
        self, stream: str, at: str | None, effective_at: str | None, diff: bool, since: str | None, **_: Any
    ) -> None:
        """Show one stream: its events, what each changed, or what they came to."""
        if at and effective_at:
            raise CommandError("--at and --effective-at ask two questions: give one of them.")
        try:
            stream_id = UUID(stream)
        except ValueError:
            raise CommandError(f"{stream!r} is no stream. Expected a UUID, as `events tail` shows them.") from None
        try:
            until = history.moment(at) if at else history.effective(effective_at) if effective_at else None
            after = history.moment(since) if since else None
        except ValueError as error:
            raise CommandError(str(error)) from None
        if until and not diff:
            aggregate = history.at(stream_id, until)
        events = told.log().filter(stream_id=stream_id)
        before = set(_until(events, after).values_list("version", flat=True)) if after else set()
        found = told.tell(told.entries(_until(events, until).order_by("version")))
        if not found:
            raise CommandError(f"There is no stream {stream_id}.")
        if diff:
            by_version = {each.entry.version: each for each in found}
            for entry, changes in history.states(_readable(found)):
                if entry.version not in before:
                    self.line(by_version[entry.version])
                    for change in changes:
                        was = "" if entry.version == 1 else f"{plain(change.before)} → "
                        self.stdout.write(f"    {change.field}: {was}{plain(change.after)}")
        elif until:
            self.stdout.write(f"{type(aggregate).__name__} {stream_id}, version {aggregate.version}, at {until}")
            for field, value in history.state(aggregate).items():
                self.stdout.write(f"    {field}: {plain(value)}")
        else:
            for each in found:
                if each.entry.version not in before:
                    self.line(each)

    def trace(self, correlation: str, otlp: bool, service: str, **_: Any) -> None:
        """Show what came of one request: commands, their events, and what these caused, with milliseconds."""
        try:
            correlation_id = UUID(correlation)
        except ValueError:
            raise CommandError(f"{correlation!r} is no correlation id. Expected a UUID, or 32 hex digits.") from None
        found, more = causes.of(correlation_id, 0)
        if not found:
            raise CommandError(f"There is no event of correlation {correlation_id}.")
        while more:
            some, more = causes.of(correlation_id, found[-1].entry.position)
            found += some
        if otlp:
            self.stdout.write(json.dumps(exported(correlation_id, found, service), indent=2))
            return
        for step in causes.steps(found):
            self.stdout.write("  " * step.depth + causes.in_words(step))

    def line(self, each: Told) -> None:
        entry = each.entry
        when = f"{entry.recorded_at:%Y-%m-%d %H:%M:%S}"
        if entry.effective_at != entry.recorded_at:
            when += f" (effective {entry.effective_at:%Y-%m-%d %H:%M:%S})"
        who = f" by {entry.actor}" if entry.actor else ""
        why = f" because {entry.reason}" if entry.reason else ""
        head = f"{entry.position:>8} {when} {entry.stream_id} v{entry.version} "
        wrong = self.style.ERROR(f" unreadable: {each.problem}") if each.problem else ""
        self.stdout.write(f"{head}{self.style.MIGRATE_HEADING(entry.name)}{who}{why} {each.raw}{wrong}")


def _until(events: QuerySet[Event], until: history.Moment | None) -> QuerySet[Event]:
    return events.filter(**{f"{until.column}__lte": until.bound}) if until else events


def _readable(found: Sequence[Told]) -> Iterator[history.Entry]:
    """The entries up to the first that cannot be read; CommandError names that one."""
    for each in found:
        if each.problem:
            where = mapper.where(each.entry)
            raise CommandError(each.problem if where in each.problem else f"{where}: {each.problem}")
        yield each.entry


def plain(value: Any) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()
