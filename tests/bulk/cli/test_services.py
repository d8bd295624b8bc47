"""`smmplus services`: the price list, and what changed in it since the last look."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from bulk.cli.services import SortBy, Wanted, arranged
from bulk.files import kept_services
from smmplus.orders.models import Service

CHANGES = ("services", "--changes")


def service(number, name="Likes", rate="0.5", **others):
    kind, category = others.pop("type", "Default"), others.pop("category", "Instagram")
    return Service(number, name, kind, category, rate if rate is None else Decimal(rate), 10, 1000, **others)


@pytest.fixture
def look(smmplus, sandbox, tmp_path, monkeypatch):
    """Give a way to call commands with a data folder of its own, and have the services again as they were."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    yield smmplus
    sandbox.service("1", rate="0.90", min=50, max=100_000, refill=True, disabled=False)
    sandbox.service("2", rate="0.35", disabled=False)
    sandbox.service("28", disabled=True)


@pytest.fixture
def told(smmplus, sandbox):
    """Give a way to have the panel answer some rows."""
    listed = smmplus("services", "--json").json["services"]
    known = {
        each["id"]: {"service": each["id"], **{name: each[name] for name in each if name != "id"}} for each in listed
    }

    def answer(*changes):
        rows = [known.get(each.get("of"), {}) | {name: each[name] for name in each if name != "of"} for each in changes]
        sandbox.faults({"fault": "answer", "action": "services", "body": json.dumps(rows)})

    return answer


@pytest.mark.e2e
@pytest.mark.covers
def test_services_are_shown_with_their_prices(smmplus):
    done = smmplus("services")
    assert done.status == 0
    assert "price/1000" in done.out
    found = smmplus("services", "--json").json["services"]
    assert {service["id"] for service in found} >= {"1", "2"}


@pytest.mark.e2e
@pytest.mark.covers
def test_a_long_list_is_cut_and_says_so(smmplus, monkeypatch):
    monkeypatch.setattr("bulk.cli.services.MOST_SERVICES", 3)
    every = smmplus("services", "--json").json["services"]
    words = smmplus("services").words
    assert f"… and {len(every) - 3} more (--json shows all). To search: smmplus services WORD" in words
    assert (every[2]["name"].split()[0] in words, every[5]["name"] in words) == (True, False)


def test_services_are_searched_in_any_case(smmplus):
    every = smmplus("services", "--json").json["services"]
    packages = smmplus("services", "PACKAGE", "--json").json["services"]
    assert 0 < len(packages) < len(every)
    assert all("package" in (service["name"] + service["type"] + service["category"]).lower() for service in packages)


@pytest.mark.e2e
@pytest.mark.covers
def test_a_word_that_no_service_speaks_of_is_shown_as_it_is(smmplus):
    done = smmplus("services", "[/x]")
    assert (done.status, done.out) == (0, "No services match '[/x]'. To list all: smmplus services\n")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), "1 2 3 4"),
        (Wanted(type="custom_comments"), "2"),
        (Wanted(type=" new kind"), "3"),
        (Wanted(category="tik"), "3"),
        (Wanted(refill=True), "1"),
        (Wanted(cancel=True), "2"),
        (Wanted(max_rate=Decimal("0.50")), "1 4"),
        (Wanted(max_rate=Decimal("0.4999")), "4"),
        (Wanted("likes", max_rate=Decimal(9), refill=True), "1"),
    ],
)
def test_filters_are_combined_and_a_price_that_cannot_be_read_is_never_too_high(wanted, found):
    services = [
        service("1", refill=True),
        service("2", "Comments", "9.5", type="Custom Comments", cancel=True),
        service("3", "Views", "0.9", type="New Kind", category="TikTok"),
        service("4", "Odd", None, unusable="rate 'free' cannot be read"),
    ]
    assert " ".join(each.id for each in filter(wanted, services)) == found


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        (None, ["10", "9", "x", ""]),
        ("id", ["9", "10", "x", ""]),
        ("rate", ["x", "9", "10", ""]),
        ("name", ["x", "9", "10", ""]),
    ],
)
def test_services_are_sorted_by_value_and_what_is_missing_is_last(sort, order):
    services = [service("10", "c", "10"), service("9", "B", "9.5"), service("x", "a", "0"), service("", "d", None)]
    assert [each.id for each in arranged(services, sort and SortBy(sort))] == order


@pytest.mark.e2e
@pytest.mark.covers
def test_options_filter_and_sort_the_list(smmplus):
    cheap = smmplus(
        "services", "--type", "default", "--category", "instagram", "--max-rate", "0.9", "--sort", "rate", "--json"
    )
    assert [each["id"] for each in cheap.json["services"]] == ["2", "1"]
    both = smmplus("services", "--refill", "--cancel", "--json").json["services"]
    assert [each["id"] for each in both] == ["1"]
    assert smmplus("services", "--max-rate", "0").out == "No services match. To list all: smmplus services\n"
    assert smmplus("services", "--max-rate", "1,5").status == 2
    assert smmplus("services", "--sort", "color").status == 2


@pytest.mark.e2e
@pytest.mark.covers
def test_a_service_that_cannot_be_read_is_listed_with_the_reason(told, smmplus):
    told({"of": "1"}, {"of": "2", "rate": "free"}, {"of": "3", "service": None}, {"of": "1", "rate": "2"}, {"of": "4"})
    shown = smmplus("services", "--max-rate", "0.1")
    assert "service 1 cannot be ordered: the price list has it twice, at 0.9 and at 2" in shown.words
    assert "service 2 cannot be ordered: rate 'free' cannot be read" in shown.words
    assert "'YouTube Views [high retention, cancel button]', which has no ID, cannot be ordered:" in shown.words
    listed = smmplus("services", "--max-rate", "0.1", "--json").json["services"]
    assert [(each["id"], bool(each["unusable"])) for each in listed] == [
        ("1", True),
        ("2", True),
        ("", True),
        ("4", False),
    ]


@pytest.mark.e2e
@pytest.mark.covers
def test_a_panel_without_services_says_so_and_the_last_look_stays(look, told):
    look("services")
    told()
    assert look("services").out == "The panel lists no services.\n"
    before = look(*CHANGES)
    assert ("gone, was at 0.9" in before.words, "the list of the last look stays" in before.words) == (True, True)


@pytest.mark.e2e
@pytest.mark.covers
def test_changes_are_those_since_the_last_look(look, sandbox):
    first = look(*CHANGES)
    assert (
        first.out
        == "This is the first look at these services. To see later what has changed: smmplus services --changes\n"
    )
    sandbox.service("1", rate="1.20", max=50_000, refill=False)
    sandbox.service("2", disabled=True)
    sandbox.service("28", disabled=False)
    shown = look(*CHANGES)
    assert "price 0.9 -> 1.2 (+33.3 %)" in shown.words
    assert "max: 100000 -> 50000" in shown.words
    assert "refill: yes -> no" in shown.words
    assert "gone, was at 0.35" in shown.words
    assert "new, at 0.1" in shown.words
    assert look(*CHANGES).out.startswith("No changes since ")


@pytest.mark.e2e
@pytest.mark.covers
def test_changes_as_json(look, sandbox):
    assert look(*CHANGES, "--json").json == {"since": None, "changes": [], "left_out": 0}
    sandbox.service("1", rate="0.81")
    told = look(*CHANGES, "--json").json
    (change,) = told["changes"]
    assert (change["id"], change["change"], change["fields"], change["rate_percent"]) == (
        "1",
        "changed",
        ["rate"],
        "-10.0",
    )
    assert (change["before"]["rate"], change["after"]["rate"]) == ("0.9", "0.81")
    assert told["since"] is not None


@pytest.mark.e2e
@pytest.mark.covers
def test_a_plain_list_is_the_first_look_and_takes_no_change_away(look, sandbox):
    look("services", "instagram")
    sandbox.service("1", rate="1.00")
    assert "1.00" in look("services").out
    assert "price 0.9 -> 1 (+11.1 %)" in look(*CHANGES).words


@pytest.mark.e2e
@pytest.mark.covers
def test_a_change_that_was_not_asked_for_is_shown_the_next_time(look, sandbox):
    look("services")
    sandbox.service("1", rate="1.00")
    sandbox.service("2", rate="0.40")
    some = look(*CHANGES, "likes")
    assert ("price 0.35 -> 0.4" in some.words, "price 0.9" in some.words) == (True, False)
    assert "Changes of other services: 1. To show all: smmplus services --changes" in some.words
    assert look(*CHANGES, "likes").out.startswith("No changes of these services since ")
    rest = look(*CHANGES)
    assert ("price 0.35" in rest.words, "price 0.9 -> 1" in rest.words) == (False, True)


@pytest.mark.e2e
@pytest.mark.covers
def test_services_of_one_s_campaigns_come_first(look, sandbox, path):
    look("services")
    look("run", path, "--yes", "--rate", "0")
    sandbox.service("1", rate="1.00")
    sandbox.service("2", rate="0.40")
    shown = look(*CHANGES, "--sort", "id")
    ordered, _, others = shown.words.partition("Other services:")
    assert "Services that account default ordered:" in ordered
    assert ("price 0.35 -> 0.4 (+14.3 %) week" in ordered, "price 0.9 -> 1" in others) == (True, True)
    sandbox.service("2", rate="0.50")
    assert look(*CHANGES, "--json").json["changes"][0]["campaigns"] == ["week"]


@pytest.mark.e2e
@pytest.mark.covers
def test_accounts_have_lists_of_their_own(look, sandbox, monkeypatch):
    look("services")
    monkeypatch.setenv("SMMPLUS_API_KEY_SHOP", sandbox.key)
    sandbox.service("1", rate="1.00")
    assert "first look" in look(*CHANGES, "--account", "shop").out
    assert "price 0.9 -> 1" in look(*CHANGES).words


@pytest.mark.e2e
@pytest.mark.covers
def test_a_price_that_can_no_longer_be_read_is_a_change(look, told):
    look("services")
    told({"of": "1", "rate": "1,5x"}, {"of": "2", "service": ""})
    shown = look(*CHANGES, "followers")
    assert "price 0.9 -> ?" in shown.words
    assert "cannot be ordered: rate '1,5x' cannot be read" in shown.words
    assert "Entries of the price list without an ID, which cannot be compared: 1" in shown.words
    told({"of": "1"})
    again = look(*CHANGES, "followers")
    assert ("price ? -> 0.9" in again.words, "can be ordered again" in again.words) == (True, True)


@pytest.mark.e2e
@pytest.mark.covers
def test_a_list_that_is_damaged_or_cannot_be_kept_is_said(look, sandbox, tmp_path):
    look("services")
    (kept,) = (tmp_path / "data" / "smmplus" / "services").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    kept.write_text("{}", "utf-8")
    assert "was not written by this version of smmplus" in look(*CHANGES).words
    sandbox.service("1", rate="1.00")
    kept.unlink()
    kept.parent.rmdir()
    kept.parent.write_text("in the way", "utf-8")
    assert look("services").status == 0
    assert "The list cannot be kept" in look(*CHANGES).words


def test_a_kept_list_holds_exact_amounts_and_ten_thousand_services(tmp_path):
    path = tmp_path / "new" / "list.json"
    many = [service(str(number), rate=f"0.{number:020}", refill=True) for number in range(1, 10_001)]
    assert kept_services.read(path) is None
    kept_services.keep(path, many)
    found = kept_services.read(path)
    assert list(found.services.values()) == many
    assert kept_services.changes_between(found.services, kept_services.by_id(many)) == []


def test_of_two_looks_at_once_one_is_kept_as_a_whole(tmp_path):
    path = tmp_path / "list.json"
    lists = [[service(str(number), rate=rate) for number in range(1, 200)] for rate in ("1", "2")]

    def look(services):
        kept_services.keep(path, services)
        return list(kept_services.read(path).services.values())

    with ThreadPoolExecutor(4) as pool:
        assert all(found in lists for found in pool.map(look, lists * 10))


def test_limits_that_could_not_be_read_are_no_change_of_limits():
    odd = Service("1", "Likes", "Default", "Instagram", Decimal("0.5"), 0, None, unusable="min 'few' cannot be read")
    (change,) = kept_services.changes_between({"1": service("1")}, {"1": odd})
    assert change.fields == ("unusable",)


def test_the_same_price_written_otherwise_is_no_change():
    assert kept_services.changes_between({"1": service("1", rate="0.50")}, {"1": service("1", rate="0.5")}) == []


def test_a_percentage_has_no_limit():
    (change,) = kept_services.changes_between({"1": service("1", rate="1E-20")}, {"1": service("1", rate="9E19")})
    assert f"{change.rate_percent:.0f}" == "9" + "0" * 41
    (change,) = kept_services.changes_between({"1": service("1", rate="0")}, {"1": service("1", rate="1")})
    assert change.rate_percent is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "services of smmplus, version 2"}', "[" * 100_000])
def test_a_file_of_another_program_is_refused(tmp_path, text):
    (tmp_path / "list.json").write_text(text, "utf-8")
    with pytest.raises(kept_services.SheetError, match="was not written by this version"):
        kept_services.read(tmp_path / "list.json")
