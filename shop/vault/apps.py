from django.apps import AppConfig


class VaultConfig(AppConfig):
    name = "shop.vault"

    def ready(self) -> None:
        from shop.vault import policies  # noqa: F401  # registers what the context does by itself
