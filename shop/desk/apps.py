from django.apps import AppConfig


class DeskConfig(AppConfig):
    """Pages for the people who run the shop, above all contexts: what one context's own admin cannot know."""

    name = "shop.desk"
