"""Whether a snapshot was taken by the code that reads it is seen by the sources of all that the code imports."""

import importlib
import os
import sys
import time
from types import ModuleType

import pytest

from eventstore import snapshots, sources

FILES = {
    "__init__.py": "",
    "domain.py": """
from eventsourcing.domain import event
from eventstore.domain import Aggregate
from eventstore.evolution import upcast
from preserves import rules
from .kinds import Kind


class {jar}(Aggregate):
    grams: int

    @event("Opened")
    def __init__(self) -> None:
        self.grams = 0

    @event("Filled")
    def fill(self, grams: int) -> None:
        self.grams = sum(map(lambda each: each + rules.rounded(grams), [self.grams]))

    def late(self):
        import preserves.late
""",
    "rules.py": "from preserves.limits import MOST\n\n\ndef rounded(grams):\n    return min(grams, MOST)\n",
    "limits.py": "MOST = 10\n",
    "kinds.py": "class Kind:\n    sweet = property(lambda self: True)\n",
    "late.py": "",
    "other.py": "",
}
JARS = (f"Jar{n}" for n in range(1_000))  # a stored name is for ever


@pytest.fixture
def jar(tmp_path, monkeypatch):
    """The name of an aggregate, in a package that was written before it was loaded."""
    name = next(JARS)
    for file, text in FILES.items():
        write(tmp_path, file, text.replace("{jar}", name))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sources, "LOADED", time.time() + 60)
    importlib.import_module("preserves.domain")
    yield name
    for module in [module for module in sys.modules if module.partition(".")[0] == "preserves"]:
        del sys.modules[module]
    forget()


def write(folder, file, text):
    (folder / "preserves").mkdir(exist_ok=True)
    (folder / "preserves" / file).write_text(text)


def forget():
    """As a process that is started anew."""
    for known in (snapshots.fingerprint, sources._source, sources._is_installed):
        known.cache_clear()


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("domain.py", "each +", "each -"),
        ("domain.py", "self.grams = 0", "self.grams = 1"),
        ("domain.py", "", "@upcast('Elsewhere.Filled')\ndef _in_grams(facts):\n    return facts\n"),
        ("rules.py", "min(", "max("),
        ("limits.py", "10", "11"),
        ("kinds.py", "True", "False"),
        ("late.py", "", "SWEET = True\n"),
        ("__init__.py", "", "from preserves import other\n"),
    ],
)
def test_changed_code_has_another_fingerprint_wherever_it_stands(jar, tmp_path, file, old, new):
    before = snapshots.fingerprint(jar)
    text = (tmp_path / "preserves" / file).read_text()

    write(tmp_path, file, text.replace(old, new) if old else text + new)
    forget()

    assert before != snapshots.fingerprint(jar) != ""


def test_what_it_does_not_import_does_not_matter(jar, tmp_path):
    before = snapshots.fingerprint(jar)

    write(tmp_path, "other.py", "SOUR = True\n")
    forget()

    assert snapshots.fingerprint(jar) == before != ""


def test_nor_does_the_process(jar):
    before = snapshots.fingerprint(jar)

    for module in ("preserves.late", "preserves.other"):
        importlib.import_module(module)
    forget()

    assert snapshots.fingerprint(jar) == before


@pytest.mark.parametrize("file", ["domain.py", "limits.py"])
def test_what_was_written_after_it_was_loaded_is_not_trusted(jar, tmp_path, monkeypatch, file):
    monkeypatch.setattr(sources, "LOADED", time.time())
    at = (tmp_path / "preserves" / file).stat().st_ctime
    while (tmp_path / "preserves" / file).stat().st_ctime <= sources.LOADED:
        os.utime(tmp_path / "preserves" / file, (at, at))  # as tar and rsync do: it looks as old as before

    assert snapshots.fingerprint(jar) == ""


def test_without_a_source_nothing_is_known(jar, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "preserves.typed", ModuleType("preserves.typed"))
    (tmp_path / "preserves" / "limits.py").rename(tmp_path / "preserves" / "limits.txt")

    assert snapshots.fingerprint(jar) == ""
    assert sources.fingerprint("preserves.typed") == ""
    assert sources.fingerprint("preserves.gone") == ""
