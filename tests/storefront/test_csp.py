"""What pages may load, by where they are."""

import pytest
from django.test import Client

STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def policy(path: str) -> dict[str, str]:
    words = Client().get(path)["Content-Security-Policy"].split("; ")
    return {directive: sources for directive, _, sources in (each.partition(" ") for each in words)}


def test_a_page_uses_its_own_files_and_nothing_inline(db: None) -> None:
    assert policy("/healthz") == dict(each.split(" ", 1) for each in STRICT.split("; "))


@pytest.mark.parametrize("path", ["/admin/login/", "/api/v1/docs/"])
def test_only_the_desk_and_the_page_of_the_api_may_have_scripts_inline(path: str, db: None) -> None:
    found = policy(path)

    assert "'unsafe-inline'" in found["script-src"]
    assert (found["default-src"], found["frame-ancestors"], found["base-uri"]) == ("'none'", "'none'", "'none'")
