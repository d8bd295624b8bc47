"""Checks, answers and approvals: what stands between a sheet and its orders."""

import threading

import pytest

from bulk.web import checks
from bulk.web.home import Job
from tests.bulk.plans import LINK
from tests.bulk.web.site import Site, Visitor, csv_of, fingerprint_in, total_in, words_of
from tests.end_to_end.command import Ledger

pytestmark = pytest.mark.slow
EVIL = "<script>alert('x')</script>"
ESCAPED = "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"
CHANGED = "The sheet, a price or the campaign changed while you looked at it. Look at it again."


@pytest.fixture
def ledger(panel) -> Ledger:
    return Ledger.from_here(panel)


@pytest.fixture(autouse=True)
def quickly(read_here, panel):
    """Read in this process, and leave the services as they were."""
    yield
    panel.service("2", rate="0.35")


def uploaded(site: Site, visitor: Visitor, *rows: str, name: str = "week.csv", **fields: str):
    """Upload a sheet; return it and the page of its check."""
    page = visitor.upload(name, csv_of(*(rows or (f"2,{LINK},100", f"2,{LINK}/2,100"))), **fields)
    return site.uploads.all()[0], page


# What others wrote is shown as text.


def test_cells_headers_names_and_campaigns_are_escaped(site: Site, ani: Visitor):
    page = ani.upload(
        f"{EVIL.replace('/', '')}.csv",
        csv_of(f"{EVIL},{EVIL},{EVIL},1", header=f"service,link,quantity,{EVIL}"),
        campaign=EVIL,
    )
    assert "<script>" not in page.text
    assert page.text.count(ESCAPED) >= 4
    home = ani.get("/")
    assert "<script>" not in home.text
    assert ESCAPED in home.text


def test_what_a_panel_says_is_escaped(site: Site, ani: Visitor, panel):
    panel.service("2", name=EVIL)
    upload, page = uploaded(site, ani)
    panel.service("2", name="Instagram Likes [instant]")
    assert ("<script>" in page.text, ESCAPED in page.text) == (False, True)
    panel.faults({"fault": "refuse", "text": EVIL, "action": "add"})
    ani.approve(ani.get(f"/sheets/{upload.id}"))
    results = ani.wait(upload)
    panel.faults()
    assert ("<script>" in results.text, "alert(&#39;x&#39;)" in results.text) == (False, True)


def test_a_link_in_doubt_is_escaped(site: Site, ani: Visitor, panel):
    evil = f"{LINK}?{EVIL}".replace(" ", "")
    panel.faults({"fault": "drop_after_accept", "action": "add"})
    upload, page = uploaded(site, ani, f"2,{evil},100")
    ani.approve(page)
    ani.wait(upload)
    panel.faults()
    doubts = ani.get("/doubts").text
    assert ("<script>" in doubts, "&lt;script&gt;" in doubts) == (False, True)


# Answers.


def test_rows_with_problems_are_left_out_when_somebody_says_so(site: Site, ani: Visitor, ledger: Ledger):
    upload, page = uploaded(site, ani, f"2,{LINK},100", f"999,{LINK},100")
    assert 'name="skip_bad"' in page.text
    assert 'name="total"' not in page.text
    page = ani.answer(upload, skip_bad="yes")
    assert "Place 1 order" in words_of(page)
    ani.approve(page)
    ani.wait(upload)
    assert [order["service"] for order in ledger.orders()] == ["2"]
    assert "Nothing to send" not in words_of(ani.answer(upload, skip_bad=""))


def test_identical_rows_are_separate_orders_when_somebody_says_so(site: Site, ani: Visitor, ledger: Ledger):
    upload, page = uploaded(site, ani, f"2,{LINK},100", f"2,{LINK},100")
    assert 'name="allow_duplicates"' in page.text
    ani.approve(ani.answer(upload, allow_duplicates="yes"))
    ani.wait(upload)
    assert ledger.count() == 2


def test_the_same_sheet_again_is_asked_about(site: Site, ani: Visitor, ledger: Ledger):
    upload, page = uploaded(site, ani, campaign="week")
    ani.approve(page)
    ani.wait(upload)
    again, page = uploaded(site, ani, campaign="week")
    assert "Place 2 orders" not in words_of(page)
    assert 'name="adopt"' in page.text
    adopted = ani.answer(again, adopt="yes")
    assert "Nothing to send" in words_of(adopted)
    third, page = uploaded(site, ani, campaign="third")
    page = ani.answer(third, campaign="fourth", adopt="")
    assert site.uploads.find(third.id).campaign == "fourth"
    assert ledger.count() == 2


@pytest.mark.parametrize(
    "fields", [{"hidden": "x"}, {"locale": "xx-yy"}, {"budget": "a lot"}, {"budget": "1.000"}, {"budget": "12,500"}]
)
def test_an_answer_that_is_none_is_refused_in_words(site: Site, ani: Visitor, fields):
    upload, _page = uploaded(site, ani)
    answer = ani.answer(upload, **fields)
    assert answer.status_code in {200, 409}
    assert answer.status_code == 409 or "Place 2 orders" not in words_of(answer)
    assert ani.get(f"/sheets/{upload.id}").status_code == 200


def test_a_budget_is_set_shown_and_taken_away(site: Site, ani: Visitor):
    upload, _page = uploaded(site, ani)
    assert "It is over the budget by 0.02 USD" in words_of(ani.answer(upload, budget="0,05"))
    assert "over the budget" not in words_of(ani.answer(upload, budget="1"))
    assert "of 1.00 USD" in words_of(ani.get("/"))
    ani.answer(upload, budget="")
    assert "of 1.00 USD" not in words_of(ani.get("/"))


# Approval.


@pytest.mark.parametrize("total", ["0.07", "0,07", " 0.070 ", "00.07"])
def test_the_right_total_places_the_orders(site: Site, ani: Visitor, ledger: Ledger, total):
    upload, page = uploaded(site, ani)
    assert total_in(page) == "0.07"
    ani.approve(page, total=total)
    assert "2/2" in words_of(ani.wait(upload))
    assert ledger.count() == 2


@pytest.mark.parametrize(
    ("total", "words"),
    [
        ("0.08", "You typed 0.08, and the total is 0.07."),
        ("7", "You typed 7, and the total is 0.07."),
        ("0,0,7", "is not an amount"),
        ("-0.07", "is not an amount"),
        ("NaN", "is not an amount"),
        ("<b>", "is not an amount"),
        ("1e-2", "You typed 1e-2, and the total is 0.07."),
    ],
)
def test_another_total_places_nothing(site: Site, ani: Visitor, ledger: Ledger, total, words):
    upload, page = uploaded(site, ani)
    answer = ani.approve(page, total=total)
    assert (answer.status_code, words in words_of(answer)) == (409, True)
    assert site.uploads.approvals(upload) == []
    assert (site.home.activity(upload), ledger.calls("add")) == (None, 0)


def test_what_changed_since_it_was_looked_at_is_looked_at_again(site: Site, ani: Visitor, ledger: Ledger, panel):
    upload, page = uploaded(site, ani)
    panel.service("2", rate="0.7")
    answer = ani.approve(page)
    assert (answer.status_code, CHANGED in words_of(answer)) == (409, True)
    assert total_in(answer) == "0.14"
    assert (site.uploads.approvals(upload), ledger.calls("add")) == ([], 0)
    ani.approve(answer)
    ani.wait(upload)
    assert ledger.count() == 2


def test_a_price_that_changes_after_the_approval_places_nothing(
    site: Site, ani: Visitor, ledger: Ledger, panel, monkeypatch
):
    upload, page = uploaded(site, ani)
    start = site.home.start

    def late(*arguments):
        panel.service("2", rate="0.7")
        start(*arguments)

    monkeypatch.setattr(site.home, "start", late)
    ani.approve(page)
    shown = ani.wait(upload)
    assert ledger.calls("add") == 0
    assert site.uploads.outcome(upload).messages
    assert 'role="alert"' in shown.text


def test_too_little_money_places_nothing(site: Site, ani: Visitor, ledger: Ledger, panel):
    upload, page = uploaded(site, ani)
    panel.balance("0.05")
    short = ani.get(f"/sheets/{upload.id}")
    assert "The balance is short by 0.02 USD." in words_of(short)
    assert 'name="total"' not in short.text
    answer = ani.post(f"/sheets/{upload.id}/approve", {"fingerprint": fingerprint_in(page), "total": "0.07"})
    assert answer.status_code == 409
    assert (site.uploads.approvals(upload), ledger.calls("add")) == ([], 0)


def test_a_sheet_with_a_question_cannot_be_approved(site: Site, ani: Visitor, ledger: Ledger):
    upload, _page = uploaded(site, ani, f"2,{LINK},100", f"999,{LINK},100")
    _upload, plan = checks.checked(site.home, upload)
    answer = ani.post(f"/sheets/{upload.id}/approve", {"fingerprint": plan.fingerprint, "total": str(plan.total)})
    assert (answer.status_code, "It cannot be placed as it is." in words_of(answer)) == (409, True)
    assert ledger.calls("add") == 0


def test_many_who_approve_at_once_place_a_sheet_once(site: Site, ledger: Ledger):
    people = []
    for _ in range(4):
        site.access.on_used = lambda _token: None
        people.append(site.visitor())
    upload, page = uploaded(site, people[0])
    together = threading.Barrier(len(people))

    def approve(person: Visitor) -> None:
        together.wait()
        person.approve(page)

    threads = [threading.Thread(target=approve, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "2/2" in words_of(people[0].wait(upload))
    assert (ledger.count(), ledger.calls("add")) == (2, 2)


def test_nothing_begins_while_the_server_ends(site: Site, ani: Visitor, ledger: Ledger):
    upload, page = uploaded(site, ani)
    site.home.stop_all()
    ani.approve(page)
    assert (site.home.activity(upload), ledger.calls("add")) == (None, 0)


# Two persons.


@pytest.fixture
def shop(new_site) -> Site:
    return new_site("ani", "budi", approvals_needed=2)


def test_one_person_twice_is_not_two(shop: Site, ledger: Ledger):
    ani = shop.visitor("ani")
    upload, page = uploaded(shop, ani)
    assert "Two persons approve a sheet before it is placed." in words_of(page)
    waiting = ani.approve(page)
    assert "A second person must approve it." in words_of(waiting)
    ani.approve(page)
    ani.post(f"/sheets/{upload.id}/continue")
    other = shop.visitor("ani")
    other.approve(page)
    assert [each.by for each in shop.uploads.approvals(upload)] == ["ani"]
    assert (shop.home.activity(upload), ledger.calls("add")) == (None, 0)


def test_two_persons_are_enough_and_both_are_named(shop: Site, ledger: Ledger):
    ani, budi = shop.visitor("ani"), shop.visitor("budi")
    upload, page = uploaded(shop, ani)
    ani.approve(page)
    seen = budi.get(f"/sheets/{upload.id}")
    assert "ani approved 0.07 USD" in words_of(seen)
    assert "Place 2 orders" in words_of(seen)
    budi.approve(seen)
    results = words_of(budi.wait(upload))
    assert "ani approved 0.07 USD" in results
    assert "budi approved 0.07 USD" in results
    assert ledger.count() == 2


def test_what_is_changed_between_two_approvals_needs_both_again(shop: Site, ledger: Ledger):
    ani, budi = shop.visitor("ani"), shop.visitor("budi")
    upload, _page = uploaded(shop, ani, f"2,{LINK},100", f"2,{LINK}/2,100", f"999,{LINK},100")
    page = ani.answer(upload, skip_bad="yes")
    ani.approve(page)
    changed = budi.answer(upload, campaign="another")
    assert "ani approved" not in words_of(changed)
    budi.approve(changed)
    assert (shop.home.activity(upload), ledger.calls("add")) == (None, 0)
    ani.approve(ani.get(f"/sheets/{upload.id}"))
    ani.wait(upload)
    assert ledger.count() == 2


# Results.


def test_a_job_that_is_under_way_is_not_begun_again(site: Site, ani: Visitor, ledger: Ledger, panel):
    panel.faults({"fault": "latency", "action": "add", "seconds": 1.5})
    upload, page = uploaded(site, ani)
    ani.approve(page)
    for path in ("continue", "statuses", "approve"):
        ani.post(f"/sheets/{upload.id}/{path}", {"fingerprint": fingerprint_in(page), "total": "0.07"})
    assert site.home.activity(upload).job is Job.PLACE
    panel.faults()
    ani.wait(upload)
    assert ledger.calls("add") == 2


def test_the_progress_of_a_sheet_is_streamed_to_its_end(site: Site, ani: Visitor, panel):
    panel.faults({"fault": "latency", "action": "add", "seconds": 0.3})
    upload, page = uploaded(site, ani)
    ani.approve(page)
    stream = ani.get(f"/sheets/{upload.id}/progress")
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert "event: progress" in stream.text
    assert "event: done" in stream.text.split("event: progress")[-1]


@pytest.mark.parametrize(("given", "words"), [("", "Write how you know it"), ("look", "")])
def test_a_doubt_needs_a_reason(site: Site, ani: Visitor, panel, account, monkeypatch, given, words):
    panel.faults({"fault": "drop_after_accept", "action": "add"})
    upload, page = uploaded(site, ani, f"2,{LINK},100")
    ani.approve(page)
    ani.wait(upload)
    panel.faults()
    with site.home.journal("default") as journal:
        (entry,) = journal.in_doubt()
    order_id = str(panel.orders()[-1]["order"])
    form = {"account": "default", "key": entry.name, "placed": "yes", "order_id": order_id, "why": given}
    answer = ani.post("/doubts", form)
    assert (answer.status_code, words in words_of(answer)) == (409 if words else 200, True)
    with site.home.journal("default") as journal:
        assert len(journal.in_doubt()) == (1 if words else 0)


def test_a_server_that_ended_is_told_as_long_as_something_is_not_placed(site: Site, ani: Visitor, panel):
    upload, page = uploaded(site, ani)
    ani.approve(page)
    ani.wait(upload)
    site.uploads.end(upload, None)  # as a server leaves it that ended while it asked for statuses
    assert "The server ended" not in words_of(ani.get(f"/sheets/{upload.id}"))
