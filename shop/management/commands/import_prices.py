"""Prices from a CSV file, with a preview of every change; undone by its correlation id."""

import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from eventstore.cause import because
from eventstore.domain import uuid7
from projections.engine import catch_up
from projections.projection import known
from shop.application import shop
from shop.catalog.repricing.commands import plan_repricing
from shop.catalog.repricing.domain import Repricing
from shop.catalog.repricing.files import LARGEST, WrongFile, read
from shop.catalog.repricing.known import shown
from shop.catalog.repricing.previews import STEEP, Preview, preview
from shop.errors import Refused

EXAMPLES = """examples:
  manage.py import_prices spring.csv --dry-run           every change, and every line that is wrong
  manage.py import_prices spring.csv --reason "the potter is dearer"

The file: sku,price[,currency][,from] in UTF-8. Stopped (Ctrl-C, a crash), the workers carry out the rest.
"""

EVERY = 1.0  # seconds between two lines of progress
PAUSE = 0.1  # seconds until it is looked again how far a worker is


class Command(BaseCommand):
    help = "Change prices by a CSV file: sku,price[,currency][,from]."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(
            prog_name, subcommand, epilog=EXAMPLES, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
        parser.add_argument("--reason", default="", help="why: it stands at each change (needed, but for --dry-run)")
        parser.add_argument("--by", default="manage.py import_prices", metavar="NAME", help="(default: %(default)s)")
        parser.add_argument("--leave-out", action="store_true", help="import the others, where lines are wrong")
        parser.add_argument("--steep", action="store_true", help=f"take changes by more than {STEEP} %% as well")

    def handle(
        self, *_: Any, file: Path, dry_run: bool, reason: str, by: str, leave_out: bool, steep: bool, **__: Any
    ) -> None:
        now = datetime.now(UTC)
        try:
            with file.open("rb") as opened:
                wanted, wrong = read(opened.read(LARGEST + 1), now)
        except (OSError, WrongFile) as error:
            raise CommandError(f"{file}: {error}") from error
        found = preview(wanted, shown([each.sku for each in wanted], now), settings.SHOP_CURRENCY, wrong)
        self.tell(found)
        if dry_run:
            self.stdout.write("Nothing is changed.")
            return
        if not reason.strip():
            raise CommandError("Expected a --reason, found none: it stands at each change.")
        if found.wrong and not leave_out:
            raise CommandError(f"{len(found.wrong)} lines are wrong. Mend them, or leave them out with --leave-out.")
        if found.steep and not steep:
            raise CommandError(f"{found.steep} prices would change by more than {STEEP} %. If they are right: --steep")
        repricing_id = uuid7()
        try:
            with because(actor=by, correlation_id=repricing_id):
                plan_repricing(repricing_id, kind="import", title=file.name, changes=found.changes, reason=reason)
        except Refused as refused:
            raise CommandError(str(refused)) from None
        follow(repricing_id, self.stdout)

    def tell(self, found: Preview) -> None:
        for line in found.planned:
            notes = "; ".join(line.warnings)
            was, will = line.change.before or "no price", line.change.after
            starts = f" from {line.change.starts:%Y-%m-%d %H:%M} UTC" if line.change.starts else ""
            self.stdout.write(f"line {line.number}: {line.change.sku}: {was} → {will}{starts}  {notes}".rstrip())
        for wrong in found.wrong:
            self.stdout.write(f"line {wrong.number}: {wrong.text}: {wrong.detail}")
        self.stdout.write(f"{len(found.planned)} changes, {len(found.same)} unchanged, {len(found.wrong)} errors.")


def follow(repricing_id: UUID, out: Any) -> None:
    """Carry it out, beside the workers; say how far it is, and what to undo it by."""
    before = -1
    while True:
        repricing = shop.load(Repricing, repricing_id)
        moved, before = repricing.done != before, repricing.done
        if moved:
            out.write(f"{before:,} of {len(repricing.changes):,}")
        if repricing.status != "running":
            break
        if not moved:  # a worker is at it
            time.sleep(PAUSE)
        catch_up([known()["Repricer"]], seconds=EVERY)
    counts = ", ".join(f"{count} {name}" for name, count in repricing.counts.items())
    out.write(f"{repricing.status}: {counts}. To undo it: manage.py undo {repricing.correlation_id}")
