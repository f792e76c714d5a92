from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "shop.notifications"

    def ready(self) -> None:
        from eventstore.browser.causes import besides
        from shop.notifications.policies import mails_of  # … and what the context does by itself

        besides.append(mails_of)
