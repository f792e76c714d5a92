"""Figures on the screen, as JSON in bench/results, and as the tables of docs/benchmarks.md."""

import importlib.metadata
import json
import os
import platform
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def show(name: str, rows: Iterable[Any], *, keep: bool) -> None:
    """Print each row as it comes; then keep them with the conditions."""
    conditions = measured_on()
    print(f"\n== {name}: {', '.join(f'{what} {how}' for what, how in conditions.items())}", flush=True)
    told = []
    for row in rows:
        told.append(as_dict(row))
        print("\n".join(lines(told[-1])), flush=True)
    if keep:
        found = json.dumps({"conditions": conditions, "rows": told}, indent=1, ensure_ascii=False)
        (RESULTS / f"{name}.json").write_text(found + "\n")


def measured_on() -> dict[str, Any]:
    from bench import common

    def setting(name: str) -> str:
        return str(common.sql(f"show {name}")[0][0])

    return {
        "cores": os.cpu_count(),
        "PostgreSQL": setting("server_version").split()[0],
        "fsync": setting("fsync"),
        "synchronous_commit": setting("synchronous_commit"),
        "Python": platform.python_version(),
        "Django": importlib.metadata.version("django"),
        "psycopg": importlib.metadata.version("psycopg"),
        "eventsourcing": importlib.metadata.version("eventsourcing"),
        "rounds": common.rounds,
        "seconds a round": common.seconds,
    }


def as_dict(row: Any) -> dict[str, Any]:
    from bench.common import middle, ratios

    first, *others = row.sides
    sides = {
        name: {
            "median": significant(middle(s.rate for s in samples)),
            "least": significant(min(s.rate for s in samples)),
            "most": significant(max(s.rate for s in samples)),
            "client µs": significant(middle(s.client for s in samples)),
            "server µs": significant(middle(s.server for s in samples)),
        }
        for name, samples in row.sides.items()
    }
    compared = {}
    for name in others if row.targets else ():
        found, target = ratios(row.sides[first], row.sides[name]), row.targets.get(name)
        compared[name] = {
            "median": round(middle(found) or 0, 2),
            "least": round(min(found), 2),
            "most": round(max(found), 2),
        }
        if target:
            compared[name] |= {"target": round(target, 2), "met": (middle(found) or 0) >= target}
    return {"what": row.what, "unit": row.unit, "sides": sides, "ratios": compared, "notes": row.notes}


def significant(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")


def lines(row: dict[str, Any]) -> Iterator[str]:
    yield f"\n{row['what']}"
    for name, side in row["sides"].items():
        cpu = "".join(f"  {who} {side[f'{who} µs']:,.0f} µs" for who in ("client", "server") if side[f"{who} µs"])
        spread = f"({side['least']:,.0f}–{side['most']:,.0f})"
        yield f"  {name:38} {side['median']:>9,.0f} {row['unit']:9} {spread:22}{cpu}"
    for name, ratio in row["ratios"].items():
        yield f"  ÷ {name:36} {ratio['median']:>9} ({ratio['least']}–{ratio['most']}){verdict(ratio)}"
    for what, value in row["notes"].items():
        yield f"  {what}: {value}"


def verdict(ratio: dict[str, Any]) -> str:
    return f"  target {ratio['target']}: {'met' if ratio['met'] else 'missed'}" if "target" in ratio else ""


def tables(names: Iterable[str]) -> str:
    """The kept figures in Markdown."""
    found = []
    for name in names:
        if (file := RESULTS / f"{name}.json").exists():
            found.append("\n".join(table(name, json.loads(file.read_text())["rows"])))
    return "\n\n".join(found)


def table(name: str, rows: list[dict[str, Any]]) -> Iterator[str]:
    yield f"`python -m bench {name}`\n"
    if not any(row["ratios"] for row in rows):  # growth: a column for each side
        sides = list(rows[0]["sides"])
        yield f"| log | {' | '.join(sides)} |\n|---|{'---|' * len(sides)}"
        for row in rows:
            yield f"| {row['what']} | {' | '.join(number(row['sides'][side]['median']) for side in sides)} |"
        return
    yield "| work | ours | against | ratio (spread) | target | CPU of ours: client, server |\n|---|---|---|---|---|---|"
    for row in rows:
        (first, mine), *_ = row["sides"].items()
        who = "" if first == "ours" else f" {first}"
        cpu = ", ".join(f"{mine[f'{who} µs']:,.0f} µs" for who in ("client", "server") if mine[f"{who} µs"])
        for side, ratio in row["ratios"].items():
            target = f"{ratio['target']}: {'met' if ratio['met'] else 'missed'}" if "target" in ratio else ""
            other = f"{side} {number(row['sides'][side]['median'])}"
            spread = f"{ratio['median']} ({ratio['least']}–{ratio['most']})"
            yield (
                f"| {row['what']}{who and ':' + who} | {number(mine['median'])} {row['unit']} | {other} | {spread} "
                f"| {target} | {cpu} |"
            )


def number(value: float) -> str:
    return f"{value:,.0f}"
