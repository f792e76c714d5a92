"""What was asked of the workers, and what came of it, as it is told in a list, on a page and over HTTP."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from projections.models import Errand

NOT_COMPARED = "not compared, for it was empty or could not go on"  # of a rebuild


class Told(NamedTuple):
    """An errand; or the same, done at once by somebody at a terminal."""

    kind: str  # rebuild, verify, dry_run or replay
    asked_at: datetime
    asked_by: str
    options: dict[str, Any]
    begun_at: datetime | None
    ended_at: datetime | None  # None: it waits, or is being done
    refused: str  # why it was not done
    rows: int  # compared, or emptied
    differing: int  # of them, and not healed
    healed: int
    tables: list[dict[str, Any]]  # that were compared: rows, differing rows, their columns, some of their keys
    said: str  # the same in a line

    @property
    def word(self) -> str:
        return {"verify": "verification", "dry_run": "dry run"}.get(self.kind, self.kind)


def told(names: Iterable[str]) -> dict[str, list[Told]]:
    """Of each projection what was asked last, the newest first."""
    found: dict[str, list[Told]] = {}
    for errand in Errand.objects.filter(projection__in=list(names)).order_by("-asked_at"):
        found.setdefault(errand.projection, []).append(_told(errand))
    return found


def _told(errand: Errand) -> Told:
    tables = errand.found.get("tables", [])
    rows = errand.found.get("rows", sum(each["rows"] for each in tables))
    differing, healed = sum(each["differing"] for each in tables), errand.found.get("healed", 0)
    return Told(
        errand.kind,
        errand.asked_at,
        errand.asked_by,
        errand.options,
        errand.begun_at,
        errand.ended_at,
        errand.refused,
        rows,
        differing - healed,
        healed,
        tables,
        _said(errand, tables, rows, differing, healed),
    )


def _said(errand: Errand, tables: Sequence[dict[str, Any]], rows: int, differing: int, healed: int) -> str:
    if errand.ended_at is None:
        return "It is being done." if errand.begun_at else "A worker will begin soon."
    if errand.refused:
        return errand.refused.partition("\n")[0]
    if errand.kind == "replay":
        return f"{rows:,} rows were emptied, and fill again."
    if not tables:
        return f"Swapped in; {NOT_COMPARED}." if errand.kind == "rebuild" else "Done."
    share = errand.options.get("sample", 1.0)
    of = "" if share == 1.0 else f"of {100 * share:g} % of the streams "
    compared = f"{of}{rows:,} rows compared, " + (f"{differing:,} differ" if differing else "all equal")
    if of and not rows:
        compared = f"{of}there is no row: nothing was compared"
    if healed:
        compared += ", and were healed"
    words = {
        "rebuild": "; swapped in",
        "dry_run": f"; a rebuild takes about {errand.found.get('whole_seconds', 0):,.0f} s",
    }
    return compared + words.get(errand.kind, "") + "."
