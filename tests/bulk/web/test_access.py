"""Who may see the page, what a stranger learns, and what each answer carries."""

import http.client
from pathlib import Path

import pytest
from starlette.routing import Mount, Route

from bulk.web import access
from bulk.web.app import TOKEN_HEADER
from tests.bulk.plans import LINK
from tests.bulk.web.site import PASSWORD, Site, Visitor, csv_of, words_of
from tests.secrets import leaks

pytestmark = pytest.mark.slow

WEEK = csv_of(f"2,{LINK},100")


def addresses_of(app, upload_id: str, method: str) -> list[str]:
    """Give an address of each route."""
    routes = [route for route in app.routes if isinstance(route, Route) and method in (route.methods or ())]
    assert all(isinstance(route, Route | Mount) for route in app.routes)
    return [route.path.replace("{id}", upload_id) for route in routes]


@pytest.fixture
def week(ani: Visitor, site: Site, read_here):
    """Give a sheet that was uploaded and not approved."""
    ani.upload("week.csv", WEEK)
    (upload,) = site.uploads.all()
    return upload


def state_of(folder: Path) -> dict[str, bytes]:
    """Read all that the page keeps."""
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# Strangers.


def test_a_stranger_is_sent_to_the_login_from_every_address(site: Site, week, tmp_path):
    addresses, stranger = addresses_of(site.app, week.id, "GET"), site.stranger()
    assert len(addresses) >= 9
    for path in (*addresses, "/nothing", "/docs"):
        answer = stranger.get(path, allow_redirects=False)
        if path != "/login":
            assert (path, answer.status_code, answer.text) == (path, 303, "")
            assert answer.headers["location"] == "/login"


def test_a_stranger_changes_nothing_at_any_address(site: Site, week, tmp_path, panel):
    before, calls = state_of(tmp_path / "uploads"), panel.ledger()["calls"]
    stranger = site.stranger()
    for path in addresses_of(site.app, week.id, "POST"):
        stranger.session.headers[TOKEN_HEADER] = "x"
        answer = stranger.post(path, {"name": "local", "kind": "refill"}, allow_redirects=False)
        assert answer.status_code == (403 if path == "/login" else 303)
        assert "set-cookie" not in answer.headers
    assert state_of(tmp_path / "uploads") == before
    assert panel.ledger()["calls"] == calls


def test_static_files_are_open_and_nothing_beside_them(site: Site):
    stranger = site.stranger()
    assert stranger.get("/static/page.css").status_code == 200
    for path in ("/static/../access.py", "/static/%2e%2e/access.py", "/static/..%2faccess.py", "/static/"):
        connection = http.client.HTTPConnection(site.address.removeprefix("http://"), timeout=60)
        connection.request("GET", path)  # requests would tidy the path
        answer = connection.getresponse()
        assert (answer.status, b"import" in answer.read()) in {(404, False), (303, False)}
        connection.close()


def test_a_made_up_session_is_a_stranger(site: Site, ani: Visitor):
    stranger = site.stranger()
    stranger.session.cookies.set(access.COOKIE, "a" * 43)
    assert stranger.get("/", allow_redirects=False).status_code == 303


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", ""])
def test_another_name_that_leads_here_does_not_open_the_page(site: Site, ani: Visitor, host):
    answer = ani.get("/", headers={"host": host})
    assert (answer.status_code, "Campaigns" in answer.text) == (400, False)
    assert ani.get("/", headers={"host": "localhost:8080"}).status_code == 200


# The link.


def test_a_link_is_good_for_one_browser(site: Site):
    links = []
    site.access.on_used = links.append
    first, token = site.stranger(), site.access.link_token
    assert first.get(f"/?token={token}").url == f"{site.address}/"
    assert "Campaigns" in first.get("/").text
    second = site.stranger()
    assert second.get(f"/?token={token}").url == f"{site.address}/login"
    assert second.get(f"/?token={links[0]}").url == f"{site.address}/"


@pytest.mark.parametrize("token", ["", "x", "é" * 20])
def test_another_token_opens_nothing(site: Site, token):
    right = site.access.link_token
    assert site.stranger().get(f"/?token={token}").url == f"{site.address}/login"
    assert site.access.link_token == right


def test_a_link_opens_nothing_where_people_have_passwords(new_site):
    site = new_site("ani")
    assert site.stranger().get(f"/?token={site.access.link_token}").url == f"{site.address}/login"


def test_the_cookie_is_not_for_scripts_nor_for_forms_of_other_sites(site: Site):
    answer = site.stranger().get(f"/?token={site.access.link_token}", allow_redirects=False)
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(answer.headers["set-cookie"].split("; "))


# The token of what changes something.


@pytest.mark.parametrize("token", [None, "", "x", "é", "the token of another"])
def test_a_form_without_the_token_of_its_session_changes_nothing(
    site: Site, ani: Visitor, week, tmp_path, panel, token
):
    other = site.visitor().session.headers[TOKEN_HEADER]
    before, calls = state_of(tmp_path / "uploads"), panel.ledger()["calls"]
    del ani.session.headers[TOKEN_HEADER]
    headers = {} if token is None else {TOKEN_HEADER: other if token.startswith("the") else token.encode()}
    addresses = [path for path in addresses_of(site.app, week.id, "POST") if path != "/login"]
    assert len(addresses) >= 10
    for path in addresses:
        answer = ani.post(path, {"language": "id", "kind": "refill"}, headers=headers)
        assert (path, answer.status_code) == (path, 403)
        assert "This form is from an earlier session. Load the page again." in words_of(answer)
    assert state_of(tmp_path / "uploads") == before
    assert panel.ledger()["calls"] == calls


def test_what_changes_something_is_not_done_by_looking(site: Site, ani: Visitor, week, tmp_path):
    before = state_of(tmp_path / "uploads")
    only_posted = set(addresses_of(site.app, week.id, "POST")) - set(addresses_of(site.app, week.id, "GET"))
    assert only_posted
    assert {ani.get(path).status_code for path in only_posted} == {405}
    assert state_of(tmp_path / "uploads") == before


# Passwords.


@pytest.fixture
def shop(new_site) -> Site:
    return new_site("ani", "budi")


def test_a_person_logs_in_with_a_password(shop: Site):
    assert "Campaigns" in shop.visitor("ani").get("/").text


@pytest.mark.parametrize(("name", "password"), [("ani", "wrong horse"), ("ani", ""), ("eve", PASSWORD), ("", "")])
def test_a_wrong_name_or_password_opens_nothing_and_does_not_say_which(shop: Site, name, password):
    stranger = shop.stranger()
    answer = stranger.post("/login", {"name": name, "password": password})
    assert (answer.status_code, "The name or the password is wrong." in words_of(answer)) == (403, True)
    assert stranger.get("/", allow_redirects=False).status_code == 303


# What each answer carries.


def all_answers(site: Site, visitor: Visitor, upload_id: str):
    """Visit every address, as a user and as a stranger, and addresses that do not exist."""
    paths = addresses_of(site.app, upload_id, "GET")
    paths += ["/report?account=default&campaign=week", "/template?account=default", "/sheets/nothing", "/nothing"]
    paths += [f"/sheets/{upload_id}?from=x", f"/sheets/{upload_id}?check=1", "/static/page.css", "/static/nothing"]
    answers = [visitor.get(path) for path in paths]
    forms = ({}, {"kind": "x", "entry": "x", "header": "x"}, {"total": "x", "locale": "x", "sheet": "y"})
    answers += [
        visitor.post(path, fields, allow_redirects=False)
        for path in addresses_of(site.app, upload_id, "POST")
        for fields in forms
    ]
    return [*answers, site.stranger().get("/", allow_redirects=False), site.stranger().get("/login")]


def test_every_answer_is_kept_from_scripts_frames_and_caches(site: Site, ani: Visitor, week):
    for answer in all_answers(site, ani, week.id):
        policy, is_report = answer.headers.get("content-security-policy", ""), "/report" in answer.url and answer.ok
        assert "default-src 'none'" in policy, answer.url
        assert "frame-ancestors 'self'" in policy
        assert "script-src 'unsafe-inline'" not in policy
        assert "unsafe-eval" not in policy
        assert ("'unsafe-inline'" in policy) == is_report, answer.url
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.status_code < 500, (answer.request.method, answer.url)
        if not is_report and "text/html" in answer.headers.get("content-type", ""):
            assert [words for words in ("<style", "<script>", " style=", " onclick=") if words in answer.text] == []


@pytest.mark.parametrize(
    "upload_id", ["nothing", "0123456789abcdef", "..", "%2e%2e", "..%2f..%2fetc", "a%00b", "a" * 300]
)
def test_a_sheet_that_is_not_there(ani: Visitor, site: Site, upload_id, week):
    for method in ("GET", "POST"):
        for path in addresses_of(site.app, upload_id, method):
            if "/sheets/" in path:
                assert (path, ani.raw(method, path, "kind=refill")) == (path, 404)


def test_the_key_is_in_no_answer(site: Site, ani: Visitor, week, panel, tmp_path):
    ani.approve(ani.get(f"/sheets/{week.id}"))
    ani.wait(week)
    panel.faults({"fault": "refuse", "text": f"key {panel.key} is tired", "action": "balance"})
    broken = ani.get(f"/sheets/{week.id}?check=1")
    panel.faults()
    answers = [broken, *all_answers(site, ani, week.id)]
    assert len(answers) > 30
    for answer in answers:
        assert leaks(panel.key, answer.content, str(answer.headers)) == [], answer.url
    assert leaks(panel.key, tmp_path) == []
