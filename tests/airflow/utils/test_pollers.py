"""What is looked at, round by round, of answers that the simulated panel does not give."""

from decimal import Decimal

import pytest

from airflow_provider_smmplus.utils.pollers import OrdersWatch, RefillsWatch, ServiceWatch
from smmplus.errors import FollowUpError, LostAnswerError
from smmplus.orders.models import OrderStatus, Service


def status(word):
    return OrderStatus(word, Decimal("0.1"), 0, 0, "USD")


class Answers:
    """Answers, round by round: a function of the ids that are asked for, or an error."""

    def __init__(self, *rounds):
        self.rounds = list(rounds)
        self.asked = []

    async def order_statuses(self, ids):
        self.asked.append(tuple(ids))
        answer = self.rounds[0] if len(self.rounds) == 1 else self.rounds.pop(0)
        found = answer(ids) if callable(answer) else answer
        if isinstance(found, Exception):
            raise found
        return found

    refill_statuses = order_statuses


def all_are(word):
    return lambda ids: {number: status(word) for number in ids}


async def test_what_is_over_is_not_asked_for_again():
    client = Answers({"1": status("Completed"), "2": status("Pending")}, all_are("Completed"))
    watch = OrdersWatch(["1", "2"])
    first, second = await watch.look(client), await watch.look(client)
    assert (first.done, second.done) == (False, True)
    assert client.asked == [("1", "2"), ("2",)]
    assert first.counts == {"Completed": 1, "Pending": 1}
    assert first.words == "orders: 1 Completed, 1 Pending; 1 open"
    assert second.counts == {"Completed": 2}


@pytest.mark.parametrize("rounds", [1, 20])
async def test_ids_that_an_answer_leaves_out_stay_open(rounds):
    client, watch = Answers({"1": status("Completed")}, {}), OrdersWatch(["1", "2"])
    for _ in range(rounds):
        seen = await watch.look(client)
    assert (seen.done, seen.failed) == (False, "")
    assert seen.words.endswith("1 open")


async def test_ids_that_were_not_asked_for_change_nothing():
    watch = OrdersWatch(["1"])
    seen = await watch.look(Answers({"7": status("Completed")}))
    assert not seen.done


async def test_an_id_that_is_unknown_in_three_rounds_on_end_fails_the_watch():
    unknown = {"1": FollowUpError("Incorrect order ID"), "2": status("Completed")}
    client, watch = Answers(unknown), OrdersWatch(["1", "2"])
    seen = [await watch.look(client) for _ in range(3)]
    assert [each.failed for each in seen] == ["", "", "order 1: the panel does not know"]
    assert not any(each.done for each in seen)


async def test_an_id_that_is_known_again_was_never_unknown():
    """A panel that restarts forgets for a moment."""
    unknown, known = {"1": FollowUpError("Incorrect order ID")}, {"1": status("Pending")}
    client, watch = Answers(unknown, unknown, known, unknown, unknown, known), OrdersWatch(["1"])
    assert [(await watch.look(client)).failed for _ in range(6)] == [""] * 6


async def test_one_bad_id_that_spoils_a_call_is_found():
    """Some panels have one error for the whole call."""

    def answer(ids):
        return FollowUpError("Incorrect order ID") if "3" in ids else all_are("Completed")(ids)

    watch = OrdersWatch(map(str, range(1, 9)))
    seen = [await watch.look(Answers(answer)) for _ in range(3)]
    assert seen[0].counts == {"Completed": 7}
    assert seen[2].failed == "order 3: the panel does not know"


async def test_one_bad_refill_that_spoils_a_call_is_found():
    def answer(ids):
        return FollowUpError("Refill not found") if "3" in ids else dict.fromkeys(ids, "Completed")

    watch = RefillsWatch(["1", "2", "3"])
    seen = [await watch.look(Answers(answer)) for _ in range(3)]
    assert (seen[0].counts, seen[2].failed) == ({"Completed": 2}, "refill 3: the panel does not know")


async def test_thousands_are_asked_for_by_the_hundred_each_once():
    numbers = [str(number) for number in range(10_000)]
    client = Answers(all_are("Completed"))
    seen = await OrdersWatch([*numbers, *numbers]).look(client)
    assert seen.done
    assert seen.counts == {"Completed": 10_000}
    assert len(client.asked) == 100
    assert sorted(number for ids in client.asked for number in ids) == sorted(numbers)


async def test_what_came_is_kept_although_another_call_failed():
    numbers = [str(number) for number in range(150)]

    def answer(ids):
        return LostAnswerError("no answer") if "120" in ids else all_are("Completed")(ids)

    client, watch = Answers(answer), OrdersWatch(numbers)
    with pytest.raises(LostAnswerError):
        await watch.look(client)
    client.rounds = [all_are("Completed")]
    client.asked.clear()
    assert (await watch.look(client)).counts == {"Completed": 150}
    assert client.asked == [tuple(numbers[100:])]


@pytest.mark.parametrize(
    ("statuses", "word", "done", "failed"),
    [
        ([], "Completed", True, ""),
        ([], "Success", True, ""),
        ([], "Partial", True, ""),
        ([], "Canceled", True, ""),
        ([], "Cancelled", True, ""),
        ([], "Refunded", True, ""),
        ([], "Fail", True, ""),
        ([], "Pending", False, ""),
        ([], "Processing", False, ""),
        ([], "In progress", False, ""),
        ([], "Active", False, ""),
        ([], "a word that nobody knows", False, ""),
        (["Completed"], "Completed", True, ""),
        (["completed"], "COMPLETED", True, ""),
        (["In progress"], "In progress", True, ""),
        (["Completed"], "In progress", False, ""),
        (["Completed", "Partial"], "Partial", True, ""),
        (["Completed"], "Partial", False, "order 1: ended as Partial"),
        (["In progress"], "Canceled", False, "order 1: ended as Canceled"),
    ],
)
async def test_every_status_word(statuses, word, done, failed):
    seen = await OrdersWatch(["1"], statuses).look(Answers(all_are(word)))
    assert (seen.done, seen.failed, dict(seen.counts)) == (done, failed, {word: 1})


@pytest.mark.parametrize(
    ("word", "done", "failed"),
    [
        ("Completed", True, ""),
        ("completed", True, ""),
        ("Pending", False, ""),
        ("In progress", False, ""),
        ("Rejected", False, "refill 1: ended as Rejected"),
        ("Error", False, "refill 1: ended as Error"),
        ("Canceled", False, "refill 1: ended as Canceled"),
    ],
)
async def test_every_status_word_of_refills(word, done, failed):
    seen = await RefillsWatch(["1"]).look(Answers({"1": word}))
    assert (seen.done, seen.failed) == (done, failed)


async def test_of_many_that_failed_some_are_named():
    seen = await OrdersWatch(map(str, range(9)), ["Completed"]).look(Answers(all_are("Canceled")))
    assert seen.failed == "9 orders (0, 1, 2, 3, 4 and 4 more): ended as Canceled"


async def test_a_status_that_is_not_known_is_strange_and_named_until_it_is_gone():
    client, watch = Answers(all_are("Вручную"), all_are("Pending")), OrdersWatch(["1", "2"])
    first, second = await watch.look(client), await watch.look(client)
    assert (first.strange, first.done, "unknown order status 'Вручную'" in first.words) == (True, False, True)
    assert (second.strange, second.words) == (False, "orders: 2 Pending; 2 open")


@pytest.mark.parametrize(("word", "strange"), [("Diproses", True), ("Pending", False), ("in progress", False)])
async def test_a_refill_s_status_that_is_not_known_is_strange(word, strange):
    seen = await RefillsWatch(["1"]).look(Answers({"1": word}))
    assert (seen.strange, seen.done, repr(word) in seen.words) == (strange, False, strange)


class Offer:
    """A panel with one service."""

    def __init__(self, **fields):
        about = {"id": "1", "name": "x", "type": "Default", "category": "x", "rate": Decimal("0.9"), "min": 1, "max": 9}
        self.service = Service(**{**about, **fields})

    async def services(self):
        return [self.service]


async def test_a_service_that_cannot_be_ordered_is_not_offered_yet():
    seen = await ServiceWatch("1").look(Offer(rate=None, unusable="rate '1,234' cannot be read"))
    assert (seen.done, seen.strange, "rate '1,234' cannot be read" in seen.words) == (False, True, True)
    assert (await ServiceWatch("1").look(Offer())).done
