"""How fast it goes, and how long it takes, from what has been told so far."""

import pytest

from projections import progress


def test_of_those_that_one_pass_has_fed_no_rate_is_told_that_none_of_them_has(monkeypatch):
    clock = iter((0.0, 1.0, 1.0001, 2.0, 2.0001))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    pace = progress.Pace()

    told = [pace.note(name, at, 5_000, 1_000) for at in (1_000, 2_000) for name in ("Loans", "Books")]

    assert told[0] == (1_000, 4.0)
    assert told[1] == (0, 0.0), "not known yet"
    assert told[2] == (1_000, 3.0)
    assert told[3] == pytest.approx((1_000, 3.0))
