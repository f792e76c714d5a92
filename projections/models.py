"""What every read model has, and how far each projection has come."""

from collections.abc import Callable
from datetime import datetime
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
    """Reads, now or as of a moment."""

    def as_of(self, moment: int | datetime, *, timeout: float = 2.0) -> Self:
        """The rows exactly as they were after the event at that position, or the last one recorded by that instant.

        Filter, order and page them like any others; but no other table can be read with them (TypeError). What its
        projection has not seen within ``timeout`` seconds is NotYet, what is kept no more Pruned; what was both when it
        was asked, and is not when the rows are read, is TooLate (LookupError all). A moment to come, or without a
        zone: ValueError.
        """
        from projections.as_of import asked

        return asked(self, moment, timeout)  # type: ignore[no-any-return]

    @property
    def position(self) -> int | None:
        """That it is as of; None: now."""
        return getattr(self.query, "position", None)

    def prefetch_related(self, *lookups: Any) -> Self:
        from projections.as_of import refuse_past

        refuse_past(self)
        return super().prefetch_related(*lookups)

    def _merge_sanity_check(self, other: Any) -> None:
        mine, its = (f"as of {each.position}" if each.position is not None else "of now" for each in (self, other))
        if mine != its:
            raise TypeError(f"Expected two questions about one moment, found one {mine}, and one {its}.")
        super()._merge_sanity_check(other)  # type: ignore[misc]

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
        row = self.__dict__
        row.update(self._blank)
        row.update(values)
        if args or len(row) != len(self._blank):  # something else than its columns
            row.clear()
            super().__init__(*args, **values)
            return
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
    """How far a projection has come, and who may move it: who took its lease last, in the highest ``epoch``.

    One row for its live tables (``schema`` empty), or one for each part of them; more for tables that are being built,
    and for the old ones that are kept for a while.
    """

    name = models.TextField(primary_key=True)
    projection = models.TextField(db_index=True, db_default="")
    schema = models.TextField(db_default="", help_text="Where its tables are; empty: where all the others are.")
    low = models.SmallIntegerField(db_default=0, help_text="The first of the part's last bytes of ids.")
    high = models.SmallIntegerField(db_default=256, help_text="The first that is no more of it.")
    version = models.IntegerField(db_default=1, help_text="Of the projection that built the rows.")
    code = models.TextField(db_default="", help_text="Digest of the code that is building the rows.")
    position = models.BigIntegerField(db_default=0, help_text="Of the last event of the log that it has seen.")
    epoch = models.BigIntegerField(db_default=0, help_text="How often its lease was taken.")
    leased_until = models.DateTimeField(null=True, help_text="None: free.")
    holder = models.TextField(db_default="", help_text="Host and process that took the lease last.")
    backend = models.IntegerField(null=True, help_text="The holder's process on the database server.")
    error = models.TextField(db_default="", help_text="What keeps it from going on.")
    error_position = models.BigIntegerField(null=True, help_text="Of the event that it cannot apply.")
    error_since = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True, help_text="Since when nobody moves it.")
    paused_by = models.TextField(db_default="")
    pause_reason = models.TextField(db_default="")
    begun_at = models.DateTimeField(null=True, help_text="Since when its tables are being filled from the log.")
    begun_position = models.BigIntegerField(db_default=0, help_text="Where that began.")
    goal = models.BigIntegerField(null=True, help_text="Of one that was emptied: where the log ended then.")
    refused_version = models.IntegerField(null=True, help_text="Not to be built again unless somebody asks.")
    refused_why = models.TextField(db_default="")
    differing = models.BigIntegerField(db_default=0, help_text="Rows that were not what the log makes, when last seen.")
    compared_at = models.DateTimeField(null=True, help_text="When that was.")
    updated_at = models.DateTimeField(db_default=Now(), help_text="When its position was last written.")

    class Meta:
        verbose_name = "projection"  # to people: each has one

    def __str__(self) -> str:
        return f"{self.name} at {self.position}"


class Parked(models.Model):
    """An event that a projection has not applied: it failed, or an earlier one of its stream did.

    parked → applied (the row is gone), or → skipped (it stays, as the trace of who skipped it and why).
    """

    projection = models.TextField()
    position = models.BigIntegerField()
    stream_id = models.UUIDField()
    name = models.TextField(help_text="Of the event.")
    error = models.TextField(db_default="", help_text="Empty: it waits for an earlier one of its stream.")
    parked_at = models.DateTimeField(db_default=Now())
    tries = models.IntegerField(db_default=0, help_text="How often it was tried again.")
    skipped_at = models.DateTimeField(null=True)
    skipped_by = models.TextField(db_default="")
    skip_reason = models.TextField(db_default="")

    class Meta:
        verbose_name = "parked event"
        constraints = [models.UniqueConstraint(fields=["projection", "position"], name="projections_parked_once")]
        indexes = [models.Index(fields=["projection", "stream_id"], name="projections_parked_stream")]

    def __str__(self) -> str:
        return f"{self.name} at position {self.position}, parked by {self.projection}"


class Errand(models.Model):
    """Something long that somebody asked of the workers: asked → begun → ended.

    The last of each ``kind`` is kept, with what came of it: counts, columns and keys, but no values, which may be
    personal.
    """

    projection = models.TextField()
    kind = models.TextField(help_text="rebuild, verify, dry_run or replay.")
    options = models.JSONField(default=dict)
    asked_at = models.DateTimeField(db_default=Now())
    asked_by = models.TextField()
    begun_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    refused = models.TextField(db_default="", help_text="Why it was not done.")
    found = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["projection", "kind"], name="projections_errand_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.projection}, asked by {self.asked_by}"


class Complaint(models.Model):
    """What is wrong with a projection, and was logged: it is not logged again, until it was mended or has changed."""

    projection = models.TextField()
    kind = models.TextField(help_text="Of the alert.")
    text = models.TextField()
    said_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["projection", "kind"], name="projections_complaint_once")]

    def __str__(self) -> str:
        return self.text


class HistoryEpoch(models.Model):
    """A stretch of the log within which a table's history is read; see ``history``."""

    table = models.TextField()
    schema = models.TextField(db_default="")
    start = models.BigIntegerField(help_text="The position after which it begins.")
    rows = models.BigIntegerField(help_text="In the live table when it began.")
    changes = models.BigIntegerField(db_default=0, help_text="Versions of rows that ended in it.")
    touched = models.BigIntegerField(db_default=0, help_text="Rows of before that changed in it.")
    since = models.BigIntegerField(db_default=0, help_text="Before this position its versions were pruned.")
    marks = models.JSONField(db_default=[], help_text="Positions, and the latest that the rows' times said up to each.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["table", "schema", "start"], name="projections_epoch_once")]

    def __str__(self) -> str:
        return f"{self.table} after {self.start}"
