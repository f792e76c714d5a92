from django.apps import AppConfig


class ShopConfig(AppConfig):
    """What belongs to no context: management commands."""

    name = "shop"
