"""The page as a person uses it: the real command, the real sandbox and a real browser."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest

pytest.importorskip("axe_playwright_python", reason="Playwright is not here: install axe-playwright-python to run this")

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from bulk.web.access import hash_of
from tests.bulk.web.browser import (
    CHROMIUM,
    Browser,
    Served,
    approve,
    download,
    figures,
    texts,
    total_on,
    upload,
    wait_for_results,
)
from tests.bulk.web.site import PASSWORD
from tests.end_to_end.command import Ledger, Workplace, orders, wait_until
from tests.panel import SandboxProcess

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not here: install chromium to run this"),
]
FOCUSED = """() => {
  const focused = document.activeElement;
  return [focused.innerText, focused.ariaLabel, ...[...focused.labels || []].map(label => label.innerText)];
}"""
SLOWLY = {"fault": "latency", "action": "add", "seconds": 0.3}


@pytest.fixture
def workplace(panel: SandboxProcess, tmp_path: Path) -> Workplace:
    return Workplace(tmp_path, panel, Ledger.from_here(panel))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    # Of the module: as long as Playwright runs, no test of this process can have an event loop.
    with Browser() as browser:
        yield browser


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """Give the browser; no script may fail, and nothing may be asked of another server."""
    chromium.begin()
    yield chromium
    assert chromium.complaints == []


@pytest.fixture
def served(workplace: Workplace) -> Iterator[Served]:
    with Served(workplace) as served:
        yield served


@pytest.mark.parametrize("name", ["Minggu 1 - café.xlsx", "week.csv", "mass.txt"])
def test_from_a_file_to_its_results(workplace: Workplace, served: Served, browser: Browser, name: str):
    rows = orders(12)
    sheet = workplace.sheet(name, rows)
    page = browser.visit(served.link)
    assert page.get_by_role("heading", level=1).inner_text() == "Campaigns"
    upload(page, sheet)
    assert page.title() == f"{name} · SMM campaigns"
    assert total_on(page) == "0.42"
    assert "1000.00 USD" in page.get_by_role("region", name="What it costs").inner_text()
    assert workplace.ledger.calls("add") == 0
    approve(page, "Place 12 orders")
    wait_for_results(page)
    assert figures(page)["Placed"] == "12/12"
    written = download(page, "Download the sheet with its results", workplace.folder)
    if name.endswith(".txt"):  # a text has no columns for results
        assert sorted(order["link"] for order in workplace.ledger.orders()) == [row["link"] for row in rows]
    else:
        assert written.name == name
        workplace.assert_each_row_once(written, rows)
    page.get_by_role("link", name="Campaigns").click()
    assert page.get_by_role("row").filter(has_text=name).locator("td").nth(2).inner_text() == "12"


def test_pasted_orders(workplace: Workplace, served: Served, browser: Browser):
    page = browser.visit(served.link)
    page.get_by_role("link", name="Upload", exact=True).click()
    page.get_by_text("Or paste orders as text").click()
    page.get_by_label("One order a line").fill("2 | https://instagram.com/p/pasted | 100")
    page.get_by_label("Campaign").fill("Pasted")
    page.get_by_role("button", name="Check the sheet").click()
    approve(page)
    wait_for_results(page)
    assert [order["link"] for order in workplace.ledger.orders()] == ["https://instagram.com/p/pasted"]


def test_a_bad_sheet_is_marked_and_its_good_rows_are_placed(workplace: Workplace, served: Served, browser: Browser):
    bad = {"service": "999", "link": "https://instagram.com/p/bad", "quantity": "a lot"}
    rows = [*orders(3), bad, bad | {"service": "2"}]
    page = browser.visit(served.link)
    upload(page, workplace.sheet("bad.xlsx", rows))
    assert texts(page, ".bad-cell") == ["999", "a lot"]
    marked = page.locator("tr.has-problem")
    assert marked.get_by_role("rowheader").all_inner_texts() == ["5", "6"]
    assert "service 999 does not exist" in marked.nth(0).inner_text()
    assert "'a lot' is not a plain positive whole number" in marked.nth(1).inner_text()
    assert page.locator("#total").count() == 0
    copy = download(page, "Download a copy with the problems marked", workplace.folder)
    assert copy.name == "bad.problems.xlsx"
    cells = openpyxl.load_workbook(copy).worksheets[0]
    assert [cell.coordinate for row in cells.iter_rows() for cell in row if cell.comment] == ["A5", "C6"]
    page.locator("section.message").get_by_role("button").first.click()
    approve(page, "Place 3 orders")
    wait_for_results(page)
    assert sorted(order["link"] for order in workplace.ledger.orders()) == [row["link"] for row in rows[:3]]


def test_a_doubt_is_settled_with_a_reason_and_the_journal_names_who(
    workplace: Workplace, served: Served, browser: Browser
):
    sheet = workplace.sheet("lost.xlsx", orders(4))
    workplace.panel.faults(
        {"fault": "drop_after_accept", "action": "add", "calls": [1]},
        {"fault": "drop_before_accept", "action": "add", "calls": [2]},
    )
    page = browser.visit(served.link)
    upload(page, sheet)
    approve(page)
    wait_for_results(page)
    workplace.panel.faults()
    assert (figures(page)["Placed"], figures(page)["In doubt"]) == ("2/4", "2")
    placed = {order["link"]: order["order"] for order in workplace.ledger.orders()}
    page.get_by_role("link", name="Doubts").click()
    sections = page.locator("section.card")
    assert sections.count() == 2
    taken, not_taken = sorted(texts(page, "section.card h2"), key=lambda link: link not in placed)

    doubt = sections.filter(has_text=taken)
    doubt.get_by_label("How do you know?").fill("it is on the order page")
    doubt.get_by_role("button", name="It was placed").click()
    page.get_by_role("alert").get_by_text("Write the number").wait_for()
    doubt.get_by_label("How do you know?").fill("it is on the order page")
    doubt.get_by_label("Order ID").fill(str(placed[taken]))
    doubt.get_by_role("button", name="It was placed").click()
    page.locator("section.card").nth(1).wait_for(state="detached")

    doubt = sections.filter(has_text=not_taken)
    doubt.get_by_label("How do you know?").fill("nothing <b>there</b>")
    doubt.get_by_role("button", name="It was not placed").click()
    page.get_by_role("alert").wait_for()  # a panel may still be at it
    assert workplace.states() == {"placed": 3, "in_doubt": 1}
    workplace.age_sendings()
    doubt.get_by_label("How do you know?").fill("nothing <b>there</b>")
    doubt.get_by_role("button", name="It was not placed").click()
    page.get_by_text("No orders are in doubt.").wait_for()

    settled = workplace.query("SELECT what, why FROM notes WHERE who = 'local' ORDER BY id")
    assert [note["what"] for note in settled] == [f"is order {placed[taken]}", "was not placed"]
    assert settled[1]["why"] == "nothing <b>there</b>"
    told = workplace.command("history", str(placed[taken])).said
    assert re.search(r"local.*it is on the order page|it is on the order page.*local", told)
    page.get_by_role("link", name="Campaigns").click()
    page.get_by_role("link", name="lost.xlsx").click()
    page.get_by_role("button", name="Place the rest").click()
    page.get_by_text("4/4").wait_for()
    wait_for_results(page)
    workplace.assert_each_row_once(download(page, "Download the sheet with its results", workplace.folder))


def begin_slowly(page: Page, workplace: Workplace, rows: int = 40) -> None:
    """Upload and approve a sheet, and wait until some of it is placed."""
    workplace.panel.faults(SLOWLY)
    upload(page, workplace.sheet("long.xlsx", orders(rows)))
    approve(page)
    wait_until(lambda: workplace.ledger.count() >= 3, "the first orders")


def test_it_stops_and_goes_on(workplace: Workplace, served: Served, browser: Browser):
    page = browser.visit(served.link)
    begin_slowly(page, workplace)
    page.get_by_role("progressbar").wait_for()
    page.get_by_role("button", name="Stop").click()
    rest = page.get_by_role("button", name="Place the rest")
    rest.wait_for()
    workplace.panel.faults()
    states = workplace.states()
    assert 3 <= states["placed"] < 40
    assert states == {"placed": workplace.ledger.count(), "not_sent": 40 - states["placed"]}
    assert figures(page)["Not sent"] == str(states["not_sent"])
    rest.click()
    page.get_by_text("40/40").wait_for()
    wait_for_results(page)
    workplace.assert_each_row_once(download(page, "Download the sheet with its results", workplace.folder))


def test_a_killed_server_loses_nothing_and_goes_on_at_a_click(workplace: Workplace, browser: Browser):
    with Served(workplace) as served:
        page = browser.visit(served.link)
        begin_slowly(page, workplace)
        browser.expect_the_end_of_the_server()
        served.running.kill()
    workplace.panel.faults()
    workplace.assert_books_agree_with_the_dead()
    before = workplace.ledger.count()
    with Served(workplace, port=served.port) as served:
        page.goto(f"http://127.0.0.1:{served.port}/")
        page.get_by_text("Open the link that the terminal shows").wait_for()
        page.goto(served.link)
        assert "attention" in (page.get_by_role("row").filter(has_text="long.xlsx").get_attribute("class") or "")
        page.get_by_role("link", name="long.xlsx").click()
        page.get_by_role("alert").get_by_text("The server ended before all was placed.").wait_for()
        assert workplace.ledger.count() == before
        page.get_by_role("button", name="Place the rest").click()
        page.get_by_text("The server ended").wait_for(state="detached")
        wait_for_results(page)
        workplace.assert_books_agree()
        if workplace.settle_doubts():
            page.reload()
            rest = page.get_by_role("button", name="Place the rest")
            with page.expect_response(f"**/sheets/*/{'continue' if rest.count() else 'statuses'}"):
                (rest if rest.count() else page.get_by_role("button", name="Ask for the statuses")).click()
            page.reload()  # the job has begun: what is shown now is its progress, or its results
            wait_for_results(page)
            page.get_by_text("40/40").wait_for()
        workplace.assert_each_row_once(download(page, "Download the sheet with its results", workplace.folder))


def test_ctrl_c_finishes_what_is_under_way(workplace: Workplace, browser: Browser):
    with Served(workplace) as served:
        page = browser.visit(served.link)
        begin_slowly(page, workplace, 120)
        page.get_by_role("progressbar").wait_for()  # it follows the job, which must not keep the server
        browser.expect_the_end_of_the_server()
        served.running.signal(signal.SIGINT)
        done = served.running.finish()
    assert done.status == 0
    assert "Waiting for what was sent" in done.said
    assert "Traceback" not in done.said
    assert "Error" not in done.said
    placed = workplace.ledger.count()
    assert 3 <= placed < 120
    assert workplace.states() == {"placed": placed, "not_sent": 120 - placed}


def test_two_people_who_approve_at_once_place_a_sheet_once(workplace: Workplace, browser: Browser):
    passwords = workplace.folder / "passwords"
    passwords.write_text("".join(f"{name}:{hash_of(PASSWORD)}\n" for name in ("ani", "budi")), "utf-8")
    with Served(workplace, "--passwords", passwords) as served:
        pages = [browser.visit(served.link) for _ in range(2)]
        for page, name in zip(pages, ("ani", "budi"), strict=True):
            page.get_by_label("Name").fill(name)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Log in").click()
        upload(pages[0], workplace.sheet("both.xlsx", orders(6)))
        pages[1].goto(pages[0].url)
        for page in pages:
            page.get_by_label("Type the total").fill(total_on(page))
        for page in pages:
            page.get_by_role("button", name="Place").dispatch_event("click")
        for page in pages:
            page.get_by_text("6/6").wait_for()
            wait_for_results(page)
        workplace.assert_each_row_once(download(pages[1], "Download the sheet with its results", workplace.folder))
    assert workplace.ledger.calls("add") == 6


def test_a_closed_browser_changes_nothing(workplace: Workplace, served: Served, browser: Browser):
    page = browser.visit(served.link)
    begin_slowly(page, workplace, 12)
    page.context.close()
    wait_until(lambda: workplace.states() == {"placed": 12}, "the other orders")
    page = browser.visit(served.link)
    page.get_by_role("link", name="long.xlsx").click()
    wait_for_results(page)
    workplace.assert_each_row_once(download(page, "Download the sheet with its results", workplace.folder))


@pytest.mark.covers
def test_chosen_orders_are_refilled_and_cancelled_once(workplace: Workplace, served: Served, browser: Browser):
    page = browser.visit(served.link)
    upload(page, workplace.sheet("week.xlsx", orders(3, service="1", quantity=1000)))
    approve(page)
    wait_for_results(page)
    first, second, third = (str(order["order"]) for order in workplace.ledger.orders())
    request(page, "Cancel", first)
    assert texts(page, "[role=status] p") == [f"Order {first}: accepted"]
    workplace.panel.advance(30 * 86_400)
    page.get_by_role("link", name="Back to the sheet").click()
    request(page, "Refill", second)
    assert texts(page, "[role=status] p") == [f"Order {second}: accepted"]
    assert (workplace.ledger.calls("cancel"), workplace.ledger.calls("refill")) == (1, 1)
    # The same once more, with another order: each is requested once.
    page.get_by_role("link", name="Back to the sheet").click()
    request(page, "Refill", second, third)
    assert workplace.ledger.calls("refill") == 2
    asked = workplace.query("SELECT kind, order_id, attempt FROM follow_ups ORDER BY id")
    assert [tuple(each.values()) for each in asked] == [
        ("cancel", first, 1),
        ("refill", second, 1),
        ("refill", third, 1),
    ]


def request(page: Page, kind: str, *order_ids: str) -> None:
    """Choose orders on a sheet's page, and request something for them."""
    for order_id in order_ids:
        page.get_by_role("checkbox", name=f"Order {order_id}").check()
    page.get_by_role("button", name=f"{kind} the chosen orders").click()
    page.get_by_role("button", name=f"Request these {kind.lower()}s").click()
    page.get_by_role("status").wait_for()


def test_the_page_is_indonesian_for_those_who_read_that(workplace: Workplace, served: Served, browser: Browser):
    page = browser.visit(served.link, language="id-ID")
    assert (page.locator("html").get_attribute("lang"), page.locator("h1").inner_text()) == ("id", "Kampanye")
    page.get_by_role("link", name="Unggah", exact=True).click()
    page.locator("#file").set_input_files(workplace.sheet("minggu.csv", orders(2)))
    page.locator("main form button").click()
    page.locator("#total").fill(total_on(page))
    page.get_by_role("button", name="Pesan 2 pesanan").click()
    page.get_by_text("2/2").wait_for()
    page.get_by_role("button", name="English").click()
    page.get_by_role("heading", level=1, name="Campaigns").wait_for()
    page.reload()
    assert page.locator("html").get_attribute("lang") == "en"


def tab_to(page: Page, name: str) -> None:
    """Press Tab until something with this name has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if any(text and text.strip().startswith(name) for text in page.evaluate(FOCUSED)):
            return
    raise AssertionError(f"{name} is not reached by the keyboard")


def test_it_is_used_by_the_keyboard_alone(workplace: Workplace, served: Served, browser: Browser):
    sheet = workplace.sheet("keys.csv", orders(2))
    page = browser.visit(served.link)
    tab_to(page, "Upload a sheet")
    page.keyboard.press("Enter")
    page.wait_for_url("**/upload")
    tab_to(page, "A CSV or XLSX file")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(sheet)
    tab_to(page, "Check the sheet")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sheets/*")
    tab_to(page, "Type the total")
    page.keyboard.type(total_on(page))
    page.keyboard.press("Enter")
    page.get_by_text("2/2").wait_for()
    assert workplace.ledger.count() == 2


WIDE = """() => {
  const inside = each => each.closest(".wide, .columns .card");  // what may be scrolled by itself
  return [document.documentElement.scrollWidth, ...[...document.querySelectorAll("main *, header *")]
    .filter(each => !inside(each) && !each.matches(".skip") && each.getBoundingClientRect().right > innerWidth + 1)
    .map(each => each.outerHTML.slice(0, 120))];
}"""
LONG = "a" * 140


def hindrances(page: Page) -> list[object]:
    """Return what keeps somebody from using a page, at its two widths and in its two colour schemes."""
    found: list[object] = []
    for width, scheme in ((1280, "light"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        scrolled, *wide = page.evaluate(WIDE)
        found += [f"{scrolled} wide at {width}"] if scrolled > width else []
        found += wide
        violations = Axe().run(page).response["violations"]
        found += [(each["id"], node["html"][:200]) for each in violations for node in each["nodes"]]
    missing = {"header", "main", "h1", "nav[aria-label]"} - ({"nav[aria-label]"} if "/login" in page.url else set())
    found += [f"no {each}" for each in missing if not page.locator(each).count()]
    return found + (["more than one h1"] if page.locator("h1").count() > 1 else [])


def test_everyone_can_use_every_page(workplace: Workplace, browser: Browser):
    rows = [row | {"link": f"https://example.com/{LONG}/{row['quantity']}"} for row in orders(2)]
    rows[1] |= {"quantity": "many", "note " + LONG: "x" * 300}
    rows[0] |= {"note " + LONG: ""}
    found: dict[str, list[object]] = {}
    with Served(workplace) as served:
        page = browser.visit(f"http://127.0.0.1:{served.port}/")
        found["login"] = hindrances(page)
        page.goto(served.link)
        found["empty"] = hindrances(page)
        page.goto(f"http://127.0.0.1:{served.port}/nothing")
        found["not found"] = hindrances(page)
        page.get_by_role("link", name="Upload", exact=True).click()
        page.get_by_text("Or paste orders as text").click()
        found["upload"] = hindrances(page)
        upload(page, workplace.sheet(f"{LONG}.xlsx", rows))
        assert page.locator(".bad-cell").count() == 1
        page.get_by_text("How the sheet is read").click()
        found["check"] = hindrances(page)
        page.locator("section.message").get_by_role("button").first.click()
        workplace.panel.faults({"fault": "drop_after_accept", "action": "add", "calls": [1]})
        approve(page)
        wait_for_results(page)
        found["results"] = hindrances(page)
        page.get_by_role("link", name="Doubts").click()
        assert page.locator("section.card").count() == 1
        found["doubts"] = hindrances(page)
        page.get_by_role("link", name="Campaigns").click()
        found["campaigns"] = hindrances(page)
        nothing = workplace.folder / "nothing.csv"
        nothing.write_text(f"{LONG},b\n1,2\n", "utf-8")
        upload(page, nothing)
        found["unreadable"] = hindrances(page)
        workplace.panel.faults({"fault": "latency", "action": "add", "seconds": 3})
        upload(page, workplace.sheet("long.xlsx", orders(40)))
        before = workplace.ledger.calls("add")
        approve(page)
        page.get_by_role("progressbar").wait_for()
        wait_until(lambda: workplace.ledger.calls("add") > before, "an order on its way")
        found["progress"] = hindrances(page)
        page.get_by_role("button", name="Stop").click()
        wait_for_results(page)
        page.get_by_role("checkbox").first.check()
        page.get_by_role("button", name="Refill the chosen orders").click()
        page.get_by_role("link", name="Back to the sheet").wait_for()
        found["requests"] = hindrances(page)
    assert {name: each for name, each in found.items() if each} == {}
