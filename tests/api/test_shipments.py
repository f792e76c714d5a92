"""Shipments over HTTP: what is to be packed, where it goes, and whether it may."""

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from rest_framework.test import APIClient

from eventstore.models import Event
from projections.lease import begin
from projections.projection import known
from shop.customers.commands import change_address
from shop.ordering.models import number_of
from shop.shipping.commands import cancel_shipment, dispatch, pack, plan_shipment
from shop.shipping.domain import Packed
from tests.api.conftest import BREMEN, HAMBURG

pytestmark = pytest.mark.django_db
SHIPMENTS = "/api/v1/shipments/"
MUGS = Packed("MUG-1", "Harbour mug", 2)


@pytest.fixture
def parcel(ada: UUID) -> str:
    parcel = plan_shipment(uuid4(), customer_id=ada, lines=[MUGS], ship_to=HAMBURG).id
    return f"{SHIPMENTS}{parcel}/"


def test_a_parcel_goes_its_way(api: APIClient, parcel: str, catch_up: Callable[[], None]) -> None:
    packed = api.post(f"{parcel}pack/")
    keyless = api.post(f"{parcel}dispatch/", {"carrier": "DHL", "tracking": "JD01"})
    first, again = (
        api.post(f"{parcel}dispatch/", {"carrier": "DHL", "tracking": "JD01"}, HTTP_IDEMPOTENCY_KEY="k")
        for _ in range(2)
    )
    delivered = api.post(f"{parcel}deliver/")
    lost = api.post(f"{parcel}lose/", {"reason": "never came"})
    catch_up()

    assert [answer.status_code for answer in (packed, keyless, first, again, delivered, lost)] == [
        *(200, 400, 200, 200, 200, 409)
    ]
    assert first.json() == again.json()
    shown = api.get(delivered["Location"]).json()
    assert {name: shown[name] for name in ("status", "lines", "pieces", "carrier", "tracking", "version")} == {
        "status": "delivered",
        "lines": [{"sku": "MUG-1", "name": "Harbour mug", "quantity": 2}],
        "pieces": 2,
        "carrier": "DHL",
        "tracking": "JD01",
        "version": 4,
    }


@pytest.mark.parametrize(("decision", "city"), [("keep", "Hamburg"), ("use_present", "Bremen")])
def test_scenario_05_reconcile_before_shipping(
    decision: str, city: str, api: APIClient, ada: UUID, parcel: str, catch_up: Callable[[], None]
) -> None:
    api.post(f"{parcel}pack/")
    change_address(ada, 1, address=BREMEN)
    catch_up()

    held = api.post(f"{parcel}dispatch/", {"carrier": "DHL"}, HTTP_IDEMPOTENCY_KEY="1")
    nothing_changed = Event.objects.filter(name="Shipment.Dispatched").exists()
    answered = api.post(f"{parcel}address/", {"decision": decision})
    again = api.post(f"{parcel}address/", {"decision": decision})
    sent = api.post(f"{parcel}dispatch/", {"carrier": "DHL"}, HTTP_IDEMPOTENCY_KEY="2")
    catch_up()

    assert (held.status_code, held.json()["code"], nothing_changed) == (409, "address_question_open", False)
    assert [answer.status_code for answer in (answered, again, sent)] == [200, 409, 200]
    assert again.json()["code"] == "no_address_question"
    shown = api.get(parcel).json()
    assert (shown["ship_to"]["city"], shown["question"], shown["lives_at"]) == (city, decision, None)
    told = api.get(f"{parcel}history/").json()["results"]
    (decided,) = [each for each in told if each["name"] == "Shipment.AddressAnswered"]
    assert (decided["facts"]["decision"], decided["actor"]) == (decision, "support")


def test_the_customer_is_asked_by_mail_and_the_parcel_waits_for_them(
    api: APIClient, ada: UUID, mug: UUID, order: UUID, catch_up: Callable[[], None]
) -> None:
    begin(known()["Mails"])
    begin(known()["AddressQuestions"])
    shipment = plan_shipment(order, customer_id=ada, lines=[MUGS], ship_to=HAMBURG).id
    parcel = f"{SHIPMENTS}{shipment}/"
    api.post(f"{parcel}pack/")
    change_address(ada, 1, address=BREMEN)

    first, again = (api.post(f"{parcel}address/", {"decision": "ask"}) for _ in range(2))
    held = api.post(f"{parcel}dispatch/", {"carrier": "DHL"}, HTTP_IDEMPOTENCY_KEY="1")
    catch_up()
    shown, then = api.get(parcel).json(), api.get(parcel, {"as_of": f"v{first.json()['version']}"}).json()
    listed = api.get(SHIPMENTS, {"question": "asked"}).json()["results"]
    (mail,) = api.get("/api/v1/mails/", {"kind": "address"}).json()["results"]
    told = [each["what"] for each in api.get(f"/api/v1/orders/{order}/timeline/").json()["results"]]
    answered = api.post(f"{parcel}address/", {"decision": "use_present"})
    sent = api.post(f"{parcel}dispatch/", {"carrier": "DHL"}, HTTP_IDEMPOTENCY_KEY="2")
    catch_up()

    assert (first.status_code, again.json()["position"]) == (200, None)
    assert (held.status_code, held.json()["code"]) == (409, "address_question_open")
    assert (shown["question"], shown["lives_at"]["city"]) == ("asked", "Bremen")
    assert (then, [each["id"] for each in listed]) == (shown, [str(shipment)])
    assert (mail["recipient"], mail["subject"]) == (
        "ada@example.com",
        f"Where should your order {number_of(order)} (PO 4711) go?",
    )
    text = api.get(f"/api/v1/mails/{mail['id']}/").json()["text"]
    assert f"  {HAMBURG}\n" in text
    assert f"  {BREMEN}\n" in text
    assert "customer asked" in told
    assert (answered.status_code, sent.status_code) == (200, 200)
    assert api.get(parcel).json()["ship_to"]["city"] == "Bremen"


def test_questions_and_the_pick_list_are_lists_of_their_own(
    api: APIClient, ada: UUID, mug: UUID, catch_up: Callable[[], None]
) -> None:
    orders = {name: uuid4() for name in ("planned", "packed", "sent", "cancelled", "asked")}
    parcels = {
        name: plan_shipment(order, customer_id=ada, lines=[MUGS], ship_to=BREMEN if name == "asked" else HAMBURG).id
        for name, order in orders.items()
    }
    for name in ("packed", "sent"):
        pack(parcels[name])
    dispatch(parcels["sent"], carrier="DHL")
    cancel_shipment(orders["cancelled"], reason="changed my mind")
    last = cancel_shipment(orders["planned"], reason="changed my mind").position
    catch_up()

    def found(**query: object) -> list[str]:
        rows = api.get(SHIPMENTS, query).json()["results"]
        return [name for row in rows for name, parcel in parcels.items() if str(parcel) == row["id"]]

    assert found(pick_list="true") == ["packed", "asked"]
    assert found(pick_list="true", as_of=last - 1) == ["planned", "packed", "asked"]
    assert found(question="open") == ["asked"]
    assert found(status="cancelled") == ["planned", "cancelled"]
    assert found(order_id=orders["sent"]) == ["sent"]
    assert found(customer_id=ada, ordering="-planned_at", status="packed") == ["packed"]
    assert found(customer_id=uuid4()) == []


def test_a_shipment_is_shown_as_it_was(api: APIClient, ada: UUID, parcel: str, catch_up: Callable[[], None]) -> None:
    then = []
    for step in (
        lambda: None,
        lambda: change_address(ada, 1, address=BREMEN),
        lambda: api.post(f"{parcel}address/", {"decision": "use_present"}),
        lambda: api.post(f"{parcel}pack/"),
        lambda: change_address(ada, 1, address=HAMBURG),
        lambda: change_address(ada, 1, address=BREMEN),
        lambda: api.post(f"{parcel}dispatch/", {"carrier": "DHL"}, HTTP_IDEMPOTENCY_KEY="k"),
        lambda: api.post(f"{parcel}lose/", {"reason": "fell into the harbour"}),
    ):
        step()
        catch_up()
        then.append(api.get(parcel).json())

    assert [(row["status"], row["question"]) for row in then] == [
        ("planned", ""),
        ("planned", "open"),
        ("planned", "use_present"),
        ("packed", "use_present"),
        ("packed", "open"),
        ("packed", "withdrawn"),
        ("dispatched", "withdrawn"),
        ("lost", "withdrawn"),
    ]
    for row in then:
        assert api.get(parcel, {"as_of": f"v{row['version']}"}).json() == row
        assert api.get(parcel, {"effective_at": row["changed_at"]}).json() == row
