"""Whether the shop's books are right: stock, money, credit, prices at every moment, processes, mails, rows, the log."""

import json
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from eventstore import auditing, log
from projections.models import Checkpoint, Parked
from projections.operations import Refused
from projections.projection import Policy, Projection, known
from projections.rebuild import verify
from projections.rows import EventFailed
from shop.books import mails
from shop.books.check import Books
from shop.books.facts import Breach, facts

EXAMPLES = """examples:
  manage.py verify                          all of it; the exit status is 1 if anything is wrong
  manage.py verify --ledger ledger.json     … and the gateway's own books say the same, to the cent
  manage.py verify --json > report.json     for programs
  manage.py verify --quick                  without building every read model anew
"""
RULES = {
    "log": "streams are whole, positions in order, receipts true",
    "stock": "what came is on hand or has left; nothing is promised that is not there",
    "credit": "reserved + owed ≤ limit when reserving; each order once",
    "money": "refunded ≤ captured ≤ authorised, each once; the gateway says the same",
    "price": "every total is its lines + shipping + tax − discount, to the cent",
    "order": "no status but by the way that leads there; one parcel an order",
    "process": "every order has all that it needs, or nothing is kept for it",
    "mail": "each thing that a customer is told of is one mail, and no mail tells of anything else",
    "rows": "every read model is what the log makes of it",
}
EVERY = 2.0  # seconds between lines of progress
SHOWN = 20  # breaches of one rule, for people


class Command(BaseCommand):
    help = "Add the shop's books up anew from the log, at every moment of its past, and say what is wrong with them."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(
            prog_name, subcommand, epilog=EXAMPLES, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="the report as one JSON object")
        parser.add_argument("--quick", action="store_true", help="build no read model anew")
        parser.add_argument(
            "--ledger",
            type=Path,
            metavar="FILE",
            help='the gateway\'s: {"operations": [{key, operation, outcome, cents}]}',
        )

    def handle(self, *, as_json: bool, quick: bool, ledger: Path | None, **_: Any) -> None:
        theirs = read_ledger(ledger) if ledger else None
        began, upto, self.said = time.monotonic(), log.horizon(), time.monotonic()
        books, skipped = Books(), {}
        breaches = [Breach("log", None, "", each) for each in (*auditing.streams(upto), *auditing.receipts(upto))]
        breaches += books.read(facts(upto), lambda position: self.progress(f"{position:,} of {upto:,} positions"))
        if theirs is not None:
            breaches += books.against(theirs)
        if busy := under_way(upto):
            skipped["process"] = f"not asked whether each has ended: {busy}"
            skipped["mail"] = f"not asked whether each is written: {busy}"
        else:
            breaches += books.at_rest()
            breaches += books.posted(mails.outbox(upto), mails.begun(), mails.skipped())
        if quick:
            skipped["rows"] = "not asked: --quick"
        else:
            breaches += self.rows()
        report = {
            "position": upto,
            "events": books.events,
            "seconds": round(time.monotonic() - began, 3),
            "rules": {rule: Counter(each.rule for each in breaches)[rule] for rule in RULES},
            "skipped": skipped,
            "breaches": [each._asdict() for each in breaches],
        }
        self.stdout.write(json.dumps(report, indent=2) if as_json else "\n".join(told(report, breaches)))
        if breaches:
            raise CommandError(f"{len(breaches):,} things are not as they must be, up to position {upto:,}.")

    def rows(self) -> Iterator[Breach]:
        for projection in (each for each in known().values() if isinstance(each, Projection)):
            self.progress(f"{projection.name} is built anew")
            try:
                found = verify(projection)
            except (Refused, EventFailed) as error:
                if Checkpoint.objects.filter(projection=projection.name, position__gt=0).exists():
                    yield Breach("rows", None, "", f"{projection.name} cannot be compared: {error}")
                continue
            yield from (Breach("rows", None, "", f"{projection.name}: {each}") for each in found if each.differing)

    def progress(self, words: str) -> None:
        if time.monotonic() - self.said > EVERY:
            self.said = time.monotonic()
            self.stderr.write(words)


def under_way(upto: int) -> str:
    """Which policies have not yet heard all of it; empty: all have."""
    behind = Checkpoint.objects.filter(schema="", position__lt=upto)
    names = {each for each in known() if isinstance(known()[each], Policy)}
    late = sorted(names & set(behind.values_list("projection", flat=True)))
    parked = sorted(names & set(Parked.objects.filter(skipped_at=None).values_list("projection", flat=True)))
    said = [f"{' and '.join(late)} are behind"] if late else []
    return "; ".join(said + ([f"{' and '.join(parked)} have parked events"] if parked else []))


def read_ledger(path: Path) -> list[Mapping[str, Any]]:
    try:
        entries = json.loads(path.read_text())["operations"]
        for entry in entries:
            if missing := {"key", "operation", "outcome", "cents"} - entry.keys():
                raise CommandError(f"{path}: expected {', '.join(sorted(missing))} in each entry, found {entry}.")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CommandError(f"{path}: expected the gateway's ledger as JSON, found {error!r}.") from error
    return list(entries)


def told(report: dict[str, Any], breaches: list[Breach]) -> Iterator[str]:
    for rule, words in RULES.items():
        number = report["rules"][rule]
        skipped = report["skipped"].get(rule)
        yield f"{rule:8} {f'{number:,} wrong' if number else skipped or 'right':10} {'' if skipped else words}".rstrip()
        mine = [each for each in breaches if each.rule == rule]
        yield from (f"         {each}" for each in mine[:SHOWN])
        if len(mine) > SHOWN:
            yield f"         … and {len(mine) - SHOWN:,} more: --json shows all"
    yield f"{report['events']:,} events up to position {report['position']:,}, {report['seconds']:.1f} s"
