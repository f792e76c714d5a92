"""The gift shop Harbour & Hearth, and sign-ins to it. Only where DEMO is set: the passwords are in the README."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from eventstore.persistence import rows
from projections.progress import shown
from shop.demo.loading import OtherLog, load
from shop.demo.signins import PASSWORD, TOKEN, USER, sign_ins

COUNT = "select count(*), count(*) filter (where name = 'Order.Placed') from eventstore_event"


class Command(BaseCommand):
    help = """Make the demo's sign-ins and its past: fourteen months of a gift shop; about a minute.

    Ended before it is done, it goes on where it was the next time; asked again, it changes nothing."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--ledger", type=Path, help="the fake gateway's file: what was paid can be refunded there")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("This makes sign-ins whose passwords everybody knows: only with DEMO=true.")
        began = monotonic()
        try:
            with shown(self.stdout, every=10) as report:
                new = load(datetime.now(UTC), options["ledger"], report)
        except OtherLog as other:
            self.stderr.write(f"The demo's past is left out. {other}")
            new = False
        sign_ins()
        if new:
            ((events, orders),) = rows(COUNT)
            self.stdout.write(f"{events:,} events and {orders:,} orders in {monotonic() - began:.0f} s")
        self.stdout.write(f"sign in: {USER} / {PASSWORD}\ntoken:   {TOKEN}")
