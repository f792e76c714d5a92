"""Projections and what they have parked, as operators see them in Chromium."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
from django.contrib import admin
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.urls import include, path
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from projections import engine
from projections.admin import ParkedAdmin, ProjectionAdmin
from projections.models import Checkpoint, Errand, Parked
from projections.operations import pause
from projections.projection import known
from projections.rebuild import rebuild
from shop.customers.commands import change_email, register_customer
from shop.customers.models import CustomerSummary
from tests.pages.conftest import sign_in
from tests.projections.conftest import sql


@pytest.fixture
def ada(empty_log: None) -> UUID:
    """A customer whose events are parked: the first failed, the others wait behind it. All else is well."""
    ada = register_customer(name="Ada", email="ada@example.com").id
    with patch.object(CustomerSummary, "__init__", side_effect=ValueError("no such tier: 'gold'")):
        engine.catch_up([known()["Customers"]])
    change_email(ada, email="ada@example.org")
    engine.catch_up()
    return ada


def row_of(page: Page, name: str) -> Locator:
    """The line of the list that is that projection's."""
    return page.locator("#result_list tbody tr").filter(has=page.get_by_role("link", name=name, exact=True))


def test_an_operator_pauses_resumes_and_asks_for_a_rebuild(
    ada: UUID, staff: User, page: Page, shoot: Callable[[str], None]
) -> None:
    page.goto("/admin/")
    sign_in(page)
    page.goto("/admin/projections/checkpoint/")
    expect(row_of(page, "Orders")).to_contain_text("live")
    expect(row_of(page, "Customers")).to_contain_text("parked 2")
    shoot("projections")

    page.get_by_role("link", name="Orders", exact=True).last.click()
    shoot("projection")
    page.get_by_role("link", name="Pause…").click()
    shoot("projection-pause")
    page.get_by_label("Reason").fill("prices are wrong")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Orders is paused. Its tables stay as they are")).to_have_count(2)  # said, and kept
    expect(page.locator(".log")).to_contain_text("by desk: prices are wrong")
    assert Checkpoint.objects.get(name="Orders").pause_reason == "prices are wrong"
    page.get_by_role("link", name="Resume…").click()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("heading", name="Orders: live")).to_be_visible()

    page.get_by_role("link", name="Rebuild…").click()
    page.get_by_label("I expect changes").check()
    page.get_by_role("button", name="Rebuild").click()
    expect(page.locator(".log-note")).to_contain_text("desk asked for a rebuild at ")
    assert Errand.objects.get(projection="Orders").options == {"expect_changes": True}


def test_a_rebuild_shows_how_far_it_is_and_how_long_it_takes(
    ada: UUID, staff: User, page: Page, shoot: Callable[[str], None]
) -> None:
    Checkpoint.objects.create(
        name="Orders/rebuild_Orders", projection="Orders", schema="rebuild_Orders", begun_at=timezone.now()
    )
    page.goto("/admin/projections/checkpoint/Orders/change/")
    sign_in(page)
    expect(page.get_by_role("heading", name="Rebuild: 0 %")).to_be_visible()

    Checkpoint.objects.filter(schema="rebuild_Orders").update(position=1)

    expect(page.locator(".log-building")).to_contain_text("s left", timeout=30_000)  # the page looks again by itself
    shoot("projection-rebuilding")
    Checkpoint.objects.filter(schema="rebuild_Orders").delete()
    expect(page.get_by_role("heading", name="Orders: live")).to_be_visible(timeout=30_000)


def test_an_operator_pauses_several_from_the_list(ada: UUID, staff: User, page: Page) -> None:
    page.goto("/admin/projections/checkpoint/")
    sign_in(page)

    for name in ("Orders", "Products"):
        row_of(page, name).locator(".action-select").check()
    page.locator("select[name=action]").select_option("pause")
    page.get_by_role("button", name="Run").click()
    page.get_by_label("Reason").fill("a stocktaking")
    page.get_by_role("button", name="Pause").click()

    expect(page.get_by_text("Orders is paused.")).to_be_visible()
    expect(page.get_by_text("Products is paused.")).to_be_visible()
    assert set(Checkpoint.objects.exclude(paused_at=None).values_list("projection", flat=True)) == {
        *("Orders", "Products")
    }


def test_an_operator_sees_what_is_parked_skips_it_and_retries_the_rest(
    ada: UUID, staff: User, page: Page, shoot: Callable[[str], None]
) -> None:
    page.goto("/admin/projections/parked/")
    sign_in(page)
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    expect(page.locator("#result_list tbody")).to_contain_text("no such tier: 'gold'")
    shoot("parked")

    page.get_by_role("link", name="Customer.Registered at").click()
    expect(page.locator(".log")).to_contain_text("Customer.EmailChanged")
    shoot("parked-event")
    page.get_by_role("link", name="The event").click()
    expect(page.get_by_role("heading", name="Customer.Registered").first).to_be_visible()
    page.go_back()
    page.get_by_role("link", name="Retry…").click()
    shoot("parked-retry")
    page.get_by_role("button", name="Retry").click()

    expect(page.get_by_text("Customers: 2 events applied, 0 still parked.")).to_be_visible()
    assert CustomerSummary.objects.get(id=ada).email == "ada@example.org"
    assert not Parked.objects.exists()


def test_an_operator_goes_back_to_the_tables_before_a_rebuild(
    ada: UUID, staff: User, page: Page, shoot: Callable[[str], None]
) -> None:
    rebuild(known()["Orders"])
    pause(known()["Products"], by="grace", reason="a stocktaking that takes until Friday")
    page.goto("/admin/projections/checkpoint/Orders/change/")
    sign_in(page)

    page.get_by_role("link", name="Go back…").click()
    page.get_by_role("button", name="Go back").click()

    expect(page.get_by_text("Orders has its old tables again").first).to_be_visible()
    shoot("projection-back")
    page.goto("/admin/projections/checkpoint/")
    shoot("projections-busy")
    sql('DROP SCHEMA "old_Orders" CASCADE')


stock = AdminSite()
stock.register(Checkpoint, ProjectionAdmin)
stock.register(Parked, ParkedAdmin)
urlpatterns = [path("admin/", stock.urls), path("", include("shop.urls"))]


def test_the_pages_are_at_home_in_djangos_own_admin(
    ada: UUID, staff: User, page: Page, shoot: Callable[[str], None], settings: Any
) -> None:
    own = f"{admin.__path__[0]}/templates"
    settings.TEMPLATES = [settings.TEMPLATES[0] | {"DIRS": [own]}]
    settings.ROOT_URLCONF = __name__

    page.goto("/admin/projections/checkpoint/")
    sign_in(page)
    expect(row_of(page, "Customers")).to_contain_text("parked 2")
    shoot("stock-projections")
    page.goto("/admin/projections/checkpoint/Customers/change/")
    shoot("stock-projection")
