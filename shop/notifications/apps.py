from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "shop.notifications"

    def ready(self) -> None:
        from shop.notifications import policies  # noqa: F401  # registers what the context does by itself
