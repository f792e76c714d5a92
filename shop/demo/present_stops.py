"""Stops at which a visitor does something, and sees what comes of it."""

from projections.models import Checkpoint
from shop.demo import stories
from shop.demo.found import Found, address, desk
from shop.demo.signins import CUSTOMER, PASSWORD, TOKEN, USER
from shop.demo.stops import Door, Stop, call, doors, page, run


def buy(found: Found) -> Stop:
    return Stop(
        "buy",
        "Buy something",
        "Nothing in this shop is ever overwritten: what you do becomes an event in a log, and everything that you look "
        "at is made of that log. So begin by making one.",
        doors(
            page(f"Open the storefront (sign in as {CUSTOMER} / {PASSWORD})", address("storefront:catalogue")),
            Door("Have Ada order two harbour mugs", posts="buy"),
            call(
                "Or order by REST",
                "POST",
                address("orders-list"),
                '{"lines": [{"sku": "MUG-HARBOUR", "quantity": 2}], "reference": "MINE"}',
            ),
            page("All orders, the newest on top", desk("ordering_ordersummary_changelist")),
        ),
        "Your order is there at once, placed. A moment later it is confirmed: stock was reserved for it meanwhile.",
        done="Order.Placed" in found.since,
    )


def watch(found: Found) -> Stop:
    order = found.newest
    if order is None:
        raise LookupError("orders")
    process = found.process(order)
    correlation = found.correlation(order.id, "Order.Placed")
    return Stop(
        "process",
        "Watch an order being placed",
        "Credit, stock, payment, confirm: a process does one step after the other, each in a commit of its own. If one "
        "refuses, all before it are undone in reverse.",
        doors(
            page(f"The process of the newest order, {order}", address("process-page", process.id)),
            page("What led to what, as a tree", desk("eventstore_event_causes", correlation)),
            page("The order, with its timeline in words", desk("ordering_ordersummary_change", order.id)),
        ),
        "Each step with its time. In the tree: one request, and all the commands, events and mails that came of it, "
        "in six contexts that do not know each other.",
    )


def missed(found: Found) -> Stop:
    first, second = (email for _, email in stories.NEW_EMAILS)
    resume = found.paused and desk("projections_checkpoint_act", "resume")
    query = "&".join(f"of={each.pk}" for each in found.paused)
    return Stop(
        "missed",
        "Two missed messages",
        "Somebody paused billing and went home. Since then two customers have changed their e-mail addresses, and "
        "billing writes to the old ones.",
        doors(
            page("Billing's own copy of its contacts", desk("billing_contact_changelist", q="clara")),
            page("Where each projection stands", desk("projections_checkpoint_changelist")),
            page("Resume billing", f"{resume}?{query}" if resume else None),
            run("Or in the terminal", "./manage.py projections resume billing"),
        ),
        f"Paused, 2 behind. Resumed, billing hears both, in order and once, and writes to {first} and {second}: what "
        "was down has lost nothing.",
        done=not found.paused,
    )


def pause(found: Found) -> Stop:
    return Stop(
        "pause",
        "Take a context down yourself",
        "Customers' names and addresses are ordering's own copy. So when customers is down, one can still buy.",
        doors(
            run("Pause ordering's copies", "./manage.py projections pause ordering --reason 'the tour'"),
            page("Rename Ada, or give her another address", desk("customers_customersummary_changelist", q="Ada")),
            page("Her copies beside her history", address("customer-copies", found.person("ada").id)),
            page("What is exact, and what is a copy: with its lag", address("consistency-page")),
            run("And go on", "./manage.py projections resume ordering"),
        ),
        "While it is paused the checkout shows the old address, and says of when it is; sold goods, prices and money "
        "are exact all the same. Resumed, it catches up within a second.",
    )


def rebuild(found: Found) -> Stop:
    orders = Checkpoint.objects.filter(projection="Orders", schema="").first()
    if orders is None:
        raise LookupError("Orders")
    ask = desk("projections_checkpoint_act", "rebuild")
    return Stop(
        "rebuild",
        "Throw a table away",
        "The orders that people look at are a read model. Build it again from the log, while the shop is open.",
        doors(
            page("Rebuild Orders", f"{ask}?of={orders.pk}" if ask else None),
            page("Watch it", desk("projections_checkpoint_change", orders.pk)),
            run("Or in the terminal", "./manage.py projections rebuild Orders"),
            run("And compare each row with the log", "./manage.py projections verify"),
        ),
        "New tables fill beside the old ones, and are swapped in: nobody who reads notices. No mail is sent again, and "
        "no card charged: policies are never replayed.",
    )


def question(found: Found) -> Stop:
    shipment, order = found.shipment("HH-MOVED"), found.order("HH-MOVED")
    name = order.customer_name or "Somebody"
    return Stop(
        "address",
        "She moved while her parcel was packed",
        f"{name}'s parcel stands packed for the address that she gave. An hour ago she moved.",
        doors(
            page("The parcel, and the question", desk("shipping_shipmentsummary_change", shipment.id)),
            page("The order", desk("ordering_ordersummary_change", order.id)),
            call("Try to dispatch it", "POST", address("shipments-dispatch", shipment.id), '{"carrier": "DHL"}'),
            call(
                "Decide: to where she lives now",
                "POST",
                address("shipments-address", shipment.id),
                '{"decision": "use_present"}',
            ),
        ),
        "It does not leave while the question is open. Your decision is an event, with your name beside it.",
        done=shipment.id in found.since.get("Shipment.AddressAnswered", ()),
    )


def shelf(found: Found) -> Stop:
    stock, product = found.stock(stories.COUNTED), found.product(stories.COUNTED)
    return Stop(
        "count",
        "The system says 12, the shelf says 9",
        f"You stand in the warehouse and count “{product.name}”: there are {stories.SHELF}. The system is wrong, and "
        "that is a fact like any other.",
        doors(
            page("The stock of it, and how it came to that", desk("inventory_stocklevel_change", stock.id)),
            page("Count it on the sheet", address("count-sheet")),
            call(
                f"Count it: {stories.SHELF}",
                "POST",
                address("stock-count", stock.sku),
                f'{{"counted": {stories.SHELF}, "reason": "three broken in the store room"}}',
            ),
        ),
        f"On hand is {stock.on_hand} now. A count of {stories.SHELF} adds a line of −3 to the ledger, with your "
        "reason: the balance is explained, not overwritten.",
        done=stock.id in found.since.get("StockItem.Counted", ()),
    )


def last(found: Found) -> Stop:
    first, second = found.order("HH-LAST-1"), found.order("HH-LAST-2")
    left = found.stock(stories.LAST_NOW)
    product = found.product(stories.LAST_NOW)
    return Stop(
        "last",
        "One left, and two who want it",
        f"{first.customer_name} and {second.customer_name} clicked within two seconds. Of “{product.name}”, too, one "
        "is left.",
        doors(
            page("The one who got it", desk("ordering_ordersummary_change", first.id)),
            page("The one who did not", desk("ordering_ordersummary_change", second.id)),
            Door(f"Have both order “{product.name}” at once", posts="last") if left.available else None,
            page("Who has a claim on it", desk("inventory_reservation_changelist", q=stories.LAST_NOW)),
        ),
        "One is confirmed, the other rejected, and told so by mail. Stock is decided on the SKU's own stream, in the "
        "transaction that reserves: never by a list that may be a moment late.",
        done=left.available == 0,
    )


def twice(found: Found) -> Stop:
    order = found.order("HH-TWICE")
    return Stop(
        "twice",
        "A double click",
        f"{order.customer_name} clicked twice. So can you.",
        doors(
            page("Her order: one", desk("ordering_ordersummary_change", order.id)),
            Door("Order, with the request sent five times at once", posts="twice"),
            run(
                "Or by REST: run this twice",
                f"curl -s -H 'Authorization: Token {TOKEN}' -H 'Idempotency-Key: my-double-click' \\\n"
                '  -H \'Content-Type: application/json\' -d \'{"lines": [{"sku": "TEA-EARL", "quantity": 1}]}\' \\\n'
                f"  {{address}}{address('orders-list')}",
            ),
        ),
        "The same answer each time, and one order. A command's id is stored in the commit of its events; even a reply "
        "that was lost on the way is found again.",
    )


def sums(found: Found) -> Stop:
    return Stop(
        "sums",
        "Do not take our word for it",
        "Is the log whole, and does each table say what the log says?",
        doors(
            run("The log", "./manage.py events verify"),
            run("Every read model, row by row", "./manage.py projections verify"),
            page("Who did what", desk("who_did_what")),
            run("Listen, while you click", "./manage.py events tail --follow"),
            page("The mails that went out", desk("notifications_outgoingmail_changelist")),
        ),
        f"Signed in as {USER}, you see all of it. Try support, catalog, warehouse, finance, ops or auditor (each with "
        f"the password {PASSWORD}): everybody sees and does only what is theirs.",
    )
