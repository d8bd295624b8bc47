from dataclasses import replace

import pytest

from smmplus.async_client import AsyncClient
from smmplus.errors import FollowUpError
from smmplus.journal import Event
from smmplus.tracking import LONGEST_PAUSE, next_pause, open_orders, poll
from tests.smmplus.client_facts import panel_at
from tests.smmplus.desk import request_for
from tests.smmplus.wire import RawServer, http


def test_only_orders_that_may_still_change_are_open(desk):
    accepted, doubtful = desk.accepted("501"), desk.in_doubt()
    final = replace(desk.accepted("502"), final=True)
    assert open_orders([accepted, doubtful, final]) == {"501": accepted.id}


@pytest.mark.parametrize(
    ("pause", "moved", "wanted"),
    [(60.0, True, 60.0), (60.0, False, 90.0), (500.0, False, LONGEST_PAUSE), (500.0, True, 60.0)],
)
def test_the_pause_grows_by_half_while_nothing_moves(pause, moved, wanted):
    assert next_pause(pause, 60.0, moved=moved) == wanted


def test_a_pause_that_was_asked_for_is_never_shortened():
    assert next_pause(900.0, 900.0, moved=False) == 900.0


@pytest.mark.e2e
async def test_what_the_panel_says_is_written_down_and_given(sandbox, panel, desk, link):
    (entry,) = desk.plan(request=request_for(link))
    async with AsyncClient(panel, rate=0.0) as client:
        order_id = await client.add_order(entry.request)
        desk.settle(desk.intend(entry), Event.ORDER_ID, order_id)
        sandbox.advance(3600)
        found = await poll(client, desk.journal, {order_id: entry.id})
    now = desk.now(entry)
    assert (found[entry.id].status, now.order_status, now.final, str(now.charge)) == (
        "Completed",
        "Completed",
        True,
        "0.9",
    )


@pytest.mark.e2e
async def test_what_the_panel_refuses_or_leaves_out_changes_nothing(desk):
    refused, missing = desk.accepted("501"), desk.accepted("502")
    with RawServer(lambda _: http({"501": {"error": "Incorrect order ID"}, "503": {"status": "Completed"}})) as server:
        async with AsyncClient(panel_at(server), rate=0.0) as client:
            found = await poll(client, desk.journal, {"501": refused.id, "502": missing.id})
    assert ({entry: type(answer) for entry, answer in found.items()}) == {refused.id: FollowUpError}
    assert (desk.now(refused), desk.now(missing)) == (refused, missing)


@pytest.mark.e2e
async def test_one_bad_id_that_makes_a_panel_refuse_a_whole_batch_costs_the_others_nothing(desk):
    """Seen on panels: a batch with one top-level error and HTTP 200."""
    entries = {str(number): desk.accepted(str(number)).id for number in range(501, 511)}

    def answer(request):
        ids = (request.fields.get("orders") or request.fields["order"]).split(",")
        status = {"status": "Completed", "charge": "1", "start_count": "1", "remains": "0", "currency": "USD"}
        return http({"error": "Incorrect order ID"} if "507" in ids else dict.fromkeys(ids, status))

    with RawServer(answer) as server:
        async with AsyncClient(panel_at(server), rate=0.0) as client:
            found = await poll(client, desk.journal, entries)
    refused = [order_id for order_id, entry in entries.items() if isinstance(found[entry], FollowUpError)]
    assert (len(found), refused) == (10, ["507"])
