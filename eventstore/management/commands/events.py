"""The log, for people: what happened, what it came to, and what happens now."""

import os
import sys
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from base64 import b64encode
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from eventsourcing.application import AggregateNotFoundError
from psycopg import sql

from eventstore import auditing, docs, history, log, personal, transfer
from eventstore.names import known

EXAMPLES = """examples:
  manage.py events tail --follow                        what happens, as it happens
  manage.py events show STREAM                          all events of one stream
  manage.py events show STREAM --at v3                  what it was at version 3
  manage.py events show STREAM --at 2026-03-01T12:00Z   … at an instant (of what was known then)
  manage.py events show STREAM --diff                   what each event changed, who, and why
  manage.py events show STREAM --diff --since v1 --at v3  … between two moments
  manage.py events verify                               is the log whole, and can all of it be read?
  manage.py events export > log.jsonl                   byte for byte; `events import log.jsonl` into an empty store
  manage.py events horizon                              how far the log may be read, and who holds that back
  manage.py events roles --writer shop --reader bi      SQL for least rights, to be run by the owner
  manage.py events new-key                              a key for EVENTSTORE_KEYS; put first, then `events rewrap`
"""
POLL = 0.2  # seconds between looks at the log
EVERY = 2.0  # seconds between lines of progress


class Command(BaseCommand):
    help = "Look at the log, verify it, take it elsewhere."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(
            prog_name, subcommand, epilog=EXAMPLES, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        tail = actions.add_parser("tail", help="the last events, and with --follow all that come")
        tail.add_argument("-n", "--lines", type=int, default=10, help="how many of the last events (default: 10)")
        tail.add_argument("-f", "--follow", action="store_true", help="go on until Ctrl-C")
        tail.add_argument("--name", action="append", default=[], help="only this stored name; may be given again")
        show = actions.add_parser("show", help="one stream: its events, or what they came to")
        show.add_argument("stream", metavar="STREAM", help="its id, a UUID")
        show.add_argument("--at", metavar="INSTANT|POSITION|vN", help="what it was then, of what was known then")
        show.add_argument("--effective-at", metavar="INSTANT", help="what was true then, of what is known now")
        show.add_argument("--diff", action="store_true", help="what each event changed, field by field")
        show.add_argument("--since", metavar="INSTANT|POSITION|vN", help="only what came after it")

        actions.add_parser("verify", help="streams contiguous, positions in order, every event readable")
        actions.add_parser("export", help="the whole log as JSON lines, to the standard output")
        imported = actions.add_parser("import", help="an export, into an empty store")
        imported.add_argument("file", metavar="FILE", type=Path)
        actions.add_parser("horizon", help="how far the log may be read, and who holds that back")
        actions.add_parser("docs", help="docs/events.md, to the standard output")
        roles = actions.add_parser("roles", help="SQL that grants least rights to two roles that exist")
        roles.add_argument("--writer", required=True, help="the application's role")
        roles.add_argument("--reader", required=True, help="one that only looks")
        actions.add_parser("new-key", help="a new key for EVENTSTORE_KEYS")
        actions.add_parser("rewrap", help="wrap all keys of persons by the first of EVENTSTORE_KEYS")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        match action:
            case "tail":
                self.tail(options["lines"], options["follow"], options["name"])
            case "show":
                self.show(options["stream"], options["at"], options["effective_at"], options["diff"], options["since"])
            case "verify":
                self.verify()
            case "export":
                self.export()
            case "import":
                self.import_(options["file"])
            case "horizon":
                self.horizon()
            case "docs":
                self.stdout.write(docs.pages(), ending="")
            case "roles":
                self.roles(options["writer"], options["reader"])
            case "new-key":
                self.stdout.write(f"{datetime.now(UTC):%Y-%m-%dT%H%M%S}:{b64encode(os.urandom(32)).decode()}")
            case "rewrap":
                with transaction.atomic():
                    self.stdout.write(f"{personal.rewrap():,} keys were wrapped anew.")

    def verify(self) -> None:
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

    def export(self) -> None:
        out = sys.stdout.buffer
        try:
            for line in transfer.lines():
                out.write(line + b"\n")
            out.flush()
        except BrokenPipeError:
            sys.stderr.close()  # whoever reads has seen enough

    def import_(self, file: Path) -> None:
        began = time.monotonic()
        try:
            with file.open("rb") as source:
                counts = transfer.load(source)
        except (OSError, transfer.WrongFile) as error:
            raise CommandError(f"{file}: {error}") from error
        took = time.monotonic() - began
        told = ", ".join(f"{count:,} {kind}s" for kind, count in counts.items())
        self.stdout.write(f"{told} in {took:.1f} s, {sum(counts.values()) / took:,.0f} lines/s.")

    def horizon(self) -> None:
        self.stdout.write(f"The log may be read up to position {log.horizon():,}.")
        for holder in log.holders():
            self.stdout.write(
                f"At {holder.floor:,} process {holder.pid} ({holder.application or 'no name'}) holds it back, "
                f"{holder.state}, {holder.age.total_seconds():.1f} s old: {holder.query}"
            )

    def roles(self, writer: str, reader: str) -> None:
        template = (Path(__file__).parents[2] / "sql" / "roles.sql").read_text()
        for role, name in ((":writer", writer), (":reader", reader)):
            template = template.replace(role, sql.Identifier(name).as_string())
        self.stdout.write(template, ending="")

    def tail(self, lines: int, follow: bool, names: list[str]) -> None:
        if lines < 0:
            raise CommandError(f"--lines must not be negative; it is {lines}.")
        for name in names:
            if name not in known() and not history.last(1, [name]):
                near = "".join(f" Is it {n}?" for n in get_close_matches(name, known(), 1))
                raise CommandError(f"Nothing is stored as {name}.{near}")
        try:
            entries = history.last(lines, names)
            for entry in entries:
                self.line(entry)
            position = entries[-1].position if entries else log.horizon()
            while follow:
                for entry in history.after(position, log.horizon(), names):
                    self.line(entry)
                    position = entry.position
                self.stdout.flush()
                time.sleep(POLL)
        except (KeyboardInterrupt, BrokenPipeError):
            sys.stderr.close()  # whoever reads has seen enough

    def show(self, stream: str, at: str | None, effective_at: str | None, diff: bool, since: str | None) -> None:
        if at and effective_at:
            raise CommandError("--at and --effective-at ask two questions: give one of them.")
        try:
            stream_id = UUID(stream)
        except ValueError:
            raise CommandError(f"{stream!r} is no stream. Expected a UUID, as `events tail` shows them.") from None
        try:
            until = history.moment(at) if at else history.effective(effective_at) if effective_at else None
            aggregate = history.at(stream_id, until) if until and not diff else None
            before = {entry.version for entry in history.of(stream_id, history.moment(since))} if since else set()
        except (ValueError, AggregateNotFoundError) as error:
            raise CommandError(str(error)) from None
        entries = history.of(stream_id, until)
        if not entries:
            raise CommandError(f"There is no stream {stream_id}.")
        if diff:
            told = ((e, changes) for e, changes in history.states(entries) if e.version not in before)
            for entry, changes in told:
                self.line(entry)
                for change in changes:
                    was = "" if entry.version == 1 else f"{plain(change.before)} → "
                    self.stdout.write(f"    {change.field}: {was}{plain(change.after)}")
        elif aggregate is not None:
            self.stdout.write(f"{type(aggregate).__name__} {stream_id}, version {aggregate.version}, at {until}")
            for field, value in history.state(aggregate).items():
                self.stdout.write(f"    {field}: {plain(value)}")
        else:
            for entry in entries:
                if entry.version not in before:
                    self.line(entry)

    def line(self, entry: history.Entry) -> None:
        when = f"{entry.recorded_at:%Y-%m-%d %H:%M:%S}"
        if entry.effective_at != entry.recorded_at:
            when += f" (effective {entry.effective_at:%Y-%m-%d %H:%M:%S})"
        who = f" by {entry.actor}" if entry.actor else ""
        why = f" because {entry.reason}" if entry.reason else ""
        head = f"{entry.position:>8} {when} {entry.stream_id} v{entry.version} "
        self.stdout.write(f"{head}{self.style.MIGRATE_HEADING(entry.name)}{who}{why} {entry.data.decode()}")


def plain(value: Any) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()
