"""The log's tables, to look at from Python: ``sql/tables.sql`` makes them, ``sql/append.sql`` writes them."""

from typing import Any, NoReturn

from django.db import models


class AppendOnly(TypeError):
    """Somebody tried to write the log with Django's ORM."""

    def __init__(self) -> None:
        super().__init__("The log is written by its append function only: decide on an aggregate, and record it.")


class ReadOnlyQuerySet(models.QuerySet["ReadOnly"]):
    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise AppendOnly

    create = bulk_create = update = bulk_update = delete = update_or_create = get_or_create = _refuse  # type: ignore[assignment]


class ReadOnly(models.Model):
    objects = models.Manager.from_queryset(ReadOnlyQuerySet)()

    class Meta:
        abstract = True

    def save(self, *_: Any, **__: Any) -> NoReturn:
        raise AppendOnly

    def delete(self, *_: Any, **__: Any) -> NoReturn:
        raise AppendOnly


class Event(ReadOnly):
    """One thing that happened, as it was recorded."""

    position = models.BigIntegerField(primary_key=True, help_text="In the log. Has gaps; never goes backwards.")
    stream_id = models.UUIDField()
    version = models.BigIntegerField(help_text="In the stream; 1 is its first event.")
    name = models.TextField()
    data = models.BinaryField(help_text="The facts, in UTF-8 JSON.")
    event_id = models.UUIDField()
    command_id = models.UUIDField(null=True)
    correlation_id = models.UUIDField(null=True)
    causation_id = models.UUIDField(null=True)
    actor = models.TextField(null=True)
    reason = models.TextField(null=True)
    recorded_at = models.DateTimeField(help_text="When we learned it.")
    effective_at = models.DateTimeField(help_text="When it was true.")

    class Meta:
        managed = False
        db_table = "eventstore_event"
        ordering = ("-position",)

    def __str__(self) -> str:
        return f"{self.name}, version {self.version} of {self.stream_id}"


class Command(ReadOnly):
    """A command that was carried out, and its receipt: asked again under the same id, it is not done again."""

    command_id = models.UUIDField(primary_key=True)
    name = models.TextField()
    digest = models.BinaryField(help_text="Of its arguments.")
    stream_id = models.UUIDField()
    version = models.BigIntegerField(help_text="Of the aggregate, afterwards.")
    position = models.BigIntegerField(null=True, help_text="Of its last event; none when nothing changed.")
    recorded_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "eventstore_command"

    def __str__(self) -> str:
        return f"{self.name} {self.command_id}"


class Snapshot(ReadOnly):
    """What an aggregate's events had come to: never needed, only quicker."""

    pk = models.CompositePrimaryKey("stream_id", "version")
    stream_id = models.UUIDField()
    version = models.BigIntegerField()
    name = models.TextField()
    data = models.BinaryField()
    code = models.TextField(help_text="Of the code that took it.")
    effective_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "eventstore_snapshot"


class PersonalKey(ReadOnly):
    """The key that a person's facts are sealed with, or the sign that it was destroyed."""

    subject_id = models.UUIDField(primary_key=True)
    wrapped_by = models.TextField(null=True, help_text="Which of EVENTSTORE_KEYS.")
    forgotten_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "eventstore_personal_key"


class Tracking(ReadOnly):
    """How far an application of the library has read."""

    application_name = models.TextField(primary_key=True)
    notification_id = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "eventstore_tracking"
