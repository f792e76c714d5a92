"""Stops at what happened in the shop's past."""

from datetime import UTC, datetime, timedelta

from shop.demo import stories
from shop.demo.found import Found, address, desk, life
from shop.demo.stops import Stop, call, doors, page
from shop.payments.domain import payment_of


def back_in_time(found: Found) -> Stop:
    order = found.order("DEMO-1")
    winter = found.order("HH-GIFT").placed_at + timedelta(hours=2)
    return Stop(
        "past",
        "Look back in time",
        f"The shop has fourteen months behind it. On the evening of {winter:%-d %B %Y}, in the Christmas rush, it "
        "looked different: ask it.",
        doors(
            page(
                f"The orders as of {winter:%-d %B, %H:%M}",
                desk("ordering_ordersummary_changelist", as_of=f"{winter:%Y-%m-%dT%H:%MZ}"),
            ),
            page(
                "The harbour mug as of that evening",
                desk(
                    "catalog_productsummary_change",
                    found.product("MUG-HARBOUR").id,
                    as_of=f"{winter:%Y-%m-%dT%H:%MZ}",
                ),
            ),
            page(f"The life of order {order}, event by event", life(order.id)),
            page("The same order when it was one event old", desk("time_machine", order.id, at="v1")),
            call("Or ask by REST", "GET", address("orders-detail", order.id, as_of="v1")),
        ),
        "The list ends that evening, with the statuses of then. Any object, and any list, can be asked about any "
        "instant, any position in the log, any version.",
    )


def renamed(found: Found) -> Stop:
    old, new = found.order("HH-OLD-NAME"), found.order("HH-NEW-NAME")
    product = found.product(stories.RENAMED)
    return Stop(
        "renamed",
        "A mug with two names",
        f"“{stories.OLD_NAME}” became “{stories.NEW_NAME}” half a year ago. Oscar bought it before, and again since.",
        doors(
            page("The mug today", desk("catalog_productsummary_change", product.id)),
            page("Oscar's old order", desk("ordering_ordersummary_change", old.id)),
            page("Oscar's new order", desk("ordering_ordersummary_change", new.id)),
            page("The life of the mug", life(product.id)),
        ),
        "Lists show the new name. The old order keeps the one that was bought: an order's lines are frozen facts.",
    )


def slip(found: Found) -> Stop:
    correlation, at, prices = found.slip
    quick = found.order("HH-SLIP-1")
    return Stop(
        "slip",
        "A comma too far left",
        f"On {at:%-d %B at %H:%M} somebody loaded a price list: {prices} prices at a tenth, for 47 minutes. Six "
        "customers were quick.",
        doors(
            page("Everything that load did", desk("eventstore_event_causes", correlation)),
            page(
                "What the harbour mug has cost", desk("catalog_productsummary_change", found.product("MUG-HARBOUR").id)
            ),
            page("The six orders", desk("ordering_ordersummary_changelist", q="HH-SLIP")),
            page("The first of them", desk("ordering_ordersummary_change", quick.id)),
            page("Change prices yourself, from a file", address("price-import")),
            page("… and undo it: what was changed so stands here", address("price-changes")),
        ),
        "All the changes stand under one correlation id: that is what an import is undone by. The orders keep the "
        "price that was accepted, to the cent; four were honoured, two cancelled.",
    )


def weekend(found: Found) -> Stop:
    product, order = found.product(stories.WEEKEND), found.order("HH-WEEKEND")
    now = datetime.now(UTC)
    saturday = (now + timedelta(days=(5 - now.weekday()) % 7 or 7)).replace(hour=12, minute=0)
    return Stop(
        "weekend",
        "A price for the weekend",
        f"“{product.name}” is cheaper from Saturday to Monday. Nothing has to be switched on: a price in force is a "
        "function of what was said and of the time.",
        doors(
            page("The candle, with its scheduled prices", desk("catalog_productsummary_change", product.id)),
            page(
                "The candles as they will be next Saturday, by REST",
                address("products-list", at=f"{saturday:%Y-%m-%dT%H:%MZ}", sku=product.sku),
            ),
            page("An order of last Saturday", desk("ordering_ordersummary_change", order.id)),
        ),
        "A price with a beginning and an end; the order of last Saturday was sold at it. A scheduler that was down "
        "would have delayed nothing.",
    )


def credit(found: Found) -> Stop:
    refused, paid = found.order("HH-CREDIT"), found.order("HH-CARD")
    customer = found.customer("HH-CARD")
    return Stop(
        "credit",
        "Credit refused, then paid by card",
        f"{customer.name} wanted to buy on account, and her limit was too low. Six minutes later she paid by card.",
        doors(
            page("The order that was refused", address("process-page", found.process(refused).id)),
            page("The one that was paid", address("process-page", found.process(paid).id)),
            page("Her account", desk("customers_customersummary_change", customer.id)),
            page("What she was written", desk("notifications_outgoingmail_changelist", q=customer.email)),
        ),
        "The refusal has a code and a reason; nothing was reserved that had to be undone. Both orders stand in her "
        "history.",
    )


def timeout(found: Found) -> Stop:
    order = found.order("HH-TIMEOUT")
    payment = payment_of(order.id)
    return Stop(
        "timeout",
        "The gateway that never answered",
        "Was the card charged? Nobody could say. So nobody guessed.",
        doors(
            page(
                "The process: given up after ten minutes",
                address("process-page", found.process(order).id),
            ),
            page("The payment", desk("payments_paymentsummary_change", payment)),
            page("Its life, step by step", life(payment)),
            page("The order, with its timeline", desk("ordering_ordersummary_change", order.id)),
        ),
        "“Unknown” is a state of its own. The order was rejected and its stock released; when the gateway came back "
        "and said “authorised”, the money was let go of.",
    )


def january(found: Found) -> Stop:
    order = found.order("HH-GIFT")
    december = f"{order.placed_at:%Y-%m}"
    january = (order.placed_at + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    closed = january - timedelta(minutes=1)
    return Stop(
        "january",
        "Sold in December, refunded in January",
        "A lamp arrived with a crack, after Christmas. Books that were closed must not change.",
        doors(
            page("The order", desk("ordering_ordersummary_change", order.id)),
            page(
                f"The months as of {closed:%-d %B, %H:%M}",
                desk("reporting_salesof_changelist", by="month", as_of=f"{closed:%Y-%m-%dT%H:%MZ}"),
            ),
            page("The months as they are now", desk("reporting_salesof_changelist", by="month")),
            page(f"{december}, as it was closed and as it is now, by REST", address("month-close", month=december)),
            page("Takings, day by day", desk("billing_takingsofday_changelist")),
            page("… and month by month", desk("billing_takingsofmonth_changelist")),
        ),
        "December says what it said on its last evening. The refund is January's.",
    )


def erased(found: Found) -> Stop:
    customer = found.customer("HH-ZOE-1")
    return Stop(
        "erased",
        "Forgotten, and yet the sums are right",
        "A customer asked to be forgotten. The log is never changed: her facts lie in it sealed, and what was "
        "destroyed is the key.",
        doors(
            page("Who she was", desk("customers_customersummary_change", customer.id)),
            page("What she bought", desk("ordering_ordersummary_changelist", q="HH-ZOE")),
            page("Her events, as they can be read today", life(customer.id)),
            page("What sells best, all of hers still counted, by REST", address("best-sellers")),
            call("Erase Nina yourself", "POST", address("customers-erase", found.person("nina").id)),
        ),
        "[erased], in every table, every old version and every export. The turnover of that time has not moved by a "
        "cent.",
        done=None if "Customer.Erased" not in found.since else True,
    )
