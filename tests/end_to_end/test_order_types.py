"""Every order type in one sheet: checked, placed by the real command, and found again in the ledger."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from smmplus.orders.order_types import FIELDS, order_type
from tests.end_to_end.command import Finished, Ledger, Workplace, read_rows
from tests.panel import SandboxProcess

pytestmark = pytest.mark.e2e


@dataclass(frozen=True)
class Case:
    """One type: its service at the sandbox, a row's cells, the units and the cost of it."""

    service: str
    cells: Mapping[str, str]
    units: int
    cost: str
    wrong: tuple[str, str]
    """A field, and a text that is wrong in it."""


def link(name: str) -> str:
    return f"https://example.com/{name}"


# The units of each type and the sandbox's price list, computed by hand.
CASES = {
    "Default": Case("1", {"quantity": "100", "runs": "3", "interval": "60"}, 300, "0.27", ("quantity", "60000")),
    "Package": Case("6", {}, 1, "2.5", ("quantity", "5")),
    "Custom Comments": Case("7", {"comments": "Nice!\n\n so good \nwow"}, 3, "0.036", ("comments", "")),
    "Custom Comments Package": Case("8", {"comments": "Nice!\nwow, really"}, 1, "0.75", ("comments", "")),
    "Mentions": Case("9", {"quantity": "20", "usernames": "anna\nben"}, 20, "0.062", ("usernames", "anna, ben")),
    "Mentions with Hashtags": Case(
        "10", {"quantity": "20", "usernames": "anna", "hashtags": "#a\n#b"}, 20, "0.068", ("hashtags", "#a #b")
    ),
    "Mentions Custom List": Case("11", {"usernames": "a\nb\nc\nd"}, 4, "0.016", ("usernames", "a b c d")),
    "Mentions Hashtag": Case("12", {"quantity": "20", "hashtag": "#a"}, 20, "0.064", ("hashtag", "#a\n#b")),
    "Mentions User Followers": Case("13", {"quantity": "20", "username": "anna"}, 20, "0.066", ("username", "")),
    "Mentions Media Likers": Case("14", {"quantity": "20", "media": link("m")}, 20, "0.066", ("media", "the post")),
    "Comment Likes": Case("15", {"quantity": "20", "username": "anna"}, 20, "0.016", ("quantity", "9")),
    "Comment Replies": Case("16", {"username": "anna", "comments": "yes\nno"}, 2, "0.03", ("comments", "a\n" * 201)),
    "Poll": Case("17", {"quantity": "20", "answer_number": "2"}, 20, "0.012", ("answer_number", "second")),
    "Invites from Groups": Case("18", {"quantity": "50", "groups": "one\ntwo"}, 50, "0.2875", ("groups", "")),
    "SEO": Case("19", {"quantity": "20", "keywords": "red shoes\nblue shoes"}, 20, "0.16", ("quantity", "1.000")),
    "Web Traffic": Case(
        "20",
        {"quantity": "200", "country": "ID", "device": "4", "type_of_traffic": "1", "google_keyword": "red shoes"},
        200,
        "0.09",
        ("google_keyword", ""),
    ),
    "Subscriptions": Case(
        "21",
        {"username": "anna", "min": "10", "max": "20", "delay": "30", "posts": "5", "old_posts": "2",
         "expiry": "2030-03-04"},
        140, "0.056", ("expiry", "04/03/2030"),
    ),
}  # fmt: skip

NAMES = ("service", *FIELDS)


def entry_cells(kind: str, **changes: str) -> dict[str, str]:
    where = {"link": link(kind.replace(" ", "-"))} if "link" in order_type(kind).fields else {}
    return dict.fromkeys(NAMES, "") | {"service": CASES[kind].service} | where | dict(CASES[kind].cells) | changes


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    table = [list(NAMES), *([row[name] for name in NAMES] for row in rows)]
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=";").writerows(table)
        return path
    book = openpyxl.Workbook()
    for cells in table:
        book.active.append(cells)
    book.save(path)
    return path


@dataclass(frozen=True)
class Mixed:
    """A sheet with an order of every type, and what came of it."""

    done: Finished
    rows: list[dict[str, str]]
    orders: dict[str, dict[str, Any]]
    """Service -> the order in the ledger."""

    def told(self, kind: str) -> dict[str, Any]:
        """Give what the command tells of a row that it sends."""
        (told,) = (row for row in self.done.json["planned"] if row["service"] == CASES[kind].service)
        return told


@pytest.fixture(scope="module", params=["xlsx", "csv"])
def mixed(
    request: pytest.FixtureRequest, shared_panel: SandboxProcess, tmp_path_factory: pytest.TempPathFactory
) -> Mixed:
    shared_panel.faults()
    shared_panel.balance("1000")
    workplace = Workplace(tmp_path_factory.mktemp("mixed"), shared_panel, Ledger.from_here(shared_panel))
    sheet = write(workplace.folder / f"mixed.{request.param}", [entry_cells(kind) for kind in CASES])
    done = workplace.run(sheet)
    assert done.status == 0, done
    orders = workplace.ledger.orders()
    assert len(orders) == len(CASES)
    return Mixed(done, read_rows(sheet), {order["service"]: order for order in orders})


@pytest.mark.parametrize("kind", CASES)
def test_an_order_of_each_type_is_placed_with_its_fields(mixed: Mixed, kind: str):
    cells = {name: text for name, text in entry_cells(kind).items() if text}
    if kind == "Custom Comments":
        cells["comments"] = "Nice!\nso good\nwow"
    if kind == "Subscriptions":
        cells["expiry"] = "04/03/2030"
    order = mixed.orders[CASES[kind].service]
    assert (order["type"], order["fields"]) == (kind, cells)
    (row,) = (row for row in mixed.rows if row["service"] == CASES[kind].service)
    assert (row["order_id"], row["order_status"]) == (order["order"], "Placed")


@pytest.mark.parametrize("kind", CASES)
def test_its_cost_is_known_beforehand(mixed: Mixed, kind: str):
    case, told, order = CASES[kind], mixed.told(kind), mixed.orders[CASES[kind].service]
    assert (told["units"], told["cost"]) == (case.units, case.cost)
    if kind != "Subscriptions":
        assert Decimal(order["charge"]) == Decimal(case.cost)


def test_the_sum_says_that_one_is_an_upper_bound(mixed: Mixed):
    total = sum(Decimal(case.cost) for case in CASES.values())
    assert (Decimal(mixed.done.json["total"]), mixed.done.json["upper_bounds"]) == (total, 1)


def test_what_is_wrong_is_told_with_its_cell_whatever_the_type(workplace: Workplace):
    rows = [entry_cells(kind, **dict([CASES[kind].wrong])) for kind in CASES]
    done = workplace.command("check", write(workplace.folder / "wrong.xlsx", rows), "--json")
    letters = dict(zip(NAMES, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", strict=False))
    wanted = {f"{letters[case.wrong[0]]}{at}": case.wrong[0] for at, case in enumerate(CASES.values(), start=2)}
    told = {problem["where"]: problem["field"] for problem in done.json["problems"]}
    assert done.status == 3
    assert told == wanted
    assert workplace.ledger.count() == 0
