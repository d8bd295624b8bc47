"""A panel that echoes the key wherever it can, libraries that log all they do, errors that nobody foresaw: no key."""

import base64
import itertools
import os
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from tests.end_to_end.command import SHOP_KEY, SMMPLUS, Workplace, orders, read_rows
from tests.secrets import leaks
from tests.smmplus.wire import RawServer, Received, http

pytestmark = pytest.mark.e2e

KEY = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"

ESCAPED = "".join(f"\\\\u{ord(sign):04x}" for sign in KEY)
FORMS = (
    KEY,
    KEY.upper(),
    ESCAPED,
    KEY.replace("d", "\\\\u0064"),
    "".join(f"%{ord(sign):02x}" for sign in KEY),
    "".join(f"&#{ord(sign)};" for sign in KEY),
    base64.b64encode(f"key={KEY}".encode()).decode(),
    KEY.encode().hex(),
)

TALKATIVE = """
    import asyncio, faulthandler, logging, os, sys

    faulthandler.enable(open(os.environ["EVERYTHING"] + ".faults", "w"))
    logging.basicConfig(level=1, filename=os.environ["EVERYTHING"], format="%(name)s %(message)s %(args)s")
    for name in ("sqlalchemy.engine", "sqlalchemy.pool", "aiohttp", "urllib3", "asyncio", "tenacity", "smmplus"):
        logging.getLogger(name).setLevel(1)
    """

BREAKING = """
    import smmplus.api.protocol as protocol

    def broken(call, answer):
        raise RuntimeError("an error that nobody foresaw")

    protocol.read_answer = broken
    """


def at_start(workplace: Workplace, *code: str) -> dict[str, str]:
    """Have Python run something as it starts, and give the environment for it: all files it makes are in the folder."""
    folder = workplace.folder / "at-start"
    folder.mkdir(exist_ok=True)
    text = "\n".join(textwrap.dedent(part) for part in code)
    (folder / "sitecustomize.py").write_text(text, encoding="utf-8")
    own = {
        name: str(workplace.folder / name.lower()) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_STATE_HOME")
    }
    for path in own.values():
        Path(path).mkdir(exist_ok=True)
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    return {
        **own,
        "PYTHONPATH": path,
        "PYTHONDEVMODE": "1",
        "PYTHONASYNCIODEBUG": "1",
        "EVERYTHING": str(workplace.folder / "everything.log"),
    }


def echoing() -> Iterator[bytes]:
    """Answer orders: a good one, then the key in another place and form, over and over."""
    shapes = (
        lambda form: http(f'{{"error": "key {form} was declined"}}'.encode(), X_Echo=KEY),
        lambda form: http(f'{{"order": "{form}"}}'.encode()),
        lambda form: http(f"<html><body>{form}</body></html>".encode(), 502),
        lambda form: http(b"", 302, Location=f"https://panel.example/?key={form}"),
        lambda form: http(f'{{"order": null, "key": "{form}'.encode()),
    )
    for number, (shape, form) in enumerate(itertools.product(shapes, FORMS), start=1):
        yield http({"order": 23500 + number})
        yield shape(form)


class Echo:
    """The answers of a panel that puts the key into everything it says."""

    def __init__(self) -> None:
        self.adds = echoing()

    def __call__(self, request: Received) -> bytes:
        match request.fields["action"]:
            case "balance":
                return http({"balance": "1000", "currency": "USD"}, Set_Cookie=f"key={KEY}")
            case "services":
                about = {"type": "Default", "rate": "0.35", "min": "10", "max": "50000", "refill": True}
                named = [{"service": str(number), "name": KEY, "category": KEY} | about for number in (2, 3)]
                return http([*named, {"service": "4", "name": f"x{KEY}x", "category": "c", **about, "type": KEY}])
            case "add":
                return next(self.adds)
            case "status":
                return http(self.statuses(request.fields))
            case _:
                return http({"error": f"{KEY}: Incorrect request"})

    @staticmethod
    def statuses(fields: dict[str, str]) -> dict[str, object]:
        words = {"status": f"Completed {KEY}", "charge": "0.035", "start_count": KEY, "remains": "0", "currency": KEY}
        if "order" in fields:
            return words
        return {number: {"error": KEY} if int(number) % 2 else words for number in fields["orders"].split(",")}


def test_a_panel_that_echoes_the_key_everywhere(workplace: Workplace):
    sheet = workplace.sheet("echo.xlsx", orders(2 * 5 * len(FORMS)))
    with RawServer(Echo()) as panel:
        settings = {**at_start(workplace, TALKATIVE), "SMMPLUS_API_KEY": KEY, "SMMPLUS_API_URL": panel.url()}
        pace = ("--rate", "0", "--in-flight", "1")
        said = [
            workplace.command("check", sheet, "--json", **settings),
            workplace.command("run", sheet, "--yes", *pace, "--wait", "0.5", "--poll", "0.1", **settings),
            workplace.command("status", sheet, "--json", "--rate", "0", **settings),
            workplace.command("doubts", **settings),
            workplace.command("services", **settings),
            workplace.command("template", "new.xlsx", **settings),
        ]
        # The panel did echo, and the run went through to its end.
        assert len(panel.adds) == 2 * 5 * len(FORMS)
    assert "[API key]" in said[1].out + "".join(row["error"] for row in read_rows(sheet))
    log = (workplace.folder / "everything.log").read_text("utf-8")
    assert all(name in log for name in ("sqlalchemy.engine", "urllib3", "asyncio")), "the libraries did not speak"
    assert leaks(KEY, workplace.folder, *(text for done in said for text in (done.out, done.err))) == []


def test_an_error_that_nobody_foresaw_tells_its_traceback_without_the_key(workplace: Workplace):
    sheet = workplace.sheet("broken.csv", orders(2))
    settings = at_start(workplace, TALKATIVE, BREAKING)
    done = workplace.command("run", sheet, "--yes", "--rate", "0", **settings)
    assert "an error that nobody foresaw" in done.err
    assert "Traceback" in done.err
    assert leaks(workplace.panel.key, workplace.folder, done.out, done.err) == []


def test_a_key_that_is_typed_is_not_shown(workplace: Workplace):
    sheet = workplace.sheet("typed.csv", orders(1))
    arguments = ["run", str(sheet), "--yes", "--wait", "0", "--rate", "0"]
    environment = workplace.environment(SMMPLUS_API_KEY="")
    with pexpect.spawn(str(SMMPLUS), arguments, env=environment, cwd=str(workplace.folder), timeout=120) as terminal:
        terminal.expect("API key of account")
        terminal.sendline(workplace.panel.key)
        terminal.expect(pexpect.EOF)
        shown = terminal.before
    workplace.assert_each_row_once(sheet)
    assert leaks(workplace.panel.key, workplace.folder, shown) == []


def test_a_named_account_s_key_is_told_nowhere(workplace: Workplace):
    sheet = workplace.sheet("shop.csv", orders(1))
    said = [
        workplace.command(
            "run", sheet, "--yes", "--json", "--wait", "0", "--account", "shop", SMMPLUS_API_KEY_SHOP=SHOP_KEY
        ),
        workplace.command("check", sheet, "--account", "other"),
    ]
    assert [done.status for done in said] == [0, 2]
    for key in (SHOP_KEY, workplace.panel.key):
        assert leaks(key, workplace.folder, *(text for done in said for text in (done.out, done.err))) == []


def test_the_demo_leaves_no_key_of_the_environment(workplace: Workplace):
    done = workplace.command("demo", SMMPLUS_API_KEY=KEY, SMMPLUS_API_URL="https://smm.plus/api/v2")
    assert done.status in {0, 3, 4}
    assert leaks(KEY, workplace.folder, done.out, done.err) == []
