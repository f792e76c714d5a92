"""A broker of a test's own, that it may stop."""

import os
from pathlib import Path

import pytest

from local.place import Place
from local.servers import Valkey


@pytest.fixture
def broker(tmp_path):
    tmp_path.chmod(0o755)
    for above in list(tmp_path.parents)[:3]:
        if above.stat().st_uid == os.getuid() and above != Path("/tmp"):
            above.chmod(0o755)  # nobody, who runs the server when we are root, passes through
    broker = Valkey(Place.of(tmp_path / "valkey"))
    broker.start()
    yield broker
    broker.end()
