from typing import Any

from django.apps import AppConfig, apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models.signals import post_migrate


class ProjectionsConfig(AppConfig):
    """The read side's engine. Projections stand in each app's ``models`` module, so Django has found them already."""

    name = "projections"

    def ready(self) -> None:
        from projections import checks, queues  # noqa: F401  # they register what they check

        post_migrate.connect(_begin_policies, sender=self)
        post_migrate.connect(_forget_remade_history, sender=self)


def _forget_remade_history(apps: Any = apps, using: str = "default", plan: Any = (), **_: Any) -> None:
    from projections.history import forget_remade

    try:
        apps.get_model("projections", "HistoryEpoch")
    except LookupError:
        return  # migrated to an older state
    if using == "default":
        forget_remade(plan)


def _begin_policies(apps: Any = apps, using: str = "default", **_: Any) -> None:
    """A policy hears what is recorded from its first ``migrate`` on."""
    from projections.lease import begin
    from projections.projection import Policy, registered

    if using != "default":
        return  # another database, in which nobody acts
    try:
        apps.get_model("projections", "Checkpoint")._meta.get_field("schema")
    except (LookupError, FieldDoesNotExist):
        return  # migrated to an older state
    for each in registered:
        if isinstance(each, Policy):
            begin(each)
