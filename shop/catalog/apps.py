from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "shop.catalog"

    def ready(self) -> None:
        from shop.catalog import policies  # noqa: F401  # they listen
        from shop.catalog.repricing import domain  # noqa: F401  # its events are in the log, too
