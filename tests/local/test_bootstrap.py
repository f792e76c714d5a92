"""The way from a bare Python to the dependencies."""

import subprocess
import sys

import pytest

from local import bootstrap
from local.environment import ROOT


def test_an_old_python_is_named():
    script = "import sys; sys.version_info = (3, 10, 4); import local"

    old = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)

    assert old.stderr == f"Daybook needs Python 3.11 or newer; {sys.executable} is 3.10.\n"
    assert old.returncode == 1


def test_a_folder_is_made_once_all_of_it_came_from_the_file_as_it_is(folder):
    program, source = folder / "bin" / "python", folder / "requirements.txt"
    program.parent.mkdir()
    program.touch()
    source.write_text("django==5.2.0")

    assert not bootstrap._is_made(program, source)
    bootstrap._stamp(program, source)
    assert bootstrap._is_made(program, source)
    source.write_text("django==5.2.1")
    assert not bootstrap._is_made(program, source)


@pytest.fixture
def pip_conf(folder, monkeypatch):
    for name in ("UV_DEFAULT_INDEX", "SSL_CERT_FILE", "PIP_INDEX_URL", "PIP_CERT"):
        monkeypatch.delenv(name, raising=False)
    path = folder / "pip.conf"
    path.write_text("[global]\nindex-url = https://packages.example/simple\ncert = /etc/example.pem\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(path))


@pytest.mark.usefixtures("pip_conf")
def test_uv_is_told_the_index_and_the_certificates_of_pip():
    told = bootstrap._environment()

    assert told["UV_DEFAULT_INDEX"] == "https://packages.example/simple"
    assert told["SSL_CERT_FILE"] == "/etc/example.pem"


@pytest.mark.usefixtures("pip_conf")
def test_the_environment_wins_over_the_configuration_of_pip(monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "https://pip.example/simple")
    assert bootstrap._environment()["UV_DEFAULT_INDEX"] == "https://pip.example/simple"

    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://uv.example/simple")
    assert bootstrap._environment()["UV_DEFAULT_INDEX"] == "https://uv.example/simple"
