from django.apps import AppConfig


class ProjectionsConfig(AppConfig):
    """The read side's engine. Projections stand in each app's ``models`` module, so Django has found them already."""

    name = "projections"

    def ready(self) -> None:
        from projections import checks  # noqa: F401  # registers them
