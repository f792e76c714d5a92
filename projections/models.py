"""What every read model has, and how far each projection has come."""

from collections.abc import Callable
from typing import Any, ClassVar, NoReturn, Self

from django.db import models
from django.db.models.base import ModelState
from django.db.models.functions import Now
from django.db.models.signals import class_prepared
from django.dispatch import receiver


class KeptByProjection(TypeError):
    """Somebody tried to write a read model by hand."""

    def __init__(self, model: type[models.Model]) -> None:
        from projections.projection import registered

        keeper = next((each.name for each in registered if model in each.tables), "its projection")
        super().__init__(
            f"{model.__name__} is kept by {keeper}, and written by nothing else. Record an event that it handles; "
            f"to mend rows, `manage.py projections rebuild {keeper}`."
        )


class ReadQuerySet(models.QuerySet[Any]):
    """Reads."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise KeptByProjection(self.model)

    create = bulk_create = get_or_create = update_or_create = update = bulk_update = delete = _refuse  # type: ignore[assignment]


class ReadModel(models.Model):
    """A table that only its projection writes.

    ``version`` makes an ETag: it is that of the last handled event in the stream whose id is the row's key; 0, if the
    row is no stream's own.
    """

    position = models.BigIntegerField(default=0, editable=False, help_text="Of the event that last changed it.")
    version = models.BigIntegerField(default=0, editable=False, help_text="Of its own stream, if it has one.")

    objects: ClassVar[models.Manager[Any]] = models.Manager.from_queryset(ReadQuerySet)()

    _blank: ClassVar[dict[str, Any]]
    _made: ClassVar[dict[str, Callable[[], Any]]]  # defaults that are made anew for each row

    class Meta:
        abstract = True

    def __init__(self, *args: Any, **values: Any) -> None:
        """As Django does it, four times as fast for plain values: no signals."""
        if args or not values.keys() <= self._blank.keys():
            super().__init__(*args, **values)
            return
        row = self.__dict__
        row.update(self._blank)
        row.update(values)
        row["_state"] = ModelState()
        for name, make in self._made.items():
            if name not in values:
                row[name] = make()

    @classmethod
    def stored(cls, values: dict[str, Any]) -> Self:
        """The row that was read from the table."""
        row = cls.__new__(cls)
        row.__dict__.update(values)
        state = row.__dict__["_state"] = ModelState()
        state.adding, state.db = False, "default"
        return row

    def save(self, *_: Any, **__: Any) -> NoReturn:
        raise KeptByProjection(type(self))

    def delete(self, *_: Any, **__: Any) -> NoReturn:
        raise KeptByProjection(type(self))


@receiver(class_prepared)
def _note_defaults(sender: type[models.Model], **_: Any) -> None:
    if issubclass(sender, ReadModel):
        fields = [field for field in sender._meta.concrete_fields if not field.generated]
        sender._blank = {f.attname: None if f.primary_key or _makes(f) else f.get_default() for f in fields}
        sender._made = {f.attname: f.default for f in fields if _makes(f)}


def _makes(field: Any) -> bool:
    """Whether its default is made anew for each row."""
    return field.has_default() and callable(field.default)


class Checkpoint(models.Model):
    """How far a projection has come, and who may move it: who took its lease last, in the highest ``epoch``."""

    name = models.TextField(primary_key=True)
    version = models.IntegerField(db_default=1, help_text="Of the projection that built the rows.")
    position = models.BigIntegerField(db_default=0, help_text="Of the last event of the log that it has seen.")
    epoch = models.BigIntegerField(db_default=0, help_text="How often its lease was taken.")
    leased_until = models.DateTimeField(null=True, help_text="None: free.")
    holder = models.TextField(db_default="", help_text="Host and process that took the lease last.")
    backend = models.IntegerField(null=True, help_text="The holder's process on the database server.")
    error = models.TextField(db_default="", help_text="What keeps it from going on.")
    error_position = models.BigIntegerField(null=True, help_text="Of the event that it cannot apply.")
    error_since = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(db_default=Now(), help_text="When its position was last written.")

    def __str__(self) -> str:
        return f"{self.name} at {self.position}"
