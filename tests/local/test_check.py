"""What the tests of ./test run in."""

from local.check import compiled_once
from local.environment import DATA


def test_who_wants_nothing_compiled_beside_the_sources_has_it_kept_with_the_data() -> None:
    assert compiled_once({"PYTHONDONTWRITEBYTECODE": "1"}) == {"PYTHONPYCACHEPREFIX": str(DATA / "compiled")}
    assert compiled_once({}) == {}


def test_a_place_that_was_named_stays() -> None:
    assert compiled_once({"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": "/tmp"}) == {
        "PYTHONPYCACHEPREFIX": "/tmp"
    }
