"""Orders from a file, with progress; may be stopped and asked again at any time."""

import csv
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from eventstore.persistence import rows
from shop.codes import CURRENCIES
from shop.importing import (
    ACTOR,
    AT_ONCE,
    DATES,
    DAY_FIRST,
    MONTH_FIRST,
    Import,
    Invoice,
    Report,
    WrongFile,
    invoices,
    opened,
)

EXAMPLES = """examples:
  manage.py import_orders orders.csv.gz --currency USD
  manage.py import_orders online-retail.csv --encoding latin-1 --currency GBP --time-zone Europe/London
  manage.py import_orders orders.csv --refused refused.csv      write what was refused to a file

Stopped (Ctrl-C, a crash), it goes on where it was when it is asked again: nothing is imported twice.
"""
EVERY = 2.0  # seconds between lines of progress


class Command(BaseCommand):
    help = "Import orders from a CSV file (gzip or not) in the shape of UCI's Online Retail, through the commands."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(
            prog_name, subcommand, epilog=EXAMPLES, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--currency", default=settings.SHOP_CURRENCY, help="ISO 4217 (default: %(default)s)")
        parser.add_argument("--time-zone", default="UTC", help="of its InvoiceDate (default: %(default)s)")
        parser.add_argument(
            "--day-first", action="store_true", help="12/1/2010 is the 12th of January, not of December 1st"
        )
        parser.add_argument("--encoding", default="utf-8-sig", help="(default: %(default)s)")
        parser.add_argument("--refused", type=Path, metavar="CSV", help="write the refused lines there, not here")

    def handle(
        self,
        *args: Any,
        file: Path,
        currency: str,
        time_zone: str,
        encoding: str,
        day_first: bool,
        refused: Path | None,
        **_: Any,
    ) -> None:
        if currency not in CURRENCIES:
            raise CommandError(f"--currency takes one of {', '.join(sorted(CURRENCIES))}; it is {currency!r}.")
        try:
            zone = ZoneInfo(time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise CommandError(f"There is no time zone {time_zone!r}. Expected one such as Europe/London.") from None
        report, began = Report(), time.monotonic()
        dates = (*DATES, DAY_FIRST if day_first else MONTH_FIRST)
        if refused:
            try:
                refused.touch()
            except OSError as error:
                raise CommandError(f"--refused {refused}: {error}") from error
        ((before,),) = rows("select coalesce(max(position), 0) from eventstore_event")
        try:
            raw, text = opened(file, encoding)
            with raw, text:
                self.take(Import(currency, report), invoices(text, zone, dates, report), raw, file.stat().st_size)
        except (OSError, EOFError, LookupError, UnicodeDecodeError, csv.Error, WrongFile) as error:
            self.tell(report, before, began, refused)
            raise CommandError(f"{file}: {error}{hint(error)}") from error
        except KeyboardInterrupt:
            self.tell(report, before, began, refused)
            raise CommandError("Stopped. Ask again to go on from there.", returncode=130) from None
        self.tell(report, before, began, refused)

    def take(self, importing: Import, found: Iterator[Invoice], raw: BinaryIO, size: int) -> None:
        began = told = time.monotonic()
        report = importing.report
        while some := list(islice(found, AT_ONCE)):
            done = importing.done(some)
            for invoice in some:
                importing.take(invoice, done)
                if time.monotonic() - told > EVERY:
                    told = time.monotonic()
                    self.stdout.write(
                        f"{raw.tell() / size:4.0%} read, at line {invoice.lines[-1].number:,}: "
                        f"{report.orders + report.known:,} orders, {report.orders / (told - began):,.0f} orders/s"
                    )
                    self.stdout.flush()

    def tell(self, report: Report, before: int, began: float, path: Path | None) -> None:
        took = time.monotonic() - began
        ((events,),) = rows("select count(*) from eventstore_event where position > %s and actor = %s", before, ACTOR)
        self.stdout.write(
            f"{report.lines:,} lines, {took:.1f} s, {report.lines / took:,.0f} lines/s, {events / took:,.0f} events/s. "
            f"{report.orders:,} orders, {report.cancelled:,} cancelled, {report.customers:,} customers, "
            f"{report.products:,} products, {report.prices:,} price changes; {events:,} events. "
            f"{report.known:,} invoices were imported before."
        )
        for reason, count in Counter(line.reason for line in report.refused).most_common():
            self.stdout.write(f"refused: {count:,} lines, {reason}")
        if path:
            with path.open("w", newline="") as out:
                csv.writer(out).writerows([("line", "reason", "detail"), *report.refused])
            self.stdout.write(f"They are listed in {path}.")
        else:
            for line in report.refused:
                self.stdout.write(f"  line {line.number}: {line.reason}: {line.detail}")


def hint(error: Exception) -> str:
    return ". Is it of another encoding? --encoding latin-1" if isinstance(error, UnicodeDecodeError) else ""
