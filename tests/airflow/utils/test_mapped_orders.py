"""Mapped tasks whose list is expanded anew, run by Airflow's task runner; the simulated panel's ledger is the judge."""

from collections import Counter

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_smmplus.operators.orders import SmmPlusAddOrderOperator
from airflow_provider_smmplus.utils.task_identity import TaskName, order_key
from smmplus import OrderRequest
from smmplus.journal.entry import Planned

pytestmark = pytest.mark.e2e


@pytest.fixture(autouse=True)
def fast(impatient):
    pass


@pytest.fixture
def expand(airflow, link):
    """Give a function that runs elements of a mapped task over a list of names: all of them, or those named."""

    def run(names, indexes=None, way="list", **given):
        links = [f"{link}/{name}" for name in names]

        def mapped(task_id, **arguments):
            partial = SmmPlusAddOrderOperator.partial(task_id=task_id, service=1, **arguments)
            if way == "dicts":
                return partial.expand_kwargs([{"link": each, "quantity": 100} for each in links])
            if way == "template":
                return partial.expand(
                    fields=[{"link": link + "/{{ '" + name + "' }}", "quantity": "{{ 10 * 10 }}"} for name in names]
                )
            return partial.expand(link=links, quantity=[100])

        which = range(len(names)) if indexes is None else indexes
        return [airflow.run(mapped, map_index=index, **given) for index in which]

    return run


@pytest.fixture
def placed(sandbox, link):
    """Give a function that counts what was ordered, by name."""
    return lambda: dict(
        sorted(
            Counter(
                order["link"].rpartition("/")[2] for order in sandbox.orders() if order["link"].startswith(link)
            ).items()
        )
    )


def states(rans):
    return [ran.state for ran in rans]


@pytest.mark.parametrize("way", ["list", "dicts", "template"])
@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("abc", "xabc"), ("abc", "bc"), ("abc", "c"), ("abc", "cab"), ("ab", "aab"), ("aab", "ab"), ("aba", "baa"),
        ("abc", "abcd"), ("abc", "bde"), ("aa", "aaa"), ("a", "b"), ("abc", "xyz"),
    ],
)  # fmt: skip
def test_a_list_that_is_expanded_anew_and_cleared_orders_what_is_new(airflow, expand, placed, way, first, then):
    assert set(states(expand(first, way=way))) == {"success"}
    airflow.max_tries += 1
    assert set(states(expand(then, way=way))) == {"success"}
    assert placed() == dict(sorted((Counter(first) | Counter(then)).items()))


def test_a_key_under_another_account_name_fails_for_good(airflow, expand, connect, placed):
    expand("a")
    connect(login="another")
    (ran,) = expand("a", run_id="later")
    assert isinstance(ran.error, AirflowFailException)
    assert "`smmplus account another --same-as main`" in str(ran.error)
    assert placed() == {"a": 1}


def test_each_element_finds_the_order_that_it_had(expand):
    before = {ran.result["order_id"] for ran in expand("abc")}
    after = [ran.result["order_id"] for ran in expand("cab")]
    assert set(after) == before


def test_in_whichever_order_the_elements_run(airflow, expand, placed):
    for names in ("abca", "aacb"):
        for index in (3, 1, 0, 2):
            expand(names, [index])
        airflow.max_tries += 1
    assert placed() == {"a": 2, "b": 1, "c": 1}


def test_of_a_list_that_grew_only_some_are_cleared(airflow, expand, placed):
    expand("ab")
    airflow.max_tries += 1
    assert states(expand("xab", [1, 2])) == ["success", "success"]
    assert placed() == {"a": 1, "b": 1}


def test_a_retry_that_orders_something_else_stops_and_a_clear_does_not(airflow, expand, placed):
    expand("ab")
    (ran,) = expand("xb", [0])
    assert isinstance(ran.error, AirflowFailException)
    assert "this retry would order something else than the try before it" in str(ran.error)
    airflow.max_tries += 1
    assert states(expand("xb", [0])) == ["success"]
    assert placed() == {"a": 1, "b": 1, "x": 1}


def test_a_cross_product_and_a_zip_are_known_by_what_they_order(airflow, link, placed):
    def crossed(links, quantities):
        def mapped(task_id):
            partial = SmmPlusAddOrderOperator.partial(task_id=task_id, service=1)
            return partial.expand(link=[f"{link}/{name}" for name in links], quantity=quantities)

        return [airflow.run(mapped, map_index=index) for index in range(len(links) * len(quantities))]

    crossed("ab", [100, 200])
    airflow.max_tries += 1
    assert set(states(crossed("xab", [200, 100]))) == {"success"}
    assert placed() == {"a": 2, "b": 2, "x": 2}


def test_an_equal_element_of_another_campaign_is_another_order(airflow, link, placed):
    def mapped(campaigns):
        return lambda task_id: SmmPlusAddOrderOperator.partial(
            task_id=task_id, service=1, quantity=100, link=f"{link}/a"
        ).expand(campaign=campaigns)

    for campaigns in (["one", "two"], ["Two ", "one", "three"]):
        for index in range(len(campaigns)):
            assert airflow.run(mapped(campaigns), map_index=index).state == "success"
        airflow.max_tries += 1
    assert placed() == {"a": 3}


def test_elements_with_a_key_of_their_own_count_for_none_without(airflow, link, placed):
    def mapped(keys):
        return lambda task_id: SmmPlusAddOrderOperator.partial(
            task_id=task_id, service=1, quantity=100, link=f"{link}/a"
        ).expand(order_key=keys)

    for keys in (["k", None], [None, "k"]):
        for index in range(2):
            assert airflow.run(mapped(keys), map_index=index).state == "success"
        airflow.max_tries += 1
    assert placed() == {"a": 2}


def test_an_element_that_can_never_be_ordered_stops_no_other(airflow, expand, placed, link):
    def mapped(task_id):
        return SmmPlusAddOrderOperator.partial(task_id=task_id, service=1).expand(
            fields=["no dict", {"link": f"{link}/a", "quantity": 100}]
        )

    assert [airflow.run(mapped, map_index=index).state for index in (1, 0)] == ["success", "failed"]
    assert placed() == {"a": 1}


def test_an_element_that_cannot_be_rendered_asks_for_a_key_where_an_equal_order_was_placed(airflow, placed, link):
    def mapped(first):
        return lambda task_id: SmmPlusAddOrderOperator.partial(task_id=task_id, service=1, quantity=100).expand(
            link=[first, f"{link}/a", f"{link}/a"]
        )

    torn = mapped("{{ nothing.at_all.here }}")
    assert airflow.run(torn, map_index=1).state == "success"
    assert airflow.run(torn, map_index=1).state == "success"
    ran = airflow.run(torn, map_index=2)
    assert "Give each element an order_key" in str(ran.error)
    assert placed() == {"a": 1}


def test_orders_that_an_earlier_version_knew_by_their_place_are_taken_up(
    airflow, expand, placed, journal, sandbox, link
):
    """The fourth is new; the others were ordered before the program was updated."""
    account = journal.ensure_account(sandbox.address, "main")
    campaign = journal.ensure_campaign(account, "campaign")
    for index, name in enumerate("aba"):
        place = TaskName("campaign", "manual__2026-02-03", "task", index)
        request = OrderRequest.of(1, {"link": f"{link}/{name}", "quantity": 100})
        batch = journal.open_batch(campaign, place.source)
        journal.plan(campaign, batch, [Planned(order_key(place), request, None)], {})
    keys = [ran.result["key"].rpartition("|")[2] for ran in expand("baac")]
    assert keys[:3] == ["1", "0", "2"]
    assert placed() == {"a": 2, "b": 1, "c": 1}
