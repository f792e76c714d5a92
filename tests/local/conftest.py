import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local import place


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the account `nobody` can enter, which pytest's own are not, with a space in its name."""
    path = Path(tempfile.mkdtemp(prefix="day book "))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """No server of the environment, and no trace of ours outside the folder."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setattr(place, "ELSEWHERE", folder / "elsewhere")


def until(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"expected it within {seconds} s"
        time.sleep(0.01)
