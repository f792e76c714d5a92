"""The log, for people: what happened, what it came to, and what happens now."""

import sys
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any
from uuid import UUID

import msgspec
from django.core.management.base import BaseCommand, CommandError
from eventsourcing.application import AggregateNotFoundError

from eventstore import history, log

EXAMPLES = """examples:
  manage.py events tail --follow                        what happens, as it happens
  manage.py events show STREAM                          all events of one stream
  manage.py events show STREAM --at v3                  what it was at version 3
  manage.py events show STREAM --at 2026-03-01T12:00Z   … at an instant (of what was known then)
  manage.py events show STREAM --diff                   what each event changed, who, and why
"""
POLL = 0.2  # seconds between looks at the log


class Command(BaseCommand):
    help = "Look at the log: tail it, or show one stream now and in the past."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(
            prog_name, subcommand, epilog=EXAMPLES, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="{tail,show}")
        tail = actions.add_parser("tail", help="the last events, and with --follow all that come")
        tail.add_argument("-n", "--lines", type=int, default=10, help="how many of the last events (default: 10)")
        tail.add_argument("-f", "--follow", action="store_true", help="go on until Ctrl-C")
        tail.add_argument("--name", action="append", default=[], help="only this stored name; may be given again")
        show = actions.add_parser("show", help="one stream: its events, or what they came to")
        show.add_argument("stream", metavar="STREAM", help="its id, a UUID")
        show.add_argument("--at", metavar="INSTANT|POSITION|vN", help="what it was then, of what was known then")
        show.add_argument("--effective-at", metavar="INSTANT", help="what was true then, of what is known now")
        show.add_argument("--diff", action="store_true", help="what each event changed, field by field")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        if action == "tail":
            self.tail(options["lines"], options["follow"], options["name"])
        else:
            self.show(options["stream"], options["at"], options["effective_at"], options["diff"])

    def tail(self, lines: int, follow: bool, names: list[str]) -> None:
        if lines < 0:
            raise CommandError(f"--lines must not be negative; it is {lines}.")
        try:
            entries = history.last(lines, names)
            for entry in entries:
                self.line(entry)
            position = entries[-1].position if entries else log.horizon()
            while follow:
                for recorded in log.after(position, names):
                    self.line(history.entry(recorded.position))
                    position = recorded.position
                self.stdout.flush()
                time.sleep(POLL)
        except (KeyboardInterrupt, BrokenPipeError):
            sys.stderr.close()  # whoever reads has seen enough

    def show(self, stream: str, at: str | None, effective_at: str | None, diff: bool) -> None:
        if at and effective_at:
            raise CommandError("--at and --effective-at ask two questions: give one of them.")
        try:
            stream_id = UUID(stream)
        except ValueError:
            raise CommandError(f"{stream!r} is no stream. Expected a UUID, as `events tail` shows them.") from None
        try:
            until = history.moment(at) if at else history.effective(effective_at) if effective_at else None
            aggregate = history.at(stream_id, until) if until and not diff else None
        except (ValueError, AggregateNotFoundError) as error:
            raise CommandError(str(error)) from None
        entries = history.of(stream_id, until)
        if not entries:
            raise CommandError(f"There is no stream {stream_id}.")
        if diff:
            for entry, changes in history.states(entries):
                self.line(entry)
                for change in changes:
                    self.stdout.write(f"    {change.field}: {plain(change.before)} → {plain(change.after)}")
        elif aggregate is not None:
            self.stdout.write(f"{type(aggregate).__name__} {stream_id}, version {aggregate.version}, at {until}")
            for field, value in history.state(aggregate).items():
                self.stdout.write(f"    {field}: {plain(value)}")
        else:
            for entry in entries:
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
