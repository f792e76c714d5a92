"""Changes of many prices as people look at them: how far each is, and what became of each line."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.db import models

from projections.models import ReadModel
from projections.projection import Projection, on
from shop.catalog.repricing.shapes import Done


class RepricingSummary(ReadModel):
    """One row per import, change in the grid, or undo: running → finished | stopped."""

    id = models.UUIDField(primary_key=True)
    kind = models.CharField(max_length=10, db_index=True, help_text="import, grid, undo or api")
    title = models.CharField(max_length=200)
    reason = models.TextField()
    actor = models.CharField(max_length=150)
    correlation_id = models.UUIDField(help_text="Of all that it does: what is undone by.")
    undoes = models.UUIDField(null=True, db_index=True, help_text="The correlation id of what it sets back.")
    status = models.CharField(max_length=10, db_index=True)
    lines = models.IntegerField(help_text="To change.")
    changed = models.IntegerField(default=0)
    unchanged = models.IntegerField(default=0, help_text="That had the price already.")
    conflicts = models.IntegerField(default=0, help_text="Left alone: somebody else had changed them meanwhile.")
    refused = models.IntegerField(default=0)
    planned_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "change of many prices"
        verbose_name_plural = "changes of many prices"
        indexes = [models.Index(fields=["planned_at", "id"], name="catalog_planned_at")]

    def __str__(self) -> str:
        return self.title

    @property
    def done(self) -> int:
        return self.changed + self.unchanged + self.conflicts + self.refused

    @property
    def left(self) -> int:
        return self.lines - self.done

    @property
    def percent(self) -> int:
        return 100 * self.done // self.lines


class Repricings(Projection):
    tables = (RepricingSummary,)
    keeps_history = True

    @on("Repricing.Planned")
    def planned(
        self,
        stream_id: UUID,
        kind: str,
        title: str,
        changes: list[dict[str, Any]],
        by: str,
        why: str,
        correlation_id: UUID,
        undoes: UUID | None,
        at: datetime,
    ) -> RepricingSummary:
        return RepricingSummary(
            id=stream_id,
            kind=kind,
            title=title,
            reason=why,
            actor=by,
            correlation_id=correlation_id,
            undoes=undoes,
            status="running",
            lines=len(changes),
            planned_at=at,
        )

    @on("Repricing.Advanced")
    def advanced(self, repricing: RepricingSummary, outcomes: list[Done]) -> None:
        for each in outcomes:
            counter = "conflicts" if each.result == "conflict" else each.result
            setattr(repricing, counter, getattr(repricing, counter) + 1)

    @on("Repricing.Finished")
    def finished(self, repricing: RepricingSummary, at: datetime) -> None:
        repricing.status, repricing.ended_at = "finished", at

    @on("Repricing.Stopped")
    def stopped(self, repricing: RepricingSummary, at: datetime) -> None:
        repricing.status, repricing.ended_at = "stopped", at


class RepricedLine(ReadModel):
    """One row per change that was carried out, or was not, and why."""

    id = models.UUIDField(primary_key=True)
    repricing_id = models.UUIDField()
    number = models.IntegerField()
    sku = models.CharField(max_length=64)
    before = models.CharField(max_length=40, default="", help_text="In force when it was decided on.")
    after = models.CharField(max_length=40, default="")
    starts = models.DateTimeField(null=True, help_text="Of a price that begins later.")
    result = models.CharField(max_length=10, help_text="changed, unchanged, conflict or refused")
    detail = models.TextField(default="")

    class Meta:
        indexes = [
            models.Index(fields=["repricing_id", "number"], name="catalog_line_of_repricing"),
            models.Index(fields=["repricing_id", "result", "number"], name="catalog_result_of_repricing"),
        ]


class RepricedLines(Projection):
    tables = (RepricedLine,)

    @on("Repricing.Advanced")
    def advanced(self, stream_id: UUID, outcomes: list[Done]) -> list[RepricedLine]:
        return [
            RepricedLine(
                id=uuid5(stream_id, str(each.number)),
                repricing_id=stream_id,
                number=each.number,
                sku=each.change.sku,
                before=str(each.change.before or ""),
                after=str(each.change.after or ""),
                starts=next((period.starts for period in each.change.schedules), None),
                result=each.result,
                detail=each.detail,
            )
            for each in outcomes
        ]
