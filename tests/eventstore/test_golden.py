"""Every stored name, in every shape it ever had, is read for ever; and docs/events.md says so."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from django.conf import settings

from eventstore.evolution import aliases, retired_names
from eventstore.mapper import TypedMapper
from eventstore.names import known
from eventstore.persistence import rows
from tests import golden

ROOT = Path(__file__).parents[2]
PERSON, LINES = golden.read()


@pytest.mark.django_db
@pytest.mark.parametrize("line", LINES, ids=[f"{line.name} {line.shape}" for line in LINES])
def test_what_was_stored_is_read_as_it_is_to_be_read(line: golden.Line) -> None:
    rows(
        "insert into eventstore_personal_key (subject_id, wrapped, wrapped_by) values (%s, %b, %s) returning 1",
        *(PERSON.subject_id, PERSON.wrapped, PERSON.wrapped_by),
    )

    (event,) = TypedMapper(None).to_domain_events([line.recorded()])  # type: ignore[arg-type]

    read, stored = msgspec.json.decode(golden.facts(event)), msgspec.json.decode(line.facts)
    assert {field: read[field] for field in stored} == stored
    assert not any(read[field] for field in read.keys() - stored.keys()), "added since: nothing is made up for it"


def test_the_corpus_has_every_name_in_every_shape() -> None:
    have = {(line.name, line.shape) for line in LINES}

    assert golden.expected() <= have, "add examples: python -m tests.golden"


def test_a_name_that_is_in_the_corpus_is_read_for_ever() -> None:
    vanished = {line.name for line in LINES} - known() - aliases.keys() - retired_names

    assert not vanished, "each lies in somebody's log: say of it `formerly` or `retired`"
    assert len({(line.name, line.shape) for line in LINES}) == len(LINES)


def test_the_page_of_events_is_up_to_date() -> None:
    of_the_shop = {"DJANGO_SETTINGS_MODULE": "shop.settings", "EVENTSTORE_KEYS": ",".join(settings.EVENTSTORE_KEYS)}
    told = subprocess.run(
        [sys.executable, "manage.py", "events", "docs"],
        cwd=ROOT,
        env=os.environ | of_the_shop,
        capture_output=True,
        text=True,
    )

    assert told.returncode == 0, told.stderr
    assert told.stdout.strip() == (ROOT / "docs" / "events.md").read_text().strip(), "run: python -m tests.golden"
