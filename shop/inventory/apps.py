from django.apps import AppConfig


class InventoryConfig(AppConfig):
    name = "shop.inventory"

    def ready(self) -> None:
        from shop.inventory import policies  # noqa: F401  # registers what the context does by itself
