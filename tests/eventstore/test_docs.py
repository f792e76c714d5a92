"""What docs/eventstore.md shows is what happens."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from eventsourcing.utils import get_topic

from eventstore import evolution, log, mapper

PAGE = (Path(__file__).parents[2] / "docs" / "eventstore.md").read_text()
SHOWN = [code for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if not code.startswith("# settings.py")]


@pytest.fixture
def nothing_renamed(monkeypatch):
    for registry in ("upcasters", "aliases", "retired_names"):
        monkeypatch.setattr(evolution, registry, type(getattr(evolution, registry))(getattr(evolution, registry)))
    yield
    mapper.as_stored.cache_clear()


@pytest.mark.django_db
def test_what_is_shown_runs_from_top_to_bottom(monkeypatch, nothing_renamed):
    module = ModuleType("tests.shown")
    monkeypatch.setitem(sys.modules, module.__name__, module)

    for code in SHOWN:
        exec(compile(code, "docs/eventstore.md", "exec"), vars(module))

    assert [e.name for e in log.after(0)] == ["Plant.Potted", "Plant.Watered", "Gardener.Hired"]
    assert get_topic(module.Hedge.Planted) == "Hedge.Planted"


def test_the_first_aggregate_has_ten_lines():
    first = next(code for code in SHOWN if "class Plant" in code)

    assert len([line for line in first.splitlines() if line]) <= 10
