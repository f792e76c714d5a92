"""Real orders from a file in the shape of UCI's Online Retail, through the same commands that people use.

https://archive.ics.uci.edu/dataset/352/online+retail: one line per product of an invoice; an invoice whose number
starts with C cancels the one with that number, if it takes back all of it; some codes are no products. Each command's
id is derived from the invoice, so that a file imported twice, or continued after a stop, changes nothing twice.
"""

import csv
import gzip
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from io import TextIOWrapper
from itertools import groupby
from pathlib import Path
from typing import BinaryIO, NamedTuple, TextIO
from uuid import UUID

from eventsourcing.application import AggregateNotFoundError

from eventstore.cause import because
from eventstore.log import exists
from eventstore.persistence import rows
from shop.application import Receipt, shop
from shop.catalog.commands import create_product, rename_product, set_price
from shop.catalog.domain import SkuTaken
from shop.customers.commands import register_customer
from shop.errors import Refused
from shop.inventory.commands import set_stock_policy
from shop.ordering.commands import Item, cancel_order, place_order
from shop.ordering.domain import Order
from shop.ordering.refusals import OrderExists
from shop.values import Money, id_of

ACTOR = "import_orders"
COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
DATES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M")
MONTH_FIRST, DAY_FIRST = "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M"  # 12/1/2010 8:26 is one or the other for a whole file
AT_ONCE = 500  # invoices whose commands are looked for together, to pass over what is done


class WrongFile(Exception):
    """The file is not in the shape that was expected."""


class Line(NamedTuple):
    """A line of the file that can be sold."""

    number: int  # in the file; its header is line 1
    sku: str
    name: str
    quantity: int
    price: Decimal


class RefusedLine(NamedTuple):
    """A line of the file that cannot be imported, and why."""

    number: int
    reason: str  # for programs: no_quantity
    detail: str


class Invoice(NamedTuple):
    """All lines of the file with one invoice number, one after the other."""

    number: str
    customer: str
    at: datetime
    lines: tuple[Line, ...]

    @property
    def order_id(self) -> UUID:
        return id_of("invoice", self.number.removeprefix("C"))

    @property
    def cancels(self) -> bool:
        return self.number.startswith("C")

    def command(self, *what: object) -> UUID:
        """The id of a command of this invoice: another, if anything in it is another."""
        return id_of("import", repr((self, *what)))


@dataclass
class Report:
    """What came of a file, so far."""

    lines: int = 0
    orders: int = 0
    cancelled: int = 0
    customers: int = 0
    products: int = 0
    prices: int = 0
    known: int = 0  # invoices that an earlier run imported
    refused: list[RefusedLine] = field(default_factory=list)


def opened(path: Path, encoding: str) -> tuple[BinaryIO, TextIO]:
    """The file's raw bytes (to see how far we are) and its text, gzip or not. OSError; WrongFile."""
    raw = path.open("rb")
    zipped = raw.read(2) == b"\x1f\x8b"
    raw.seek(0)
    return raw, TextIOWrapper(gzip.GzipFile(fileobj=raw) if zipped else raw, encoding, newline="")


def invoices(text: Iterable[str], zone: tzinfo, dates: tuple[str, ...], report: Report) -> Iterator[Invoice]:
    """Each invoice with a line that can be sold. ``report`` counts the lines read, and lists those that cannot."""
    reader = csv.DictReader(text, restval="")
    if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
        raise WrongFile(f"Expected the columns {', '.join(COLUMNS)}; found no {', '.join(missing)}.")
    numbered = ((reader.line_num, row) for row in reader)
    for number, group in groupby(numbered, key=lambda entry: entry[1]["InvoiceNo"].strip().upper()):
        lines: dict[str, Line] = {}
        head, at = {}, None
        for at_line, row in group:
            report.lines += 1
            try:
                at = at or instant(row["InvoiceDate"], zone, dates)
                head = head or row
                add(lines, line(at_line, row, number))
            except Problem as problem:
                report.refused.append(RefusedLine(at_line, *problem.args))
        if lines and at:
            yield Invoice(number, head["CustomerID"].strip(), at, tuple(lines.values()))


class Problem(Exception):
    """A line, or an invoice, cannot be imported: its reason and detail."""


def line(number: int, row: dict[str, str], invoice: str) -> Line:
    if None in row:
        raise Problem("bad_row", "it has more columns than the header")
    sku, name = row["StockCode"].strip(), " ".join(row["Description"].split())
    if not invoice.removeprefix("C"):
        raise Problem("no_invoice", "it has no invoice number")
    if not sku:
        raise Problem("no_product", "it has no stock code")
    if len(sku) > 64 or len(name) > 200 or "\0" in sku + name:
        raise Problem("bad_product", f"{sku[:64]!r} {name[:200]!r} is too long, or holds a NUL")
    if not re.search(r"\d", sku) or sku.upper() == "C2" or sku.lower().startswith("gift_"):
        raise Problem("no_product", f"{sku} is a charge, not a product")
    if not re.fullmatch(r"-?\d{1,9}", row["Quantity"].strip()):
        raise Problem("bad_quantity", f"{row['Quantity']!r} is no whole number")
    quantity = int(row["Quantity"])
    if quantity == 0:
        raise Problem("no_quantity", "its quantity is 0")
    if (quantity < 0) != invoice.startswith("C"):
        raise Problem("bad_quantity", f"{quantity} in invoice {invoice}: below 0 is for invoices that cancel")
    if not (text := row["UnitPrice"].strip()):
        raise Problem("no_price", "it has no price")
    if not re.fullmatch(r"\d{1,10}(\.\d{1,4})?", text):
        raise Problem("bad_price", f"{text!r} is no price: expected 0 or more, to four decimals")
    price = Decimal(text)
    return Line(number, sku, name, quantity, price)


def add(lines: dict[str, Line], new: Line) -> None:
    """Two lines of one product are one, of both quantities."""
    if known := lines.get(new.sku):
        if new.price != known.price:
            raise Problem("two_prices", f"{new.sku} costs {known.price} in line {known.number} of the same invoice")
        new = known._replace(quantity=known.quantity + new.quantity)
    lines[new.sku] = new


def instant(text: str, zone: tzinfo, dates: tuple[str, ...]) -> datetime:
    for form in dates:
        try:
            found = datetime.strptime(text.strip(), form).replace(tzinfo=zone).astimezone(UTC)
        except ValueError:
            continue
        if found > datetime.now(UTC):
            raise Problem("bad_date", f"{text} is still to come")
        return found
    raise Problem(
        "bad_date", f"{text!r} is no date such as {datetime(2017, 1, 31, 13, 28, tzinfo=zone).strftime(dates[-1])}"
    )


class Import:
    """Asks the commands that make of each invoice an order."""

    def __init__(self, currency: str, report: Report) -> None:
        self.currency, self.report = currency, report
        self.products: dict[str, tuple[str, Decimal]] = {}  # name and price that we gave them last
        self.customers: set[str] = set()

    def done(self, some: list[Invoice]) -> set[UUID]:
        """The last commands of those among ``some`` that were carried out: so were all others of those invoices."""
        asked = [self.last_command(invoice) for invoice in some]
        return {done for (done,) in rows("select command_id from eventstore_command where command_id = any(%s)", asked)}

    def last_command(self, invoice: Invoice) -> UUID:
        return invoice.command("last", self.currency)

    def take(self, invoice: Invoice, done: set[UUID]) -> None:
        """Import ``invoice``, if it is not done."""
        if self.last_command(invoice) in done:
            self.report.known += 1
            self.products |= {line.sku: (line.name, line.price) for line in invoice.lines if not invoice.cancels}
            return
        with because(effective_at=invoice.at, actor=ACTOR, correlation_id=invoice.command()):
            try:
                self.cancel(invoice) if invoice.cancels else self.place(invoice)
            except Refused as refused:
                self.refuse(invoice, refused.code, str(refused))
            except Problem as problem:
                self.refuse(invoice, *problem.args)

    def place(self, invoice: Invoice) -> None:
        if exists(invoice.order_id):
            raise OrderExists(f"there is an order {invoice.number} already, and it is not this one")
        for line in invoice.lines:
            self.offer(invoice, line)
        items = [Item(line.sku, line.quantity, Money(line.price, self.currency)) for line in invoice.lines]
        self.ask(
            self.last_command(invoice),
            place_order,
            items=items,
            customer_id=self.customer(invoice),
            reference=invoice.number,
            order_id=invoice.order_id,
            taxed=False,
        )
        self.report.orders += 1

    def cancel(self, invoice: Invoice) -> None:
        number = invoice.number.removeprefix("C")
        try:
            order = shop.load(Order, invoice.order_id)
        except AggregateNotFoundError:
            raise Problem("cancels_nothing", f"there is no invoice {number} to cancel") from None
        if {line.sku: line.quantity for line in order.lines} != {line.sku: -line.quantity for line in invoice.lines}:
            raise Problem(
                "cancels_in_part",
                f"invoice {number} has other lines or quantities, and an order is cancelled as a whole",
            )
        reason = f"cancelled by invoice {invoice.number}"
        self.ask(self.last_command(invoice), cancel_order, invoice.order_id, reason=reason)
        self.report.cancelled += 1

    def offer(self, invoice: Invoice, line: Line) -> None:
        """See to it that the product is on sale under this name at this price."""
        price = Money(line.price, self.currency)
        if line.sku not in self.products:
            try:
                name = line.name or line.sku
                self.may_be_sold_before_it_is_there(invoice, line)
                created = invoice.command("create", line.sku, self.currency)
                self.ask(created, create_product, sku=line.sku, name=name, price=price, publish=True)
                self.products[line.sku] = name, line.price
                self.report.products += 1
                return
            except SkuTaken:  # before this import, or in one whose invoices we have not met yet
                pass
        name, known_price = self.products.get(line.sku, (None, None))
        product_id = id_of("product", line.sku)
        if line.name and line.name != name:
            self.ask(invoice.command("rename", line.sku), rename_product, product_id, name=line.name)
        if line.price != known_price:
            changed = self.ask(invoice.command("price", line.sku, self.currency), set_price, product_id, price=price)
            self.report.prices += changed.position is not None
        self.products[line.sku] = line.name or name or line.sku, line.price

    def may_be_sold_before_it_is_there(self, invoice: Invoice, line: Line) -> None:
        """The file does not say what was in stock. Of a SKU that the shop had before, it is known."""
        if not exists(id_of("product", line.sku)):
            asked = invoice.command("back-orders", line.sku)
            self.ask(asked, set_stock_policy, line.sku, back_orders=True, low_at=0)

    def customer(self, invoice: Invoice) -> UUID | None:
        if not invoice.customer:
            return None
        customer_id = id_of("imported customer", invoice.customer)
        if invoice.customer not in self.customers:
            self.ask(
                id_of("import", f"customer:{invoice.customer}"),
                register_customer,
                name=f"Customer {invoice.customer}",
                email=f"{invoice.customer}@imported.invalid",
                customer_id=customer_id,
            )
            self.customers.add(invoice.customer)
            self.report.customers += 1
        return customer_id

    def ask(self, command_id: UUID, command: Callable[..., Receipt], *args: object, **kwargs: object) -> Receipt:
        with because(command_id=command_id):
            return command(*args, **kwargs)

    def refuse(self, invoice: Invoice, reason: str, detail: str) -> None:
        self.report.refused += [RefusedLine(line.number, reason, detail) for line in invoice.lines]
