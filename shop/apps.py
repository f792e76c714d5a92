from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ShopConfig(AppConfig):
    """What belongs to no context: sign-ins and roles, faults, management commands."""

    name = "shop"

    def ready(self) -> None:
        from shop import policies, roles  # noqa: F401

        post_migrate.connect(roles.keep_groups, dispatch_uid="roles")
