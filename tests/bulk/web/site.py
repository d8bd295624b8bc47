r"""The page on a port of loopback, served by a thread of the tests, and people who visit it.

::

    with Site(Uploads(tmp_path)) as site:
        ani = site.visitor()
        page = ani.upload("week.csv", b"service,link,quantity\n")
        assert "week.csv" in page.text
"""

import re
import threading
from collections.abc import Mapping
from contextlib import closing
from html import unescape
from http.client import HTTPConnection
from types import TracebackType
from typing import Self

import requests
import uvicorn

from bulk.web.access import Access, hash_of
from bulk.web.app import TOKEN_HEADER, create_local_app
from bulk.web.local_home import LocalHome
from bulk.web.uploads import Upload, Uploads
from tests.end_to_end.command import wait_until

PASSWORD = "correct horse battery"
_TOKEN = re.compile(r'"x-smmplus-token":"([^"]+)"')
_FINGERPRINT = re.compile(r'name="fingerprint" value="([0-9a-f]+)"')
_TOTAL = re.compile(r"The total is ([\d.]+) ")


class Site:
    """A running page; use it with `with`. `names` can log in with PASSWORD; without, visitors come by the link."""

    def __init__(self, uploads: Uploads, *names: str, approvals_needed: int = 1) -> None:
        self.uploads = uploads
        self.access = Access({name: hash_of(PASSWORD) for name in names})
        self.home = LocalHome(uploads, self.access, approvals_needed=approvals_needed, rate=0)
        self.app = create_local_app(self.home, ended=lambda: None)
        # The application logs no errors here: what it raises is seen as a status of 500.
        config = uvicorn.Config(self.app, port=0, log_level="critical", ws="none")
        self._server, self._socket = uvicorn.Server(config), config.bind_socket()
        self._socket.listen()
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))
        self._sessions: list[requests.Session] = []
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for session in self._sessions:
            session.close()
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def stranger(self) -> "Visitor":
        """Give a browser that nobody has logged in with."""
        session = requests.Session()
        session.trust_env = False
        self._sessions.append(session)
        return Visitor(self, session)

    def visitor(self, name: str = "") -> "Visitor":
        """Give a browser with which a person has come by the link, or logged in."""
        visitor = self.stranger()
        if name:
            page = visitor.post("/login", {"name": name, "password": PASSWORD})
        else:
            page = visitor.get(f"/?token={self.access.link_token}")
        assert page.status_code == 200, page.text
        visitor.use_token_of(page)
        return visitor


class Visitor:
    """A browser."""

    def __init__(self, site: Site, session: requests.Session) -> None:
        self._site, self.session = site, session

    def use_token_of(self, page: requests.Response) -> None:
        """Send the token of a page with what changes something, as its script does."""
        (token,) = _TOKEN.findall(unescape(page.text))
        self.session.headers[TOKEN_HEADER] = token

    def get(self, path: str, **more: object) -> requests.Response:
        """Look at a page."""
        return self.session.get(self._site.address + path, timeout=60, **more)

    def post(self, path: str, data: object = None, **more: object) -> requests.Response:
        """Submit a form."""
        return self.session.post(self._site.address + path, data=data, timeout=60, **more)

    def raw(self, method: str, path: str, body: str = "") -> int:
        """Ask for an address as it is written, with its dots; return the status."""
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.session.cookies)
        headers = {"cookie": cookies, "content-type": "application/x-www-form-urlencoded"}
        headers |= {TOKEN_HEADER: str(self.session.headers.get(TOKEN_HEADER, ""))}
        with closing(HTTPConnection(self._site.address.removeprefix("http://"), timeout=60)) as connection:
            connection.request(method, path, body if method == "POST" else None, headers)
            return connection.getresponse().status

    def upload(self, name: str, data: bytes | str, **fields: str) -> requests.Response:
        """Upload a sheet; return the page of its check."""
        return self.post("/upload", {"account": "default", **fields}, files={"file": (name, data)})

    def answer(self, upload: Upload, **fields: str) -> requests.Response:
        """Answer a question about a sheet."""
        return self.post(f"/sheets/{upload.id}/answers", fields)

    def approve(self, page: requests.Response, *, total: str | None = None) -> requests.Response:
        """Approve what a page shows, typing its total or another one."""
        path = page.url.removeprefix(self._site.address).partition("?")[0].removesuffix("/approve")
        return self.post(f"{path}/approve", {"fingerprint": fingerprint_in(page), "total": total or total_in(page)})

    def wait(self, upload: Upload) -> requests.Response:
        """Wait until nothing is under way with a sheet; return its page."""
        wait_until(lambda: self._site.home.activity(upload) is None, "the end of what is under way")
        return self.get(f"/sheets/{upload.id}")


def fingerprint_in(page: requests.Response) -> str:
    """Return what an approval of a page is held to."""
    return _FINGERPRINT.findall(page.text)[0]


def total_in(page: requests.Response) -> str:
    """Return the total that a page shows."""
    return _TOTAL.findall(page.text)[0]


def words_of(page: requests.Response) -> str:
    """Return what a person reads on a page."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page.text)).split())


def csv_of(*rows: Mapping[str, str] | str, header: str = "service,link,quantity") -> str:
    """Make a CSV file."""
    return "\n".join([header, *map(str, rows), ""])
