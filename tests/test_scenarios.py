"""docs/scenarios.md lists all thirty, and what it names is there: tests, addresses, stops of the tour, commands."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from django.core.management import get_commands
from django.urls import resolve

from projections.doors import all_named
from shop.demo import past_stops, present_stops
from shop.demo.route import ROUTE

ROOT = Path(__file__).parent.parent
TABLE = [
    [cell.strip() for cell in line.split(" | ")]
    for line in (ROOT / "docs/scenarios.md").read_text().splitlines()
    if re.match(r"\| \d", line)
]
ROWS = {int(row[0].strip("| ")): row for row in TABLE}
STOPS = Path(past_stops.__file__).read_text() + Path(present_stops.__file__).read_text()
ANY_ID = "01a1f3c2-0000-7000-8000-000000000000"


@cache
def all_named_so() -> set[tuple[str, str]]:
    """All there are: path and name."""
    return {
        (str(path.relative_to(ROOT)), node.name)
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_scenario_")
    }


def named_for(number: int) -> list[tuple[str, str]]:
    return re.findall(r"`([\w/]+\.py)::(\w+)`", ROWS[number][3])


def test_there_are_thirty_each_once():
    assert [row[0].strip("| ") for row in TABLE] == [f"{number}" for number in range(1, 31)]
    assert {len(row) for row in TABLE} == {5}


@pytest.mark.parametrize("number", range(1, 31))
def test_its_tests_are_there_and_bear_its_number(number):
    named = named_for(number)

    assert named
    assert set(named) <= all_named_so()
    assert all(name.startswith(f"test_scenario_{number:02}_") for _, name in named)


def test_none_is_named_so_and_not_listed():
    assert all_named_so() - {test for number in ROWS for test in named_for(number)} == set()


@pytest.mark.parametrize("number", range(1, 31))
def test_it_can_be_watched_where_the_table_says(number):
    where = ROWS[number][4]
    commands = re.findall(r"\./manage\.py (\w+)", where)
    stops = re.findall(r"tour: (\w+)", where)
    addresses = re.findall(r"`(/[^`?]*)", where)

    assert commands or stops or addresses
    assert set(commands) <= get_commands().keys()
    assert set(stops) <= slugs()
    for address in addresses:
        assert resolve(address.replace("…", ANY_ID)), address


def test_what_is_to_be_paused_resumed_or_rebuilt_on_the_tour_is_there():
    told = STOPS + (ROOT / "docs/scenarios.md").read_text() + (ROOT / "README.md").read_text()

    named = set(re.findall(r"manage\.py projections (?:pause|resume|rebuild) (\w+)", told))

    assert {"ordering", "billing", "Orders", "Products"} <= named
    assert all(all_named(name) for name in named)


def slugs() -> set[str]:
    """Of the stops, as their functions give them."""
    found = set(re.findall(r'return Stop\(\s+"(\w+)"', STOPS))
    assert len(found) == len(ROUTE)
    return found
