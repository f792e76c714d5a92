from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from shop.admin import Ask, ReadOnlyAdmin, look, one_of, shown
from shop.forms import Nothing
from shop.shipping.api import QUESTIONS, STATUSES, TO_DO, AnswerAddress, Dispatch, Lose
from shop.shipping.commands import answer_address, deliver, dispatch, lose, pack
from shop.shipping.models import ShipmentSummary, lost_lately

DECIDE = [("keep", "as it was ordered"), ("use_present", "where the customer lives now")]
ASK_THEM = ("ask", "ask the customer, by mail")
LOOKS = {"pick": Q(status__in=TO_DO), "lost": lost_lately}
PickList = look("look", "look at", LOOKS, {"pick": "Pick list", "lost": "Lost lately"})


def decisions(shipment: ShipmentSummary) -> dict[str, Any]:
    return {"decision": DECIDE if shipment.question == "asked" else [*DECIDE, ASK_THEM]}


@admin.register(ShipmentSummary)
class ShipmentAdmin(ReadOnlyAdmin):
    list_display = ("shipment", "order", "stands", "pieces", "city", "asked", "planned_at", "changed_at")
    list_filter = (one_of("status", STATUSES), PickList, one_of("question", QUESTIONS, "address question"))
    sortable_by = ("planned_at", "changed_at")
    search_fields = ("carrier", "tracking")
    search_ids = ("pk", "order_id", "customer_id")
    search_help_text = "Carrier, tracking, or an id"
    ordering = ("-planned_at", "-id")
    badge = "status"
    told_to = "shipments.history"
    fieldsets = (
        ("Parcel", {"fields": ("order", "customer", "planned_at", "changed_at", "carrier", "tracking", "reason")}),
        ("What is in it", {"fields": ("packing_list",), "classes": ("wide",)}),
        ("Where it goes", {"fields": ("goes_to", "home", "asked", "asked_since")}),
    )
    readonly_fields = ("order", "customer", "packing_list", "goes_to", "home", "asked")
    asks = (
        Ask(
            "shipments.address",
            "Decide where it goes",
            answer_address,
            AnswerAddress,
            means="Its customer lives elsewhere now. Until somebody decides, it does not leave.",
            fits=lambda shipment: shipment.question in ("open", "asked"),
            choices=decisions,
            first=True,
        ),
        Ask(
            "shipments.pack",
            "Pack",
            pack,
            Nothing,
            means="It is packed, and waits for the carrier.",
            fits=lambda shipment: shipment.status == "planned",
            several=True,
            first=True,
        ),
        Ask(
            "shipments.hand_over",
            "Dispatch",
            dispatch,
            Dispatch,
            name="dispatch",
            means="The carrier has it: stock is shipped, the payment captured, the customer told.",
            fits=lambda shipment: shipment.status == "packed",
            several=True,
            first=True,
        ),
        Ask(
            "shipments.deliver",
            "Deliver",
            deliver,
            Nothing,
            means="It has arrived.",
            fits=lambda shipment: shipment.status == "dispatched",
            several=True,
            first=True,
        ),
        Ask(
            "shipments.lose",
            "Lose",
            lose,
            Lose,
            means="Nothing follows by itself: pay back what was paid, or have it ordered anew.",
            fits=lambda shipment: shipment.status == "dispatched",
            danger=True,
        ),
    )

    stands = shown.status_of("status")

    @admin.display
    def shipment(self, shipment: ShipmentSummary) -> SafeString:
        return shown.short(shipment.id)

    @admin.display
    def order(self, shipment: ShipmentSummary) -> SafeString | str:
        return shown.order(shipment.order_id)

    @admin.display
    def customer(self, shipment: ShipmentSummary) -> SafeString | str:
        guest = "" if shipment.customer_id else "guest"
        return shown.linked("customers", "customersummary", shipment.customer_id, guest)

    @admin.display
    def city(self, shipment: ShipmentSummary) -> str:
        return (shipment.ship_to or {}).get("city", "–")

    @admin.display(description="address question")
    def asked(self, shipment: ShipmentSummary) -> SafeString:
        return shown.badge(shipment.question.replace("_", " "), "warn" if shipment.question == "open" else "")

    @admin.display(description="lines")
    def packing_list(self, shipment: ShipmentSummary) -> SafeString:
        told = ((line["quantity"], line["name"], line["sku"]) for line in shipment.lines)
        return format_html_join("", "<div><b>{}</b> × {} <small>{}</small></div>", told)

    @admin.display(description="ship to")
    def goes_to(self, shipment: ShipmentSummary) -> SafeString:
        return shown.address(shipment.ship_to)

    @admin.display(description="customer's address now")
    def home(self, shipment: ShipmentSummary) -> SafeString:
        return shown.address(shipment.lives_at)
