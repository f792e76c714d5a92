"""The rules of the house hold, and each is seen to fail when it is broken."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("eventstore", "projections", "shop", "local")


def lint_imports(root):
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, env={"PATH": "", "PYTHONPATH": str(root)})
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.fixture
def house(tmp_path):
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("module", "bad_import", "contract"),
    [
        ("eventstore/log.py", "import projections.engine", "Imports point down BROKEN"),
        ("projections/engine.py", "import shop.values", "The local supervisor and the engines stand alone BROKEN"),
        ("shop/catalog/models.py", "import shop.ordering.models", "Imports point down BROKEN"),
        ("shop/catalog/domain.py", "import shop.catalog.commands", "commands ask the domain BROKEN"),
        ("shop/ordering/models.py", "import shop.ordering.domain", "neither commands nor the domain BROKEN"),
        ("shop/books/money.py", "import shop.payments.domain", "The books share no code with what they check BROKEN"),
        ("shop/ordering/domain.py", "import django.db", "The domain knows no framework BROKEN"),
    ],
)
def test_a_rule_that_is_broken_is_named(house, module, bad_import, contract):
    source = house / module
    source.write_text(f"{source.read_text()}\n\ndef broken():\n    {bad_import}\n")

    status, told = lint_imports(house)

    assert status == 1
    assert contract in told


def test_no_rule_is_broken(house):
    assert lint_imports(house)[0] == 0


def test_what_can_be_set_in_the_example_reaches_the_containers():
    names = re.findall(r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    compose = (ROOT / "docker-compose.yml").read_text()

    assert len(names) > 20
    assert [name for name in names if f"${{{name}:" not in compose] == []


def test_a_domain_is_imported_without_django():
    domains = ", ".join(f"shop.{context}.domain" for context in ("customers", "catalog", "ordering"))
    code = f"import sys, {domains}; print('django.db' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
