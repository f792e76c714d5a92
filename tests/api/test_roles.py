"""Every route, method and role: what the table says is what happens, and nothing is left out of the table."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.test import Client, RequestFactory
from django.urls import get_resolver
from rest_framework.authtoken.models import Token
from rest_framework.response import Response
from rest_framework.test import APIClient

from eventstore.models import Event
from projections import engine
from shop import roles
from shop.customers.commands import add_address, erase_customer, register_customer, set_credit_limit
from shop.models import CustomerUser
from shop.ordering.checkout.commands import start_checkout
from shop.ordering.commands import Item, place_order
from shop.payments.commands import request_payment
from shop.roles import ACTIONS, ROLES
from shop.shipping.commands import plan_shipment
from shop.shipping.domain import Packed
from shop.values import Money
from tests.api.conftest import BREMEN, HAMBURG, eur
from tests.api.routes import views

OPEN = {"Index", "SignIn", "Problems", "ProblemOf", "Description", "SpectacularSwaggerView"}  # needs no sign-in
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
REFUSED = ("not_authenticated", "permission_denied", "not_found")


def cells() -> Iterator[tuple[str, str, str]]:
    """Each method and route of the API, and what the table calls it."""
    for route, view in views(get_resolver().url_patterns):
        cls = getattr(view, "cls", None) or view.view_class
        handled = getattr(view, "actions", None) or {each: each for each in dir(cls)}
        for method in METHODS:
            if action := handled.get(method.lower()):
                basename = view.initkwargs.get("basename")
                yield method, route, f"{basename}.{action}" if basename else cls.__name__


CELLS = [cell for cell in cells() if cell[2] not in OPEN]


def signed_in(user: User) -> APIClient:
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(User.objects.get(pk=user.pk))  # as each request has it
    return client


def asked(client: APIClient, method: str, route: str, pk: object, **words: str) -> Any:
    path = route.replace("<uuid:pk>", str(pk)).replace("<ordinal:number>", "1").replace("<slug:name>", "Orders")
    path = path.replace("<str:sku>", "MUG-1").replace("<slug:code>", "not_found")
    path = path.replace("<slug:correlation_id>", "none")
    return client.generic(method, f"/{path}", "", HTTP_IDEMPOTENCY_KEY=str(uuid4()))


def outcome(answer: Any) -> str:
    """Why it was refused for who asked; or that it was not, whatever came of it."""
    code = answer.json().get("code", "") if answer.status_code >= 400 else ""
    return code if code in REFUSED else "let in"


def staff_with(*names: str) -> User:
    user = User.objects.create_user("-".join(names) or "nobody", is_staff=True)
    user.groups.set(Group.objects.filter(name__in=names))
    return user


def theirs(email: str) -> dict[str, UUID]:
    """A customer, and one of each kind that is theirs."""
    customer = register_customer(name="Ada", email=email).id
    add_address(customer, address=HAMBURG)
    set_credit_limit(customer, limit=Money(Decimal(100), "EUR"))
    order = place_order(customer_id=customer, items=[Item("MUG-1", 1)]).id
    amount = Money(Decimal("12.50"), "EUR")
    payment = request_payment(order_id=uuid4(), customer_id=customer, amount=amount, token="t", last_four="4242").id
    shipment = plan_shipment(order, customer_id=customer, lines=[Packed("MUG-1", "Mug", 1)], ship_to=BREMEN).id
    checkout = start_checkout(customer_id=customer).id
    return {
        "customers": customer,
        "orders": order,
        "payments": payment,
        "shipments": shipment,
        "checkouts": checkout,
    }


@pytest.fixture
def mine(mug: UUID) -> dict[str, UUID]:
    return theirs("ada@example.org") | {"products": mug}


@pytest.fixture
def ada_herself(mine: dict[str, UUID]) -> User:
    user = User.objects.create_user("ada")
    CustomerUser.objects.create(user=user, customer_id=mine["customers"])
    return user


def test_every_operation_is_in_the_table_and_nothing_else_is() -> None:
    on_the_desk = {ask.action for pages in site._registry.values() for ask in getattr(pages, "asks", ())}

    assert {action for _, _, action in CELLS} | on_the_desk == ACTIONS.keys()


def test_the_table_names_roles_and_permissions_that_there_are(db: None) -> None:
    names = ROLES.keys() | {"customer", "newcomer"}
    permissions = {f"{each.content_type.app_label}.{each.codename}" for each in Permission.objects.all()}

    for action, allowed in ACTIONS.items():
        assert set(allowed.split()) <= names | permissions, action
        assert allowed.split(), f"{action} is for nobody"


def test_who_is_not_signed_in_gets_nowhere(db: None) -> None:
    got = {cell: outcome(asked(APIClient(), *cell[:2], uuid4())) for cell in CELLS}

    assert got == dict.fromkeys(CELLS, "not_authenticated")


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_the_table_says_and_no_more(role: str, mug: UUID) -> None:
    user = staff_with(role)

    got = {cell: outcome(asked(signed_in(user), *cell[:2], uuid4())) for cell in CELLS}

    for cell, came in got.items():
        allowed = ACTIONS[cell[2]].split()
        named = role in allowed or any(user.has_perm(each) for each in allowed if "." in each)
        assert (came == "permission_denied") is not named, (role, *cell, came)
        assert came != "not_authenticated", cell


def test_a_superuser_may_do_everything(mug: UUID) -> None:
    boss = signed_in(User.objects.create_superuser("boss"))

    got = {cell: outcome(asked(boss, *cell[:2], uuid4())) for cell in CELLS}

    assert not {cell for cell, came in got.items() if came in ("permission_denied", "not_authenticated")}


def test_staff_without_a_role_may_do_nothing(settings: Any, mug: UUID) -> None:
    settings.ROLES_OF_STAFF = []
    clerk = signed_in(staff_with())

    got = {cell: outcome(asked(clerk, *cell[:2], uuid4())) for cell in CELLS}

    assert got == dict.fromkeys(CELLS, "permission_denied")


def test_a_group_counts_for_staff_alone(ada_herself: User, mine: dict[str, UUID]) -> None:
    ada_herself.groups.set(Group.objects.all())

    assert signed_in(ada_herself).get("/api/v1/payments/?status=captured").json()["results"] == []
    assert signed_in(ada_herself).get("/api/v1/events/").status_code == 403


def test_a_newcomer_may_only_register(db: None) -> None:
    newcomer = signed_in(User.objects.create_user("new"))

    got = {cell: outcome(asked(newcomer, *cell[:2], uuid4())) for cell in CELLS}

    expected = {cell: "let in" if "newcomer" in ACTIONS[cell[2]] else "permission_denied" for cell in CELLS}
    assert got == expected


def test_a_customer_does_with_their_own_what_the_table_says(ada_herself: User, mine: dict[str, UUID]) -> None:
    for cell in CELLS:
        method, route, action = cell
        pk = mine.get(action.split(".")[0], uuid4())
        expected = "let in" if "customer" in ACTIONS[action].split() else "permission_denied"
        assert outcome(asked(signed_in(ada_herself), method, route, pk)) == expected, cell
        engine.catch_up()


def test_a_customer_does_not_find_what_is_somebody_elses(ada_herself: User) -> None:
    others = theirs("grace@example.org")
    engine.catch_up()
    before = {each: happened(each, others) for each in others}

    got = {
        cell: outcome(asked(signed_in(ada_herself), cell[0], cell[1], others[kind]))
        for cell in CELLS
        if (kind := cell[2].split(".")[0]) in others and "<uuid:pk>" in cell[1]
    }

    for cell, came in got.items():
        assert came == ("not_found" if "customer" in ACTIONS[cell[2]].split() else "permission_denied"), cell
    assert before == {each: happened(each, others) for each in others}, "something was changed"


def happened(kind: str, ids: dict[str, UUID]) -> Any:
    boss = User.objects.filter(username="boss").first() or User.objects.create_superuser("boss")
    return signed_in(boss).get(f"/api/v1/{kind}/{ids[kind]}/history/").json()["results"]


@pytest.mark.parametrize("kind", ["customers", "orders", "payments", "shipments", "checkouts"])
def test_a_customers_lists_have_only_what_is_theirs(kind: str, ada_herself: User, mine: dict[str, UUID]) -> None:
    others = theirs("grace@example.org")
    engine.catch_up()
    client = signed_in(ada_herself)
    by_customer = f"?customer_id={others['customers']}" if kind in ("orders", "payments", "shipments") else "?q=grace"

    now, then = client.get(f"/api/v1/{kind}/"), client.get(f"/api/v1/{kind}/?as_of={engine.log.horizon()}")

    assert [each["id"] for each in now.json()["results"]] == [str(mine[kind])]
    assert [each["id"] for each in then.json()["results"]] == [str(mine[kind])]
    if kind != "checkouts":
        assert client.get(f"/api/v1/{kind}/{by_customer}").json()["results"] == []
    for moment in ("", "?as_of=v1", f"?as_of={engine.log.horizon()}"):
        assert client.get(f"/api/v1/{kind}/{others[kind]}/{moment}").status_code == 404


def test_a_customer_sees_products_that_are_on_sale_alone(api: APIClient, ada_herself: User, mug: UUID) -> None:
    draft = api.post("/api/v1/products/", {"sku": "DRAFT-1", "name": "Draft"}).json()["id"]
    engine.catch_up()
    client = signed_in(ada_herself)

    assert [each["sku"] for each in client.get("/api/v1/products/").json()["results"]] == ["MUG-1"]
    assert client.get(f"/api/v1/products/{draft}/").status_code == 404
    assert client.get(f"/api/v1/products/{mug}/").status_code == 200


@pytest.mark.parametrize("moment", ["as_of=v1", "effective_at"])
def test_a_customer_does_not_see_a_product_as_the_draft_it_was(moment: str, api: APIClient, ada_herself: User) -> None:
    there = api.post("/api/v1/products/", {"sku": "BOWL-1", "name": "Bowl", "price": eur("9.00")}).json()["id"]
    asked = moment if "=" in moment else f"{moment}={datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    api.post(f"/api/v1/products/{there}/publish/")
    engine.catch_up()
    client = signed_in(ada_herself)

    assert api.get(f"/api/v1/products/{there}/?{asked}").json()["status"] == "draft"
    assert client.get(f"/api/v1/products/{there}/?{asked}").status_code == 404
    assert client.get(f"/api/v1/products/{there}/?as_of=v3").json()["status"] == "published"


def test_a_customer_does_not_read_what_staff_note(
    api: APIClient, ada_herself: User, mine: dict[str, UUID], client: Client
) -> None:
    order, note = mine["orders"], "Has a bad debt elsewhere."
    said = api.post(f"/api/v1/orders/{order}/notes/", {"text": note}).json()
    engine.catch_up()
    theirs_to_see = signed_in(ada_herself)
    client.force_login(ada_herself)

    for path in (f"{order}/", f"{order}/?as_of=v{said['version']}", f"{order}/timeline/"):
        assert note in api.get(f"/api/v1/orders/{path}").content.decode()
        answer = theirs_to_see.get(f"/api/v1/orders/{path}")
        assert (answer.status_code, note in answer.content.decode()) == (200, False)
    page = client.get(f"/orders/{order}/")
    assert (page.status_code, note in page.content.decode()) == (200, False)


def test_a_customer_orders_for_themselves(ada_herself: User, mine: dict[str, UUID], ada: UUID) -> None:
    client = signed_in(ada_herself)
    client.default_format = "json"
    lines = [{"sku": "MUG-1", "quantity": 1}]

    unsaid = client.post("/api/v1/orders/", {"lines": lines}, HTTP_IDEMPOTENCY_KEY="k-1")
    for_ada = client.post("/api/v1/orders/", {"lines": lines, "customer_id": str(ada)}, HTTP_IDEMPOTENCY_KEY="k-2")
    cancelled = client.post(
        f"/api/v1/orders/{unsaid.json()['id']}/cancel/", {"reason": "changed my mind"}, HTTP_IDEMPOTENCY_KEY="k-3"
    )
    engine.catch_up()

    assert unsaid.status_code == 201
    assert client.get(unsaid["Location"]).json()["customer_id"] == str(mine["customers"])
    assert (for_ada.status_code, for_ada.json()["code"]) == (422, "unknown_customer")
    assert [each["pointer"] for each in for_ada.json()["errors"]] == ["/customer_id"]
    assert cancelled.status_code == 200


def test_an_order_is_ones_own_before_any_list_knows_of_it(ada_herself: User, mine: dict[str, UUID]) -> None:
    order = place_order(customer_id=mine["customers"], items=[Item("MUG-1", 1)]).id

    answer = signed_in(ada_herself).post(
        f"/api/v1/orders/{order}/cancel/", {"reason": "x"}, "json", HTTP_IDEMPOTENCY_KEY="k"
    )

    assert answer.status_code == 200


def test_a_newcomer_registers_once_and_is_that_customer_then(db: None) -> None:
    user = User.objects.create_user("grace")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.create(user=user).key}")
    client.default_format = "json"

    made = client.post("/api/v1/customers/", {"name": "Grace", "email": "grace@example.com"})
    again = client.post("/api/v1/customers/", {"name": "Grace", "email": "grace@example.org"})
    engine.catch_up()

    assert (made.status_code, again.status_code) == (201, 403)
    assert CustomerUser.objects.get(user=user).customer_id == UUID(made.json()["id"])
    assert [each["name"] for each in client.get("/api/v1/customers/").json()["results"]] == ["Grace"]


def test_a_registration_that_is_asked_again_under_its_key_gets_the_first_answer(db: None) -> None:
    grace, place = APIClient(), "/api/v1/customers/"
    token = Token.objects.create(user=User.objects.create_user("grace")).key
    grace.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    asked = {"name": "Grace", "email": "grace@example.com"}

    first, again = (grace.post(place, asked, "json", HTTP_IDEMPOTENCY_KEY="once") for _ in range(2))
    others = [
        grace.post(place, asked | {"email": "grace@example.org"}, "json", HTTP_IDEMPOTENCY_KEY="once"),
        grace.post(place, asked, "json", HTTP_IDEMPOTENCY_KEY="twice"),
        signed_in(User.objects.create_user("new")).post(place, asked, "json", HTTP_IDEMPOTENCY_KEY="once"),
    ]

    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert [answer.json()["code"] for answer in others] == [
        "idempotency_key_reused",
        "permission_denied",
        "email_taken",
    ]
    assert Event.objects.filter(name="Customer.Registered").count() == 1


def test_of_two_registrations_of_one_newcomer_at_once_one_is_refused(db: None, rf: RequestFactory) -> None:
    request: Any = rf.post("/api/v1/customers/")
    request.user = User.objects.create_user("grace")
    first = register_customer(name="Grace", email="grace@example.com").id

    with pytest.raises(PermissionDenied, match="You are a customer already"), roles.signing_up(request) as answers:
        answers.append(Response({"id": register_customer(name="Grace", email="grace@example.org").id}))
        CustomerUser.objects.create(user=request.user, customer_id=first)  # the other request was faster

    assert Event.objects.filter(name="Customer.Registered").count() == 1


def test_a_refused_registration_makes_nobody_a_customer(ada: UUID) -> None:
    user = User.objects.create_user("grace")

    answer = signed_in(user).post("/api/v1/customers/", {"name": "Grace", "email": "ada@example.com"}, "json")

    assert answer.json()["code"] == "email_taken"
    assert not CustomerUser.objects.exists()


def test_the_sign_in_of_a_forgotten_customer_is_gone(ada_herself: User, mine: dict[str, UUID]) -> None:
    engine.catch_up()

    erase_customer(mine["customers"])
    engine.catch_up()

    assert not User.objects.filter(pk=ada_herself.pk).exists()


def test_staff_act_as_staff_even_if_they_are_customers_too(mine: dict[str, UUID]) -> None:
    clerk = staff_with("warehouse")
    CustomerUser.objects.create(user=clerk, customer_id=mine["customers"])

    assert roles.roles_of(clerk) == {"warehouse"}
    assert roles.customer_of(clerk) is None
    assert roles.roles_of(AnonymousUser()) == frozenset()


def test_a_group_looks_at_the_tables_that_are_its_roles(db: None) -> None:
    warehouse, ops = staff_with("warehouse"), staff_with("ops")

    assert warehouse.has_perm("inventory.view_stocklevel")
    assert not warehouse.has_perm("payments.view_paymentsummary")
    assert ops.has_perm("projections.change_checkpoint")
    assert not ops.has_perm("customers.view_customersummary")


@pytest.mark.parametrize(
    ("action", "roles_that_may"),
    [
        ("payments.refund", {"finance"}),
        ("stock.receive", {"warehouse"}),
        ("products.price", {"catalog"}),
        ("customers.erase", {"support"}),
        ("customers.credit_limit", {"finance"}),
        ("shipments.hand_over", {"warehouse"}),
        ("Events", {"ops", "auditor"}),
    ],
)
def test_what_matters_is_for_those_whose_work_it_is(action: str, roles_that_may: set[str], db: None) -> None:
    assert {role for role in ROLES if roles.may(staff_with(role), action)} == roles_that_may


def test_an_auditor_changes_nothing(db: None) -> None:
    auditor = staff_with("auditor")

    assert not [cell for cell in CELLS if cell[0] != "GET" and roles.may(auditor, cell[2])]
