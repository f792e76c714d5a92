"""A real browser on a real server."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, Response, sync_playwright
from pytest_django.live_server_helper import LiveServer

ARTEFACTS = Path(__file__).parents[2] / "artefacts"
BROWSERS = ("chromium-headless-shell", "/usr/bin/chromium", "chromium")  # without windows it takes half the time
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)
MISSING = (
    f"There is none of {', '.join(BROWSERS)}: pages are tested in Debian's (apt-get install chromium-headless-shell)."
)

LAPTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def staff(transactional_db: None) -> User:
    return User.objects.create_superuser("desk", password="a desk of oak")


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One Chromium for all tests of pages, which takes as long to start as a short test."""
    if not CHROMIUM:
        pytest.fail(MISSING)
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright keeps a loop running in this thread
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, live_server: LiveServer) -> Iterator[Page]:
    """A page on a laptop, of somebody who was never here. A script that fails, or a file that is missing, fails the
    test."""
    context = chromium.new_context(base_url=live_server.url, viewport=LAPTOP)
    page = context.new_page()
    page.set_default_timeout(10_000)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "response",
        lambda r: wrong.append(f"{r.status} {r.url}") if is_wrong(r) else None,
    )
    page.on("request", lambda r: None if r.url.startswith(live_server.url) else wrong.append(f"elsewhere: {r.url}"))
    yield page
    context.close()
    assert wrong == []


def is_wrong(response: Response) -> bool:
    """422 is a form that says what is to be put right."""
    return response.status >= 400 and response.status != 422 and "favicon" not in response.url


@pytest.fixture
def shoot(page: Page) -> Callable[[str], None]:
    """Take pictures of the page, on a phone by night and on a laptop by day; it may not be wider than these."""

    def take(name: str) -> None:
        ARTEFACTS.mkdir(exist_ok=True)
        for device, size, scheme in (("phone", PHONE, "dark"), ("laptop", LAPTOP, "light")):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size(size)
            page.reload()  # a theme is chosen when a page is opened
            page.screenshot(path=ARTEFACTS / f"{name}-{device}-{scheme}.png")
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], f"{name} on a {device}"

    return take


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without Chromium, pages are not tested: said on a colleague's machine, and wrong in continuous integration."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:No directory at"))  # a checkout has no collected files
            if not CHROMIUM and os.environ.get("CI", "").lower() != "true":
                item.add_marker(pytest.mark.skip(reason=MISSING))


def sign_in(page: Page) -> None:
    page.fill("#id_username", "desk")
    page.fill("#id_password", "a desk of oak")
    page.press("#id_password", "Enter")
