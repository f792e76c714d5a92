from django.apps import AppConfig


class StorefrontConfig(AppConfig):
    """What customers meet: the catalogue, their basket, the checkout, their orders. It has no facts of its own."""

    name = "shop.storefront"
