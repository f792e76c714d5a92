"""Pages of desk and storefront over 200,000 orders and 1,000,000 events: server time, all of its queries with it."""

import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bench import common
from bench.common import Row, Sample, sql
from eventstore import log

ORDERS = 200_000
GOODS = 1_000
EVENTS_OF_ONE = 5  # its own stream
MOST = 300  # ms

NOW_AND_THEN = "now() - n * interval '3 minutes'"
STATUSES = "(array['placed', 'confirmed', 'shipped', 'delivered', 'completed', 'cancelled'])[1 + n % 6]"
NAMES = (
    "(array['Ada', 'Grace', 'Mary', 'Emmy', 'Alan', 'Kurt', 'Edsger', 'Donald'])[1 + n % 8] || ' ' || "
    "(array['Lovelace', 'Hopper', 'Evans', 'Noether', 'Turing', 'Gödel'])[1 + n / 8 % 6] || ' ' || n"
)

CORRELATION = "select correlation_id from eventstore_event where stream_id = %s and version = 1"


def rows() -> Iterator[Row]:
    settings.ALLOWED_HOSTS = ["testserver"]
    count = 2_000 if common.rounds == 2 else ORDERS
    made = fill(count)
    client = signed_in()
    for name, page in (pages(made) | operations(made)).items():
        yield measured(client, name, page)
    guest, regular = visitors(made)
    for name, page in SHELF.items():
        yield measured(guest, f"storefront: {name}", page)
    for name, page in of_a_customer(made).items():
        yield measured(regular, f"storefront: {name}", page)


def measured(client: Client, name: str, page: str) -> Row:
    """A page is shown once first: what a process asks once is not counted."""
    answer = client.get(page)
    assert answer.status_code == 200, (name, page, answer.status_code)
    samples, took = [], []
    with CaptureQueriesContext(connection) as queries:
        client.get(page)
    asked, cpu = len(queries), time.process_time()
    for _ in range(3 * common.rounds):
        began = time.perf_counter()
        client.get(page)
        took.append((time.perf_counter() - began) * 1000)
        samples.append(Sample(1000 / took[-1]))
    cpu = (time.process_time() - cpu) * 1000 / len(took)
    took.sort()
    notes = {
        "ms": round(took[len(took) // 2]),
        "most ms": round(took[-1]),
        "CPU ms": round(cpu),
        "queries": asked,
        "limit ms": MOST,
    }
    return Row(name, {"pages": samples}, {}, notes=notes)


def pages(made: dict[str, Any]) -> dict[str, str]:
    def listed(app: str, model: str, query: str = "") -> str:
        return reverse(f"admin:{app}_{model}_changelist") + query

    def one(app: str, model: str, key: str) -> str:
        return reverse(f"admin:{app}_{model}_change", args=[made[key]])

    then = f"?as_of={made['position']}"
    return {
        "orders": listed("ordering", "ordersummary"),
        "orders, page 100": listed("ordering", "ordersummary", "?p=100"),
        "orders that are placed": listed("ordering", "ordersummary", "?status=placed"),
        "orders by total": listed("ordering", "ordersummary", "?o=5"),
        "orders, searched by words": listed("ordering", "ordersummary", "?q=noether ada 17"),
        "orders, searched by one common word": listed("ordering", "ordersummary", "?q=ada"),
        "orders, searched in vain": listed("ordering", "ordersummary", "?q=nobody"),
        "orders, searched by id": listed("ordering", "ordersummary", f"?q={made['order']}"),
        "orders as of a moment": listed("ordering", "ordersummary", then),
        "orders as of a moment, searched": listed("ordering", "ordersummary", then + "&q=noether ada 17"),
        "customers": listed("customers", "customersummary"),
        "customers, searched": listed("customers", "customersummary", "?q=hopper 1234"),
        "premium customers": listed("customers", "customersummary", "?tier=premium"),
        "payments": listed("payments", "paymentsummary"),
        "payments to reconcile": listed("payments", "paymentsummary", "?look=reconcile"),
        "shipments": listed("shipping", "shipmentsummary"),
        "pick list": listed("shipping", "shipmentsummary", "?look=pick"),
        "processes": listed("fulfilment", "orderprocess"),
        "reservations": listed("inventory", "reservation"),
        "mails": listed("notifications", "outgoingmail"),
        "paid by order": listed("billing", "orderpayment"),
        "events": listed("eventstore", "event"),
        "one order": one("ordering", "ordersummary", "order"),
        "one order as of a moment": one("ordering", "ordersummary", "order") + then,
        "one customer": one("customers", "customersummary", "customer"),
        "one customer with 200 orders": one("customers", "customersummary", "regular"),
        "one product, in each order": one("catalog", "productsummary", "product"),
        "one stock item, in each order": one("inventory", "stocklevel", "stock"),
        "one payment": one("payments", "paymentsummary", "payment"),
        "one shipment": one("shipping", "shipmentsummary", "shipment"),
        "one process": one("fulfilment", "orderprocess", "process"),
        "asking to cancel an order": reverse("admin:ordering_ordersummary_ask", args=[made["order"], "cancel"]),
    }


def operations(made: dict[str, Any]) -> dict[str, str]:
    def admin(name: str, *args: Any) -> str:
        return reverse(f"admin:{name}", args=args)

    return {
        "dashboard": admin("index"),
        "projections": admin("projections_checkpoint_changelist"),
        "projections, as they move": admin("projections_checkpoint_live"),
        "parked events": admin("projections_parked_changelist"),
        "a process, step by step": reverse("process-page", args=[made["its process"]]),
        "a trace": admin("eventstore_event_causes", made["correlation"]),
        "events of a name": admin("eventstore_event_changelist") + "?name=Order.Confirmed",
        "one event": admin("eventstore_event_change", made["position"]),
        "a stream": admin("eventstore_event_stream", made["its order"]),
        "the time machine of an order": admin("time_machine", made["its order"]),
        "who did what": admin("who_did_what"),
        "copies of a customer": reverse("customer-copies", args=[made["regular"]]),
        "exact or a copy": reverse("consistency-page"),
        "price grid": reverse("price-grid"),
        "price changes": reverse("price-changes"),
        "count sheet": reverse("count-sheet"),
    }


SHELF = {
    "catalogue": "/",
    "catalogue, page 10": "/?page=10",
    "catalogue, by price": "/?sort=cheap",
    "catalogue, searched": "/?q=harbour+mug",
    "catalogue, searched with a slip": "/?q=harbor+mugg",
    "a product": "/products/MUG/",
    "basket": "/basket/",
}


def of_a_customer(made: dict[str, Any]) -> dict[str, str]:
    one = f"/orders/{made['its order']}/"
    return {"checkout": "/checkout/", "my orders": "/orders/", "one of them": one, "account": "/account/"}


def visitors(made: dict[str, Any]) -> tuple[Client, Client]:
    """A guest, and the customer with 200 orders; each with something in the basket."""
    from django.contrib.auth.models import User

    from projections.engine import catch_up
    from shop.models import CustomerUser

    guest, regular = Client(), Client()
    user = User.objects.create_user("regular")
    CustomerUser.objects.create(user=user, customer_id=made["regular"])
    regular.force_login(user)
    for each in (guest, regular):
        each.post("/basket/add/", {"sku": "MUG", "quantity": "2"})
    catch_up()  # or pages wait for what their visitor did
    return guest, regular


def signed_in() -> Client:
    from django.contrib.auth.models import User

    client = Client()
    client.force_login(User.objects.create_superuser("bench"))
    return client


def fill(count: int) -> dict[str, Any]:
    """One order by commands, and all the others like it, by SQL: with other names, times and totals."""
    from projections.engine import catch_up
    from shop.catalog.commands import create_product
    from shop.customers.commands import register_customer
    from shop.inventory.commands import receive_stock
    from shop.inventory.domain import stock_of
    from shop.ordering.commands import Item, Paying, place_order
    from shop.payments.domain import payment_of
    from shop.shipping.domain import shipment_of
    from shop.values import Address, Money
    from shop.vault.commands import store_card

    home = Address("Kai 3", "Hamburg", "20457", "DE")
    product = create_product(sku="MUG", name="Mug", price=Money(Decimal("12.50"), "EUR"), publish=True).id
    receive_stock("MUG", quantity=10_000_000)
    for n in range(GOODS):
        create_product(sku=f"MUG-{n}", name=f"Harbour mug {n}", price=Money(Decimal(n + 1), "EUR"), publish=True)
    customer = register_customer(name="Ada", email="ada@example.com").id
    card = Paying("card", store_card(number="4242424242424242", expiry_month=12, expiry_year=2099, holder="A").id)
    order = place_order(items=[Item("MUG", 2)], customer_id=customer, ship_to=home, payment=card).id
    catch_up()
    settle_payment(order)
    catch_up()
    position = sql("select max(position) from eventstore_event")[0][0]
    others(count, order, customer)
    new = as_others(order, 7)
    return {
        "order": new,
        "customer": as_others(customer, 3),
        "regular": customer,
        "product": product,
        "stock": stock_of("MUG"),
        "payment": as_others(payment_of(order), 7),
        "shipment": as_others(shipment_of(order), 7),
        "process": sql("select id from fulfilment_orderprocess where order_id = %s", new)[0][0],
        "position": position,
        "its order": order,
        "its process": sql("select id from fulfilment_orderprocess where order_id = %s", order)[0][0],
        "correlation": sql(CORRELATION, order)[0][0],
    }


def settle_payment(order: UUID) -> None:
    """As the gateway would."""
    from shop.payments.commands import record_outcome
    from shop.payments.domain import Outcome, payment_of

    record_outcome(payment_of(order), "authorise", Outcome("ok", "auth_1"))


def as_others(key: UUID, n: int) -> UUID:
    return sql("select md5(%s || %s)::uuid", str(key), str(n))[0][0]  # type: ignore[no-any-return]


def others(count: int, order: UUID, customer: UUID) -> None:
    buyer = f"case when n % 1000 = 0 then '{customer}'::uuid else md5('{customer}' || n % {count // 5 + 1})::uuid end"
    in_time = {"placed_at", "requested_at", "planned_at", "changed_at", "started_at", "written_at", "reserved_at"}
    common_ones = {"order_id": "md5(t.order_id::text || n)::uuid", "customer_id": buyer} | dict.fromkeys(
        in_time, NOW_AND_THEN
    )
    own = {"id": "md5(t.id::text || n)::uuid"}
    amount = "round(5 + n * 7919 % 50000 / 100.0, 2)"
    number = {"id": "t.id + n * 1000"}
    tables = {
        "customers_customersummary": own
        | {"name": NAMES, "email": "n || '@example.com'", "registered_at": NOW_AND_THEN},
        "ordering_ordersummary": own
        | {"reference": "'PO ' || n", "customer_name": NAMES, "status": STATUSES, "amount": amount},
        "ordering_orderline": own,
        "ordering_timelineentry": number,
        "payments_paymentsummary": own | {"reference": "'auth_' || n", "amount": amount},
        "shipping_shipmentsummary": own
        | {"status": "case when n % 500 = 0 then 'planned' else 'delivered' end", "tracking": "'JD' || n"},
        "fulfilment_orderprocess": own,
        "inventory_reservation": own | {"status": "'shipped'"},
        "inventory_stockmovement": number | {"number": "t.number + n * 10"},
        "notifications_outgoingmail": own
        | {
            "message_id": "n || '@bench'",
            "recipient": "n || '@example.com'",
            "causation_id": "md5('cause' || n)::uuid",
        },
        "billing_orderpayment": own,
    }
    for table, changed in tables.items():
        copied = count // 5 if table == "customers_customersummary" else count
        copy(table, copied, common_ones | changed)
    its = log.of([order])  # opened: what is sealed cannot be read in another stream
    sql(
        "insert into eventstore_event (position, stream_id, version, name, data, recorded_at, effective_at, actor) "
        "select nextval('eventstore_event_position_seq'), md5(%s || n)::uuid, version, name, data, at, at, 'guest' "
        "from generate_series(1, %s) n cross join lateral (select now() - (%s - n) * interval '3 minutes' as at) t "
        "cross join unnest(%s::bigint[], %s::text[], %s::bytea[]) as e (version, name, data) order by n, version",
        str(order),
        count * EVENTS_OF_ONE // len(its),
        count,
        *([getattr(each, part) for each in its] for part in ("version", "name", "data")),
    )
    sql("update projections_checkpoint set position = (select max(position) from eventstore_event)")
    sql("vacuum analyze")


def copy(table: str, count: int, changed: dict[str, str]) -> None:
    known = (
        "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped "
        "and attgenerated = '' order by attnum"
    )
    columns = [name for (name,) in sql(known, table)]
    values = ", ".join(changed.get(name, f't."{name}"') for name in columns)
    names = ", ".join(f'"{name}"' for name in columns)
    sql(f"insert into {table} ({names}) select {values} from {table} t cross join generate_series(1, {count}) n")
