from django.apps import AppConfig


class FulfilmentConfig(AppConfig):
    """The processes in which the contexts meet: above them all; none of them knows it."""

    name = "shop.fulfilment"

    def ready(self) -> None:
        from shop.fulfilment import policies  # noqa: F401  # they listen
        from shop.fulfilment.commands import at_once, edit_all, leave, redirect_parcel, stop_parcel
        from shop.fulfilment.live import lives_now
        from shop.ordering.checkout.commands import address_sources
        from shop.ordering.commands import cancelled_with, decided_with, edited_with, readdressed_with
        from shop.shipping.commands import dispatched_with

        decided_with.append(at_once)
        cancelled_with.append(stop_parcel)
        readdressed_with.append(redirect_parcel)
        edited_with.append(edit_all)
        dispatched_with.append(leave)
        address_sources["live"] = lives_now
