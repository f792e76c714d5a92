from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "shop.payments"

    def ready(self) -> None:
        from shop.payments import policies  # noqa: F401  # registers what the context does by itself
