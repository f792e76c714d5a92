"""Which test sends which bad input. Each number is one kind of it; what it must be answered stands behind.

Body: test_bad_writes.test_nothing_bad_is_recorded, over every operation that writes (its BODIES and WRONG):
B01 empty (what needs fields) · B02 truncated · B03 no object · B04 a key twice · B05 NaN, Infinity · B06 1e400 ·
    B07 10,000 deep ·
B08 10 MB 413 · B09 text, XML, forms 415 · B10 UTF-16, no UTF-8 · B11 a BOM 400 · B12 gzip 415 ·
    B14 10,000 form fields 415 ·
B15 unknown field · B16 the server's own fields · B17 5,000 digits · B18 half a surrogate pair · B19 NUL
B13 a body that ended early: test_bad_writes.test_a_body_that_ended_early_is_refused_even_if_it_could_be_read,
    chunks 411: BODIES; no HTTP at all: test_before_django.test_what_is_no_http_is_a_problem

Values: the `cases` of tests/api/writes.py, by the same test:
B20 0 · B21 -1 · B22 1.5 · B23 "2" · B24 true · B25 2^31, 2^63 · B26 more than a total may be 409 ·
    B28 a SKU twice 400 · B29 no line ·
B30 unknown SKU · B31 not on sale · B33 currencies ·
    B34 a stale price: test_writes.test_a_stale_price_is_refused_with_the_one_in_force
B27 too many lines: test_too_many_lines_are_refused
B32 out of stock: test_races_over_http.test_of_what_many_want_at_once_exactly_what_is_there_is_sold
B35 coupons: there are none
B36 country ZZ · B37 e-mails · B38 phones: there are none · B39 postcodes · B40 controls, RTL overrides,
    zero width · B46 dates · B47 UUIDs
B41 emoji · B42 markup · B43 formulas · B44 quotes 201: test_bad_writes.test_a_name_is_text_whatever_it_looks_like
B45 card numbers 422: test_vault.test_a_card_number_in_any_text_is_refused

Addresses and headers:
B48 · B47 ids that are none: test_bad_writes.test_nothing_is_recorded_of_what_is_not_there,
    test_bad_reads.test_what_is_not_there_is_not_found
B49-B55 parameters, cursors: test_bad_reads.test_a_parameter_that_cannot_be_used_is_named,
    test_bad_reads.test_a_cursor_goes_with_its_list_and_its_order
B56 hosts: test_problems.test_a_strange_host_is_a_problem
B57 a header of 9 KB: test_before_django.test_what_is_no_http_is_a_problem; 200 headers: the same
B58 method override: test_problems.test_a_header_does_not_change_the_method
B59 methods: test_problems.test_what_cannot_be_done_is_a_problem
B60 X-Forwarded-For: test_throttling.test_no_header_makes_somebody_of_a_caller_else
B61 Accept: BODIES, test_problems.test_no_operation_answers_in_a_media_type_that_it_has_not
B62 If-Match: test_if_match.test_what_is_no_etag_is_said_to_be_none; Range: test_a_range_is_not_looked_at

Who asks, and how often:
B63 · B66 roles: test_roles.test_who_is_not_signed_in_gets_nowhere,
    test_roles.test_a_role_may_do_what_the_table_says_and_no_more
B64 tokens: test_signing_in.test_a_token_that_is_none_is_refused
B65 others' orders 404: test_roles.test_a_customer_does_not_find_what_is_somebody_elses
B67 CSRF: test_signing_in.test_a_session_signs_in_too_but_writes_only_with_its_csrf_token
B68 keys: test_bad_writes.test_a_bad_idempotency_key_is_refused,
    test_stock.test_what_moves_stock_needs_a_key_and_happens_once_under_it
B69 other body 422: test_writes.test_the_same_key_does_the_same_once
B70 in flight, the same answer for all: test_writes.test_the_same_key_many_times_at_once_makes_one_order
B71 throttled: test_throttling.test_who_asks_too_often_is_told_when_to_come_again
B72 guessing: test_signing_in.test_guessing_is_slowed_down_by_name_and_address_and_no_header_helps,
    test_signing_in.test_a_wrong_name_and_a_wrong_password_are_answered_alike

Webhooks and tasks:
B73 signatures: test_payment_webhook.test_a_bad_signature_is_refused
B74 old: test_payment_webhook.test_an_old_signature_is_refused
B75 again: test_payment_webhook.test_the_same_event_again_does_nothing_again
B76 unknown type: test_payment_webhook.test_an_unknown_type_is_left_alone
B77 another amount: test_payment_webhook.test_what_cannot_be_true_is_an_alarm_and_changes_nothing
B78 forged messages: test_forged_messages.test_a_worker_does_nothing_of_what_is_forged_and_lives
"""

import re
from pathlib import Path
from typing import Any

from rest_framework.test import APIClient

from eventstore.models import Event

TESTS = Path(__file__).parents[1]


def test_every_number_has_a_test_that_there_is() -> None:
    told = __doc__ or ""
    numbers = {int(number) for number in re.findall(r"\bB(\d\d)\b", told)} | set(range(49, 56))
    named = set(re.findall(r"(?:(test_\w+)\.)?(test_\w+)", told))

    assert numbers == set(range(1, 79))
    for module, test in named:
        paths = TESTS.rglob(f"{module}.py") if module else [Path(__file__)]
        assert any(f"def {test}(" in path.read_text() or path.stem == test for path in paths), f"{module}.{test}"


def test_too_many_lines_are_refused(api: APIClient, mug: Any) -> None:
    before = Event.objects.count()
    lines = [{"sku": f"S{n}", "quantity": 1} for n in range(1001)]

    few_too_many = api.post("/api/v1/orders/", {"lines": lines}, HTTP_IDEMPOTENCY_KEY="few")
    many_too_many = api.post("/api/v1/orders/", {"lines": lines * 100}, HTTP_IDEMPOTENCY_KEY="many")

    assert (few_too_many.status_code, few_too_many.json()["errors"][0]["pointer"]) == (400, "/lines")
    assert (many_too_many.status_code, many_too_many.json()["code"]) == (413, "too_large")
    assert Event.objects.count() == before


def test_a_range_is_not_looked_at(api: APIClient, mug: Any) -> None:
    for wrong in ("bytes=0-1", "bytes=9-1", "lines=\x7f", "x" * 1000):
        answer = api.get("/api/v1/products/", headers={"Range": wrong})
        assert (answer.status_code, set(answer.json())) == (200, {"next", "previous", "results"})
