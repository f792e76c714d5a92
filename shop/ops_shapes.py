"""What operators send about projections, and what they are shown."""

from rest_framework import serializers

from shop.docs import AN_ID
from shop.forms import Flag, Form, Id, Text, Whole

LAST = 2**63 - 1  # position that a log can have


class ProjectionSerializer(serializers.Serializer):
    example = {
        "name": "Orders",
        "kind": "projection",
        "state": "parked 1",
        "alerts": ["Orders has 1 event parked."],
        "version": 2,
        "built_version": 2,
        "position": 1042,
        "horizon": 1042,
        "behind_events": 0,
        "behind_more": False,
        "behind_seconds": 0.0,
        "holder": "",
        "leased_until": None,
        "error": "",
        "error_position": None,
        "error_since": None,
        "paused_at": None,
        "paused_by": "",
        "pause_reason": "",
        "parked": 1,
        "parked_oldest": 1007,
        "rebuilding": None,
        "rebuild_asked_at": None,
        "rebuild_asked_by": "",
        "refused_version": None,
        "refused_why": "",
        "kept_version": None,
    }

    name = serializers.CharField()
    kind = serializers.CharField(help_text="`projection` or `policy`.")
    state = serializers.CharField(help_text="`live`, `behind`, `paused`, `stopped`, `parked …` or `rebuilding`.")
    alerts = serializers.ListField(child=serializers.CharField(), help_text="What somebody should look at.")
    version = serializers.IntegerField(help_text="Of its code.")
    built_version = serializers.IntegerField(help_text="Of the code that built its rows.")
    position = serializers.IntegerField(help_text="Of the last event that it has seen.")
    horizon = serializers.IntegerField(help_text="Up to where the log may be read.")
    behind_events = serializers.IntegerField(help_text="That it handles, and has not seen.")
    behind_more = serializers.BooleanField(help_text="There may be more than those.")
    behind_seconds = serializers.FloatField(help_text="Since the first of them was recorded.")
    holder = serializers.CharField(help_text="Host and process, while one advances it.")
    leased_until = serializers.DateTimeField(allow_null=True)
    error = serializers.CharField(help_text="What keeps it from going on.")
    error_position = serializers.IntegerField(allow_null=True)
    error_since = serializers.DateTimeField(allow_null=True)
    paused_at = serializers.DateTimeField(allow_null=True)
    paused_by = serializers.CharField()
    pause_reason = serializers.CharField()
    parked = serializers.IntegerField(help_text="Events that it has not applied, and that nobody skipped.")
    parked_oldest = serializers.IntegerField(allow_null=True, help_text="The position of the first of them.")
    rebuilding = serializers.IntegerField(allow_null=True, help_text="The position that a rebuild has come to.")
    rebuild_asked_at = serializers.DateTimeField(allow_null=True)
    rebuild_asked_by = serializers.CharField()
    refused_version = serializers.IntegerField(allow_null=True, help_text="That of a rebuild that was refused.")
    refused_why = serializers.CharField()
    kept_version = serializers.IntegerField(allow_null=True, help_text="Of the tables before the last rebuild.")


class ParkedSerializer(serializers.Serializer):
    example = {
        "projection": "Orders",
        "position": 1007,
        "stream_id": AN_ID,
        "name": "Order.Placed",
        "error": "Orders cannot apply Order.Placed at position 1007: ValueError: no such currency",
        "behind": 2,
        "tries": 1,
        "parked_at": "2026-03-01T12:00:00.123456Z",
        "skipped_at": None,
        "skipped_by": "",
        "skip_reason": "",
    }

    projection = serializers.CharField()
    position = serializers.IntegerField(help_text="In the log.")
    stream_id = serializers.UUIDField()
    name = serializers.CharField(help_text="Of the event.")
    error = serializers.CharField(help_text="Empty: the one before it in its stream was skipped.")
    behind = serializers.IntegerField(help_text="Later events of its stream that wait for it.")
    tries = serializers.IntegerField(help_text="How often it was tried again.")
    parked_at = serializers.DateTimeField()
    skipped_at = serializers.DateTimeField(allow_null=True, help_text="Since when it is left out for good.")
    skipped_by = serializers.CharField()
    skip_reason = serializers.CharField()


class RetriedSerializer(serializers.Serializer):
    example = {"applied": 3, "parked": 0, "rebuild_asked": False, "errors": []}

    applied = serializers.IntegerField(help_text="Events.")
    parked = serializers.IntegerField(help_text="Events of the projection that still are.")
    rebuild_asked = serializers.BooleanField(help_text="Its rows are made of several streams: the workers rebuild it.")
    errors = serializers.ListField(child=serializers.CharField(), help_text="Why the others could not be applied.")


class PauseForm(Form):
    example = {"reason": "prices are being corrected"}

    reason = Text(max_length=500)


class RebuildForm(Form):
    example = {"expect_changes": True}

    expect_changes = Flag(default=False, help_text="Swap even where rows differ.")


class RetryForm(Form):
    example = {"stream_id": AN_ID}

    stream_id = Id(required=False, help_text="This stream only.")


class UnskipForm(Form):
    example = {"position": 1007}

    position = Whole(min_value=1, max_value=LAST)


class SkipForm(UnskipForm):
    example = {"position": 1007, "reason": "a test that went to production"}

    reason = Text(max_length=500)
