"""What Prometheus reads: the log, each projection, and what is wrong; for those who may."""

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from prometheus_client.parser import text_string_to_metric_families

from eventstore import log
from projections import metrics
from projections.models import Checkpoint, Parked
from projections.projection import known
from tests.lending.domain import Member
from tests.lending.story import library
from tests.projections.conftest import LOANS, advance

pytestmark = pytest.mark.django_db


@pytest.fixture
def scrape(client, settings):
    """The samples: name and labels → value."""
    settings.METRICS_TOKEN = "sesame"

    def ask() -> dict[tuple[str, ...], float]:
        answer = client.get("/metrics", HTTP_AUTHORIZATION="Bearer sesame")
        assert answer.status_code == 200
        assert answer["Content-Type"].startswith("text/plain; version=")
        return {
            (
                sample.name.removeprefix("daybook_"),
                *(sample.labels[label] for label in ("projection", "kind") if label in sample.labels),
            ): sample.value
            for family in text_string_to_metric_families(answer.content.decode())
            for sample in family.samples
        }

    return ask


def test_the_log_and_each_projection_are_measured(scrape):
    first = library.record(Member("Ada")).position
    advance(LOANS)
    library.record(Member("Grace"))

    found = scrape()

    assert found["log_horizon_position",] == found["log_last_position",] == log.horizon()
    assert found["log_holder_age_seconds",] == 0
    assert {labels[1] for labels in found if labels[0] == "projection_position"} == set(known())
    of_loans = {labels[0]: value for labels, value in found.items() if labels[1:] == ("Loans",)}
    assert 0 <= of_loans.pop("projection_behind_seconds") < 60
    assert of_loans == {
        "projection_position": first,
        "projection_behind_events": 1,
        "projection_stopped": 0,
        "projection_paused": 0,
        "projection_parked_events": 0,
        "projection_rebuilding": 0,
    }


def test_what_is_wrong_is_an_alert(scrape):
    library.record(Member("Ada"))
    advance(LOANS)
    Checkpoint.objects.filter(name="Loans").update(error="it fails", paused_at="2026-01-01T00:00Z")
    Parked.objects.create(projection="Loans", position=1, stream_id="00000000-0000-0000-0000-000000000001", name="X")

    found = scrape()

    assert {labels[1:] for labels in found if labels[0] == "projection_alert"} == {
        ("Loans", "stopped"),
        ("Loans", "parked"),
    }
    assert [found[f"projection_{name}", "Loans"] for name in ("stopped", "paused", "parked_events")] == [1, 1, 1]


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer ", "Bearer open", "Token sesame", "Bearer sesame ", "Bearer é"]
)
def test_another_token_opens_nothing(client, settings, given):
    settings.METRICS_TOKEN = "sesame"

    assert client.get("/metrics", HTTP_AUTHORIZATION=given).status_code == 401


@pytest.mark.parametrize("given", ["Bearer ", "Bearer", "Bearer None"])
def test_no_token_is_no_key(client, given):
    answer = client.get("/metrics", HTTP_AUTHORIZATION=given)

    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize(("is_staff", "status"), [(True, 200), (False, 403)])
def test_without_a_token_staff_look_at_it(client, is_staff, status):
    client.force_login(User.objects.create_user("ada", is_staff=is_staff))

    assert client.get("/metrics").status_code == status


def test_a_database_that_is_away_is_said_so(client, settings, monkeypatch):
    def away() -> bytes:
        raise OperationalError("the connection is gone")

    settings.METRICS_TOKEN = "sesame"
    monkeypatch.setattr(metrics, "written", away)

    answer = client.get("/metrics", HTTP_AUTHORIZATION="Bearer sesame")

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
