from django.apps import AppConfig


class CustomersConfig(AppConfig):
    name = "shop.customers"

    def ready(self) -> None:
        from shop.customers import policies  # noqa: F401  # registers what the context does by itself
