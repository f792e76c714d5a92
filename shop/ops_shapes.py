"""What operators send about projections, and what they are shown."""

from typing import Any

from rest_framework import serializers

from shop.docs import AN_ID
from shop.forms import Flag, Form, Id, Text, Whole

LAST = 2**63 - 1  # position that a log can have


class ProgressSerializer(serializers.Serializer):
    """Of a rebuild, of a comparison, of tables that were emptied."""

    example = {
        "doing": "rebuild",
        "position": 52_100,
        "end": 104_200,
        "percent": 50,
        "per_second": 61_250.4,
        "seconds_left": 0.9,
        "holder": "shop-1 4711",
        "waits_for": "",
    }

    doing = serializers.CharField(help_text="`rebuild` or `verify`: beside the live tables; `replay`: the live tables.")
    position = serializers.IntegerField(help_text="That all of it has come to.")
    end = serializers.IntegerField(help_text="After it, there are only indexes to be made, and tables to be compared.")
    percent = serializers.IntegerField()
    per_second = serializers.FloatField(allow_null=True, help_text="Positions. Null: not known yet.")
    seconds_left = serializers.FloatField(allow_null=True)
    holder = serializers.CharField(help_text="Host and process that are at it; empty between two steps.")
    waits_for = serializers.CharField(help_text="Whose transaction has the live tables: a swap waits for its end.")


class ComparedSerializer(serializers.Serializer):
    example = {
        "table": "ordering_ordersummary",
        "rows": 8003,
        "differing": 2,
        "unexpected": 2,
        "missing": 1,
        "surplus": 0,
        "columns": {"status": 1},
        "keys": [AN_ID],
    }

    table = serializers.CharField()
    rows = serializers.IntegerField(help_text="In the live table.")
    differing = serializers.IntegerField()
    unexpected = serializers.IntegerField(help_text="That the code does not declare as changes.")
    missing = serializers.IntegerField(help_text="In the live table.")
    surplus = serializers.IntegerField(help_text="In the live table.")
    columns = serializers.DictField(child=serializers.IntegerField(), help_text="That differ, in how many rows.")
    keys = serializers.ListField(child=serializers.CharField(), help_text="Of some rows that differ.")


class ErrandSerializer(serializers.Serializer):
    """What was asked of the workers, and what came of it."""

    example = {
        "kind": "verify",
        "asked_at": "2026-03-01T12:00:00.123456Z",
        "asked_by": "grace",
        "options": {"sample": 1.0, "heal": False},
        "begun_at": "2026-03-01T12:00:01.123456Z",
        "ended_at": "2026-03-01T12:00:09.123456Z",
        "refused": "",
        "rows": 8003,
        "differing": 2,
        "healed": 0,
        "tables": [ComparedSerializer.example],
        "said": "8,003 rows compared, 2 differ.",
    }

    kind = serializers.CharField(help_text="`rebuild`, `dry_run`, `verify` or `replay`.")
    asked_at = serializers.DateTimeField()
    asked_by = serializers.CharField()
    options = serializers.DictField()
    begun_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True, help_text="Null: it waits, or is being done.")
    refused = serializers.CharField(help_text="Why it was not done.")
    rows = serializers.IntegerField(help_text="Compared; of a replay: emptied.")
    differing = serializers.IntegerField(help_text="And not healed.")
    healed = serializers.IntegerField()
    tables = ComparedSerializer(many=True)
    said = serializers.CharField(help_text="The same in a line.")


class ProjectionSerializer(serializers.Serializer):
    example = {
        "name": "Orders",
        "context": "ordering",
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
        "progress": None,
        "errands": [ErrandSerializer.example],
        "rebuild_asked_at": None,
        "rebuild_asked_by": "",
        "refused_version": None,
        "refused_why": "",
        "differing": 0,
        "kept_version": None,
        "kept_differing": 0,
    }

    name = serializers.CharField()
    context = serializers.CharField(help_text="That it belongs to.")
    kind = serializers.CharField(help_text="`projection` or `policy`.")
    state = serializers.CharField(
        help_text="`live`, `behind`, `paused`, `stopped`, `parked …`, `rebuilding`, `verifying`, `replaying`."
    )
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
    progress = ProgressSerializer(allow_null=True, help_text="Of a rebuild, a comparison or a replay.")
    errands = ErrandSerializer(many=True, help_text="What was asked of the workers last, of each kind; newest first.")
    rebuild_asked_at = serializers.DateTimeField(allow_null=True)
    rebuild_asked_by = serializers.CharField()
    refused_version = serializers.IntegerField(allow_null=True, help_text="That of a rebuild that was refused.")
    refused_why = serializers.CharField()
    differing = serializers.IntegerField(help_text="Rows that were found to differ from what the log makes.")
    kept_version = serializers.IntegerField(allow_null=True, help_text="Of the tables before the last rebuild.")
    kept_differing = serializers.IntegerField(help_text="Rows of these that were found to differ, when they were live.")


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

    expect_changes = Flag(default=False, help_text="Swap also where rows differ; `errands` tells which.")


class BackForm(Form):
    example = {"even_so": False}

    even_so = Flag(default=False, help_text="Also to rows that were found to differ from what the log makes.")


class Share(serializers.FloatField):
    """A JSON number: more than 0, and at most 1."""

    default_error_messages = {"invalid": "Expected a number of more than 0 and at most 1, such as 0.05."}

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, (int, float)) or not 0 < data <= 1:
            self.fail("invalid")
        return float(data)


class DryRunForm(Form):
    example = {"sample": 0.05}

    sample = Share(default=1.0, help_text="Of the streams: 0.05 is 5 %. The projection must say how it splits.")


class VerifyForm(DryRunForm):
    example = {"sample": 1, "heal": False}

    heal = Flag(default=False, help_text="Put what was built in the place of tables that differ.")


class ReplayForm(Form):
    example = {"sure": True}

    sure = Flag(help_text="`true`: readers may see its tables empty, and fill again.")

    def validate_sure(self, value: bool) -> bool:
        if not value:
            raise serializers.ValidationError("Expected true: its live tables are emptied, and readers see that.")
        return value


class RetryForm(Form):
    example = {"stream_id": AN_ID}

    stream_id = Id(required=False, help_text="This stream only.")


class UnskipForm(Form):
    example = {"position": 1007}

    position = Whole(min_value=1, max_value=LAST)


class SkipForm(UnskipForm):
    example = {"position": 1007, "reason": "a test that went to production"}

    reason = Text(max_length=500)
