"""Who an order is."""

import itertools

import pytest

from airflow_provider_smmplus.utils.task_identity import TaskName, order_key
from smmplus.errors import ConfigurationError

TASK = TaskName("campaign", "manual__2026-02-03T04:05:06+00:00", "order")


def test_the_key_of_a_task_is_written_down():
    """It must never change: orders that are in journals would be placed once more."""
    assert order_key(TASK) == "campaign|manual__2026-02-03T04:05:06+00:00|order|-1"
    mapped = TaskName("campaign", "daily run/1", "group.order", 7)
    assert order_key(mapped) == "campaign|daily run%2F1|group.order|7"
    assert order_key(mapped, "spring: 10|a/b") == "campaign|group.order|spring: 10%7Ca%2Fb"


def test_another_task_run_or_index_is_another_order():
    names = [TaskName(*parts) for parts in itertools.product("ab", "ab", "ab", (-1, 0, 1))]
    assert len({order_key(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (TaskName("a|b", "c", "d"), TaskName("a", "b|c", "d")),
        (TaskName("a", "b", "c|0", 1), TaskName("a", "b", "c", 1)),
        (TaskName("a%7Cb", "c", "d"), TaskName("a|b", "c", "d")),
    ],
)
def test_no_separator_in_a_name_makes_two_orders_one(one, other):
    assert order_key(one) != order_key(other)


def test_a_key_of_ones_own_is_the_same_in_every_run_and_index():
    again = TaskName("campaign", "another run", "order", 3)
    assert order_key(TASK, "spring") == order_key(again, "spring")


def test_a_key_of_ones_own_is_the_tasks_alone():
    keys = {order_key(TaskName(dag, "run", task), "spring") for dag in "ab" for task in "ab"}
    assert len(keys) == 4


def test_a_key_of_ones_own_is_never_a_runs_key():
    own = order_key(TaskName("campaign", "run", "order"), "-1")
    assert own != order_key(TaskName("campaign", "order", "key", -1))


@pytest.mark.parametrize("own", ["", " ", "None", ["spring"], True])
def test_an_empty_key_is_no_key(own):
    """A template that came to nothing would make all runs one order."""
    with pytest.raises(ConfigurationError, match=r"the key is .*: its template rendered no value"):
        order_key(TASK, own)


def test_a_number_is_a_key():
    assert order_key(TASK, 5) == order_key(TASK, "5")


def test_no_key_holds_a_slash():
    """The journal names an order "campaign/key"."""
    assert "/" not in order_key(TaskName("a/b", "c/d", "e/f", 1)) + order_key(TaskName("a/b", "c", "d"), "x/y")


def test_the_source_tells_the_mapped_index():
    assert TaskName("campaign", "run", "order").source == "campaign order run"
    assert TaskName("campaign", "run", "order", 0).source == "campaign order run [0]"


def test_a_sheets_batch_is_one_for_all_tasks_of_a_run():
    batch = TaskName("campaign", "run", "check").batch("s3://bucket/week.xlsx")
    assert batch == TaskName("campaign", "run", "place", 4).batch("s3://bucket/week.xlsx")
    assert batch != TaskName("campaign", "later", "check").batch("s3://bucket/week.xlsx")
    assert batch != TaskName("campaign", "run", "check").batch("s3://bucket/other.xlsx")
