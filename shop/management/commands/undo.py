"""Set back what happened to prices under a correlation id: an import, a change in the grid, or an undo."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from eventstore.cause import because
from shop.catalog.repricing.commands import undo_prices
from shop.catalog.repricing.undo import undoing
from shop.errors import Refused
from shop.management.commands.import_prices import follow

EXAMPLES = """examples:
  manage.py undo 01a1f3c2-… --dry-run                  what it would set back, and what it would leave alone
  manage.py undo 01a1f3c2-… --reason "a tenth, by mistake"

The correlation id stands on the page of an import, and at each of its events (manage.py events show).
What somebody else has changed since is a conflict: it is listed, and left alone. The undo has a correlation id of its
own, by which it is undone.
"""


class Command(BaseCommand):
    help = "Undo all that happened to prices under a correlation id."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(
            prog_name, subcommand, epilog=EXAMPLES, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("correlation_id", type=UUID, metavar="CORRELATION_ID")
        parser.add_argument("--dry-run", action="store_true", help="say what it would do, and do nothing")
        parser.add_argument("--reason", default="", help="why: it stands at each change (needed, but for --dry-run)")
        parser.add_argument("--by", default="manage.py undo", metavar="NAME", help="who (default: %(default)s)")

    def handle(self, *_: Any, correlation_id: UUID, dry_run: bool, reason: str, by: str, **__: Any) -> None:
        if not (dry_run or reason.strip()):
            raise CommandError("Expected a --reason, found none: it stands at each change.")
        try:
            if dry_run:
                return self.tell(correlation_id)
            with because(actor=by):
                receipt = undo_prices(correlation_id, reason=reason)
        except Refused as refused:
            raise CommandError(str(refused)) from None
        return follow(receipt.id, self.stdout)

    def tell(self, correlation_id: UUID) -> None:
        found = undoing(correlation_id, datetime.now(UTC))
        for line in found.planned:
            what = f"left alone: {line.conflict}" if line.conflict else f"{line.percent} %"
            self.stdout.write(f"{line.change.sku}: {line.change.before} → {line.change.after or 'no price'}  {what}")
        for wrong in found.wrong:
            self.stdout.write(f"{wrong.text}: {wrong.detail}")
        left = found.conflicts + len(found.wrong)
        self.stdout.write(
            f"{len(found.planned) - found.conflicts} would be set back, {left} left alone. Nothing is done."
        )
