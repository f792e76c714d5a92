from django.apps import AppConfig


class ShippingConfig(AppConfig):
    name = "shop.shipping"

    def ready(self) -> None:
        from shop.shipping import policies  # noqa: F401  # registers what the context does by itself
