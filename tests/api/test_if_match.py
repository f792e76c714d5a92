"""A change that is meant for what was seen: ETag and If-Match."""

import pytest

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(api):
    answer = api.post("/api/v1/customers/", {"name": "Ada", "email": "ada@example.com"}, format="json")
    return f"/api/v1/customers/{answer.json()['id']}/", answer["ETag"]


def rename(api, url, name, **headers):
    return api.post(f"{url}rename/", {"name": name}, format="json", headers=headers)


def test_what_was_not_changed_since_is_changed(api, ada):
    url, seen = ada

    answer = rename(api, url, "Ada Byron", **{"If-Match": seen})

    assert (answer.status_code, answer["ETag"]) == (200, '"2"')


def test_what_was_changed_since_is_not(api, ada):
    url, seen = ada
    rename(api, url, "Ada Byron")

    answer = rename(api, url, "Ada King", **{"If-Match": seen})

    assert (answer.status_code, answer.json()["code"]) == (412, "version_conflict")
    assert (answer.json()["expected"], answer.json()["found"]) == (1, 2)
    assert answer.json()["detail"].startswith("You expect version 1, and it is at version 2.")
    assert rename(api, url, "Ada King", **{"If-Match": "*"}).json()["version"] == 3


def test_the_same_request_again_gets_the_same_answer(api, ada):
    url, seen = ada
    headers = {"If-Match": seen, "Idempotency-Key": "once"}

    assert rename(api, url, "Ada Byron", **headers).json() == rename(api, url, "Ada Byron", **headers).json()


def test_what_is_not_there_yet_matches_nothing(api):
    body = {"name": "Ada", "email": "ada@example.com"}

    answer = api.post("/api/v1/customers/", body, format="json", headers={"If-Match": '"1"'})

    assert answer.status_code == 412
    assert answer.json()["detail"] == "What is not there yet has no version: send no If-Match."


@pytest.mark.parametrize("given", ["3", 'W/"3"', '"3", "4"', '"x"', '"0"', ""])
def test_what_is_no_etag_is_said_to_be_none(api, ada, given):
    answer = rename(api, ada[0], "Ada Byron", **{"If-Match": given})

    assert (answer.status_code, answer.json()["errors"][0]["header"]) == (400, "If-Match")
