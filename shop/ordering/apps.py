from django.apps import AppConfig


class OrderingConfig(AppConfig):
    name = "shop.ordering"

    def ready(self) -> None:
        from shop.ordering.checkout import domain  # noqa: F401  # its events are in the log, too
