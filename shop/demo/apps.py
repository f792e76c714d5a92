from django.apps import AppConfig


class DemoConfig(AppConfig):
    """The gift shop "Harbour & Hearth", its past, and the tour of it. Nothing of it is reached without ``DEMO``."""

    name = "shop.demo"
