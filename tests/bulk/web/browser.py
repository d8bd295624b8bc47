"""The real `smmplus serve`, and a real browser that looks at it.

::

    with Served(workplace) as served, Browser() as browser:
        page = browser.visit(served.link)
        ...
"""

import os
import re
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from playwright.sync_api import ConsoleMessage, Page, Playwright, Request, sync_playwright

from tests.end_to_end.command import PATIENCE, Running, Workplace, wait_until

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

_LINK = re.compile(r"http://\S+")
_ANSWERED = re.compile(r"Failed to load resource: the server responded with a status of (403|404|409)")
"""Chromium says so of every such answer; the page shows what it means."""


class Served:
    """A running `smmplus serve`; use it with `with`. A person who was here before comes back by the same port."""

    def __init__(self, workplace: Workplace, *options: str | Path, port: int = 0) -> None:
        self._workplace, self._options, self._port = workplace, options, port
        self.folder = workplace.folder / "uploads"

    def __enter__(self) -> Self:
        options = ("--no-browser", "--port", str(self._port), "--folder", str(self.folder), "--rate", "0")
        self.running: Running = self._workplace.start("serve", *options, *self._options)
        try:
            wait_until(lambda: bool(_LINK.search(self.said)) or not self.running.alive, "the page")
            self.port = int(self.link.split(":")[2].partition("/")[0])
        except BaseException:
            self.running.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.running.__exit__(kind, error, trace)

    @property
    def said(self) -> str:
        """What the terminal shows."""
        return os.pread(self.running._process._err.fileno(), 1 << 20, 0).decode()

    @property
    def link(self) -> str:
        """The latest link."""
        links = _LINK.findall(self.said)
        assert links, self.said
        return links[-1]


class Browser:
    """Chromium; use it with `with`. What a script complains of, and what is asked of other servers, is kept."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self._may_lose_the_server = False

    def __enter__(self) -> Self:
        self._started: Playwright = sync_playwright().start()
        try:
            self._chromium = self._started.chromium.launch(executable_path=CHROMIUM)
        except BaseException:
            self._started.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._chromium.close()
        self._started.stop()

    def begin(self) -> None:
        """Forget what was before, and close what is open."""
        for context in self._chromium.contexts:
            context.close()
        self.complaints.clear()
        self._may_lose_the_server = False

    def visit(self, address: str, *, width: int = 1280, language: str = "en-GB", scheme: str = "light") -> Page:
        """Open an address in a browser of its own."""
        context = self._chromium.new_context(
            viewport={"width": width, "height": 900}, locale=language, color_scheme=scheme, accept_downloads=True
        )
        context.set_default_timeout(PATIENCE * 1000)
        page = context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._see)
        page.goto(address)
        return page

    def expect_the_end_of_the_server(self) -> None:
        """Let the browser complain of a server that does not answer."""
        self._may_lose_the_server = True

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"} or _ANSWERED.match(message.text):
            return
        # The second is what htmx logs of a stream that ended.
        is_of_a_lost_server = "net::ERR_" in message.text or message.text == "[object Event]"
        if not (self._may_lose_the_server and is_of_a_lost_server):
            self.complaints.append(message.text)

    def _see(self, request: Request) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            self.complaints.append(request.url)


def upload(page: Page, *paths: Path, **fields: str) -> None:
    """Choose a file, fill in fields by their labels, and wait for the check."""
    page.get_by_role("link", name="Upload", exact=True).click()
    page.get_by_label("A CSV or XLSX file").set_input_files(paths)
    for label, text in fields.items():
        page.get_by_label(label).fill(text)
    page.get_by_role("button", name="Check the sheet").click()
    page.wait_for_url("**/sheets/*")


def total_on(page: Page) -> str:
    """Return the total that a page asks for."""
    found = re.search(r"[\d.]+\d", page.locator("#total-hint").inner_text())
    assert found is not None
    return found[0]


def approve(page: Page, button: str = "Place") -> None:
    """Type the total, and approve."""
    page.get_by_label("Type the total").fill(total_on(page))
    page.get_by_role("button", name=button).click()


def wait_for_results(page: Page) -> None:
    """Wait until nothing is under way any more."""
    page.get_by_role("link", name="Download the sheet with its results").wait_for()


def download(page: Page, link: str, folder: Path) -> Path:
    """Follow a link that downloads something; return the file, under the name that it was given."""
    with page.expect_download() as found:
        page.get_by_role("link", name=link).click()
    path = folder / "downloads" / found.value.suggested_filename
    with suppress(FileNotFoundError):
        path.unlink()
    found.value.save_as(path)
    return path


def figures(page: Page) -> dict[str, str]:
    """Return the figures of a sheet, by their words."""
    words = page.locator("dl.sums dt").all_inner_texts()
    return dict(zip(words, page.locator("dl.sums dd").all_inner_texts(), strict=True))


def texts(page: Page, selector: str) -> Sequence[str]:
    """Return what a person reads in some places."""
    return [" ".join(text.split()) for text in page.locator(selector).all_inner_texts()]
