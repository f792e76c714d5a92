"""What is planted in the past for people to find. Each story keeps everyday trade out of its goods and its people."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from eventstore.commands import Receipt
from shop.catalog.commands import rename_product, schedule_price
from shop.customers.commands import change_address, change_email, erase_customer, set_credit_limit
from shop.demo.book import Book, euros
from shop.demo.till import no_answer
from shop.demo.trade import refund_all
from shop.fulfilment.commands import time_out
from shop.fulfilment.domain import process_of
from shop.inventory.commands import take_back
from shop.inventory.domain import Wanted
from shop.ordering.commands import cancel_order, note_order, place_order
from shop.payments.domain import payment_of
from shop.values import Address, id_of

SLIPPED, SLIP_LASTED = 34, timedelta(minutes=47)
COUNTED, SHELF = "LAMP-STORM", 9  # the system says 12
LAST, LAST_NOW = "PRINT-LIGHT", "LAMP-GLASS"  # one was sold to the first of two; of the other, one is left
RENAMED, OLD_NAME, NEW_NAME = "MUG-FISHER", "Fisherman's mug", "Fisher mug"
WEEKEND = "CANDLE-HEARTH"
KEPT = {COUNTED: 14, LAST: 1, LAST_NOW: 1}  # the stories' own goods, and how many there are at first
LATE = timedelta(minutes=10)  # before the end: what billing does not hear of, since it is paused by then
NEW_EMAILS = (("clara", "clara@whitfield.example"), ("oscar", "oscar.bell@example.org"))


def tell(book: Book) -> None:
    for story in STORIES:
        story(book)


def readme(book: Book) -> None:
    """An order of Ada's, on its way."""
    at = book.day(2, 10, 5)
    order = book.order(at, "DEMO-1", "ada", [("MUG-HARBOUR", 2), ("TEA-EARL", 1)], "card")
    book.authorise(at + timedelta(seconds=2), "DEMO-1", order)
    sent = book.day(1, 15, 10)
    book.send(order, "DEMO-1", book.day(1, 9), sent, book.end - timedelta(minutes=95), by_card=True)
    book.keep("ada", book.day(9, 0), book.end)


def price_slip(book: Book) -> None:
    """Somebody's file had a comma too far left: 34 prices at a tenth, for 47 minutes, and six who were quick."""
    at = book.day(19, 10, 13)
    back = at + SLIP_LASTED
    skus = [sku for sku in book.goods if sku not in book.kept][:SLIPPED]
    usual = {sku: book.price(sku, at) for sku in skus}
    for number, sku in enumerate(skus):
        tenth = (usual[sku] / 10).quantize(Decimal("0.01"))
        book.reprice(at + timedelta(milliseconds=90 * number), f"slip {sku}", sku, tenth, "Autumn prices.csv", "slip")
    for number, sku in enumerate(skus):
        when = back + timedelta(milliseconds=90 * number)
        book.reprice(when, f"slip back {sku}", sku, usual[sku], "A comma too far left: undone", "slip undone")
    for number, who in enumerate(("daniel", "elena", "greta", "jonas", "marta", "samir")):
        key, placed = f"HH-SLIP-{number + 1}", at + timedelta(minutes=6 * number + 4)
        order = book.order(placed, key, who, [(skus[number], 2), (skus[number + 6], 4)], "none")
        note = "Priced at a tenth by our mistake: "
        if number < 4:
            text = note + "we keep our word."
            book.add(back + timedelta(minutes=number + 9), f"{key} note", "support", note_order, order, text=text)
            sent = book.day(18, 14, 30 + number)
            book.send(order, key, book.day(18, 9, 10 + number), sent, book.day(16, 11, number))
        else:
            asked = note + "asked, and cancelled."
            book.add(
                back + timedelta(minutes=number + 9), f"{key} cancel", "support", cancel_order, order, reason=asked
            )
        book.keep(who, book.day(20, 0), book.day(15, 0))
    book.quiet.append((at - timedelta(minutes=1), back + timedelta(minutes=2)))


def short_shelf(book: Book) -> None:
    """Fourteen came in, two were sold: twelve, says the system."""
    for number, (ago, who) in enumerate(((260, "clara"), (140, "oscar")), 1):
        key = f"HH-LAMP-{number}"
        order = book.order(book.day(ago, 17, 20), key, who, [(COUNTED, 1)])
        book.send(order, key, book.day(ago - 1, 9), book.day(ago - 1, 15), book.day(ago - 3, 12))


def moved_while_packed(book: Book) -> None:
    """Imogen's parcel stands packed when she moves: nobody has decided yet where it goes."""
    at = book.end - timedelta(hours=20)
    order = book.order(at, "HH-MOVED", "imogen", [("THROW-TIDE", 1), ("SOAP-SEAWEED", 2)], "card")
    book.authorise(at + timedelta(seconds=2), "HH-MOVED", order)
    later = book.end + timedelta(days=1)  # not yet
    book.send(order, "HH-MOVED", book.end - timedelta(hours=3), later, later, by_card=True)
    new = Address("21 Cliff Street", "Whitby", "YO21 3DD", "GB")
    moved = book.end - timedelta(minutes=50)
    book.add(moved, "imogen moves", "imogen", change_address, book.people["imogen"].id, 1, address=new)
    book.keep("imogen", book.day(9, 0), book.end)


def double_click(book: Book) -> None:
    """Ursula clicks twice, and the request comes twice under one key: one order."""
    at = book.day(9, 19, 42)
    order = book.order(at, "HH-TWICE", "ursula", [("BOWL-FRUIT", 1)], do=twice)
    book.add(
        at + timedelta(hours=1), "HH-TWICE note", "support", note_order, order, text="She clicked twice: one order."
    )
    book.send(order, "HH-TWICE", book.day(8, 9, 5), book.day(8, 15, 5), book.day(6, 12, 5))
    book.keep("ursula", book.day(12, 0), book.day(5, 0))


def credit_refused(book: Book) -> None:
    """Wanda's account is too small for two throws; six minutes later she pays by card."""
    who, items = book.people["wanda"], [("THROW-HERRING", 1), ("CUSHION-NAVY", 2)]
    book.add(book.day(31, 11), "wanda limit", "finance", set_credit_limit, who.id, limit=euros(60))
    at = book.day(28, 18, 31)
    book.order(at, "HH-CREDIT", "wanda", items, "account")
    again = at + timedelta(minutes=6)
    order = book.order(again, "HH-CARD", "wanda", items, "card")
    book.authorise(again + timedelta(seconds=2), "HH-CARD", order)
    book.send(order, "HH-CARD", book.day(27, 9, 20), book.day(27, 14, 50), book.day(25, 13), by_card=True)
    book.keep("wanda", book.day(31, 0), book.day(24, 0))


def renamed(book: Book) -> None:
    """A mug gets a new name; the order that was placed before keeps the old one."""
    for key, ago in (("HH-OLD-NAME", 395), ("HH-NEW-NAME", 33)):
        order = book.order(book.day(ago, 12, 15), key, "oscar", [(RENAMED, 2)])
        book.send(order, key, book.day(ago - 1, 9, 15), book.day(ago - 1, 15, 15), book.day(ago - 2, 11, 15))
    mug = id_of("product", RENAMED)
    book.add(book.day(200, 9), "rename mug", "catalog", rename_product, mug, name=NEW_NAME, why="One name for all")


def erased(book: Book) -> None:
    """Zoe has bought three times, and wants to be forgotten: what she paid stays."""
    for number, ago in enumerate((290, 180, 95), 1):
        key, at = f"HH-ZOE-{number}", book.day(ago, 20, 10)
        order = book.order(at, key, "zoe", [("TEA-CHAI", 2), ("JAR-HONEY", number)], "none")
        book.send(order, key, book.day(ago - 1, 9, 25), book.day(ago - 1, 15, 25), book.day(ago - 3, 12, 25))
    why = "She asked us to, by letter"
    book.add(book.day(58, 11, 30), "zoe erase", "support", erase_customer, book.people["zoe"].id, why=why)
    book.keep("zoe", book.day(70, 0), book.end)


def refunded_in_january(book: Book) -> None:
    """Sold in December, paid back in January: December's report stays as it was."""
    january = datetime(book.end.year, 1, 8, 11, tzinfo=UTC)
    if january >= book.end:
        january = january.replace(year=january.year - 1)
    december = datetime(january.year - 1, 12, 18, 19, tzinfo=UTC)
    items = [("LAMP-TABLE", 1), ("CANDLE-PINE", 2)]
    order = book.order(december, "HH-GIFT", "bruno", items, "card")
    book.authorise(december + timedelta(seconds=2), "HH-GIFT", order)
    sent = december.replace(day=19, hour=15)
    book.send(order, "HH-GIFT", sent.replace(hour=9), sent, sent.replace(day=21, hour=12), by_card=True)
    why = "The lamp arrived with a crack"
    back = [Wanted(sku, quantity) for sku, quantity in items]
    book.add(january - timedelta(hours=1), "HH-GIFT back", "warehouse", take_back, order, items=back, reason=why)
    book.add(january, "HH-GIFT refund", "finance", refund_all, order, why)
    book.gateway(january + timedelta(seconds=3), "HH-GIFT refunded", order)
    book.keep("bruno", december - timedelta(days=2), december + timedelta(days=4))


def payment_timed_out(book: Book) -> None:
    """The gateway never answers; after ten minutes the order is given up, and later the money is let go of."""
    at = book.day(12, 16, 20)
    order = book.order(at, "HH-TIMEOUT", "milo", [("BOWL-SALAD", 1)], "card")
    book.add(at + timedelta(seconds=8), "HH-TIMEOUT unknown", "gateway", no_answer, payment_of(order))
    book.add(at + timedelta(seconds=610), "HH-TIMEOUT given up", "timer", time_out, process_of(order))
    book.gateway(at + timedelta(minutes=25), "HH-TIMEOUT authorised", order)
    book.gateway(at + timedelta(minutes=25, seconds=2), "HH-TIMEOUT voided", order)
    book.keep("milo", book.day(14, 0), book.day(11, 0))


def last_unit(book: Book) -> None:
    """One print is left, and two want it within two seconds."""
    at = book.day(6, 20, 14, 5)
    order = book.order(at, "HH-LAST-1", "celia", [(LAST, 1)])
    book.order(at + timedelta(seconds=2), "HH-LAST-2", "finn", [(LAST, 1)])
    book.send(order, "HH-LAST-1", book.day(5, 9, 35), book.day(5, 15, 35), book.day(3, 12, 35))
    book.keep("celia", book.day(8, 0), book.day(2, 0))
    book.keep("finn", book.day(8, 0), book.day(2, 0))


def weekend_price(book: Book) -> None:
    """Cheaper from Saturday to Monday: last weekend, and the next. No timer has to fire."""
    monday = book.day(book.end.weekday(), 0)
    product = id_of("product", WEEKEND)
    coming = monday + timedelta(days=5 if book.end.weekday() < 5 else 12)
    for name, starts in (("last", monday - timedelta(days=2)), ("next", coming)):
        said = min(starts - timedelta(days=2), book.end - timedelta(hours=30))
        span = {"price": euros("15.00"), "starts": starts, "ends": starts + timedelta(days=2)}
        book.add(said, f"weekend {name}", "catalog", schedule_price, product, **span, why="Weekend at the hearth")
    saturday = monday - timedelta(days=2)
    order = book.order(saturday.replace(hour=11), "HH-WEEKEND", "freya", [(WEEKEND, 2)])
    sent = monday.replace(hour=15)
    book.send(order, "HH-WEEKEND", monday.replace(hour=9), sent, sent + timedelta(days=2))
    book.keep("freya", saturday - timedelta(days=1), book.end)


def missed_messages(book: Book) -> None:
    """Billing is paused when two customers change their e-mail addresses: see ``loading``, which pauses it."""
    for number, (who, email) in enumerate(NEW_EMAILS):
        at = book.end - LATE + timedelta(minutes=3 + number)
        book.add(at, f"{who} email", who, change_email, book.people[who].id, email=email)


STORIES = (
    short_shelf,
    last_unit,
    price_slip,
    readme,
    moved_while_packed,
    double_click,
    credit_refused,
    renamed,
    erased,
    refunded_in_january,
    payment_timed_out,
    weekend_price,
    missed_messages,
)


def twice(**order: Any) -> Receipt:
    """The same request, and again under the same key: the second is answered as the first was."""
    first = place_order(**order)
    second = place_order(**order)
    if second != first:
        raise AssertionError(f"Expected the answer {first} again, found {second}.")
    return first
