"""What docs/projections.md shows is what happens."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from django.apps import apps
from django.db import connection

from eventstore.history import of
from projections.engine import catch_up
from projections.exact import exact
from projections.lease import begin

DOCS = Path(__file__).parents[2] / "docs"


def shown(page: str) -> list[str]:
    """Its blocks of Python that stand for themselves."""
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    return [code for code in blocks if not code.startswith(("# settings.py", " ", "from django.db import transaction"))]


@pytest.fixture
def garden(monkeypatch, made_up, db):
    """The module in which both pages' code has run."""
    module = ModuleType("tests.lending.shown")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    known = dict(apps.all_models["lending"])
    write_side = [code for code in shown("eventstore.md") if "class Plant" in code or "def water(" in code][:2]
    for code in (*write_side, *shown("projections.md")):  # a stored name is for one class, and that page has run, too
        exec(compile(code.replace("Plant", "Shrub"), "docs", "exec"), vars(module))
    with connection.schema_editor() as editor:
        editor.create_model(module.Bed)
        editor.create_model(module.WateredOn)
    yield module
    for name in apps.all_models["lending"].keys() - known.keys():
        del apps.all_models["lending"][name]
    apps.clear_cache()


def test_what_is_shown_runs(garden):
    begin(garden.Refill())
    fern = garden.pot("Fern").id
    garden.water(fern, litres=200)

    catch_up([garden.Refill()])
    catch_up([garden.Beds(), garden.Watering()])

    assert list(garden.Bed.objects.values_list("name", "litres")) == [("Fern", 201)]
    assert list(garden.WateredOn.objects.values_list("litres", flat=True)) == [201]
    assert exact(garden.Bed, [fern])[fern].litres == 201
    _, watered, refilled = of(fern)
    assert refilled.causation_id == watered.event_id


def test_the_first_projection_has_ten_lines():
    first = next(code for code in shown("projections.md") if "class Beds" in code)
    projection = first[first.index("class Beds") :]

    assert len([line for line in projection.splitlines() if line]) <= 10
