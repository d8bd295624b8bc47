"""The asynchronous client: the facts of both, and what placing needs of it."""

import asyncio
import threading

import pytest

from smmplus.api import protocol
from smmplus.api.async_client import AsyncClient
from smmplus.api.panel import Panel
from smmplus.errors import LostAnswerError, NeverSentError
from tests.smmplus.api.client_facts import KEY, ORDER, ClientFacts, panel_at
from tests.smmplus.shells import asynchronous
from tests.smmplus.wire import PATIENCE, RawServer, http

pytestmark = pytest.mark.e2e


class TestAsyncClient(ClientFacts):
    client = staticmethod(asynchronous)


def held_back():
    raise NeverSentError("too late")


async def test_what_before_body_raises_keeps_the_order_from_the_panel():
    with RawServer(lambda _: http({"order": 1})) as server:
        async with AsyncClient(panel_at(server), rate=0.0) as client:
            with pytest.raises(NeverSentError, match="too late"):
                await client.ask(protocol.add(ORDER), before_body=held_back)
    assert [request for request in server.requests if request.whole or request.body] == []


async def test_what_before_body_raises_on_a_pooled_connection_keeps_the_order_from_the_panel():
    with RawServer(lambda _: http({"order": 1})) as server:
        async with AsyncClient(panel_at(server), rate=0.0) as client:
            await client.ask(protocol.add(ORDER))
            with pytest.raises(NeverSentError, match="too late"):
                await client.ask(protocol.add(ORDER), before_body=held_back)
            await client.ask(protocol.add(ORDER))
    assert len(server.adds) == 2


async def test_before_body_is_called_when_the_connection_stands():
    seen = []
    with RawServer(lambda _: http({"order": 1})) as server:
        async with AsyncClient(panel_at(server), rate=0.0) as client:
            await client.ask(
                protocol.add(ORDER), before_body=lambda: seen.append((server.connections, len(server.adds)))
            )
    assert len(seen) == 1
    assert seen[0][1] == 0


async def test_before_body_is_not_called_without_a_connection(full_server):
    called = []
    async with AsyncClient(Panel(KEY, full_server, connect_timeout=0.2), rate=0.0) as client:
        with pytest.raises(NeverSentError):
            await client.ask(protocol.add(ORDER), before_body=lambda: called.append(1))
    assert called == []


async def test_an_error_of_this_program_in_before_body_keeps_the_order_from_the_panel():
    with RawServer(lambda _: http({"order": 1})) as server:
        async with AsyncClient(panel_at(server), rate=0.0) as client:
            with pytest.raises(NeverSentError):
                await client.ask(protocol.add(ORDER), before_body=lambda: 1 / 0)
    assert server.adds == []


async def test_the_bound_of_calls_under_way_holds():
    together = threading.Barrier(3)

    def answer(_):
        together.wait(PATIENCE)  # three are needed to go on: fewer would hang, and more would be counted
        return http({"order": 1})

    with RawServer(answer) as server:
        async with AsyncClient(panel_at(server), rate=0.0, in_flight=3) as client:
            await asyncio.gather(*(client.add_order(ORDER) for _ in range(9)))
    assert (server.most_under_way, len(server.adds)) == (3, 9)


async def test_a_client_outside_its_context_sends_nothing():
    with RawServer(lambda _: http({"order": 1})) as server:
        client = AsyncClient(panel_at(server), rate=0.0)
        with pytest.raises(RuntimeError, match="async with"):
            await client.add_order(ORDER)
    assert server.connections == 0


async def test_a_client_that_was_never_opened_may_be_closed():
    client = AsyncClient(Panel(KEY))
    await client.__aexit__(None, None, None)
    assert client.in_flight == 16


async def test_a_call_that_is_given_up_sends_no_second_request():
    over, arrived = threading.Event(), threading.Event()

    def answer(_):
        arrived.set()
        over.wait(PATIENCE)

    with RawServer(answer) as server:
        async with AsyncClient(panel_at(server), rate=0.0) as client:
            task = asyncio.create_task(client.add_order(ORDER))
            await asyncio.to_thread(arrived.wait, PATIENCE)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        over.set()
    assert len(server.adds) == 1


async def test_a_lost_answer_names_no_address_and_no_form():
    with RawServer(lambda _: None) as server:
        async with AsyncClient(panel_at(server), rate=0.0) as client:
            with pytest.raises(LostAnswerError) as caught:
                await client.add_order(ORDER)
    assert "example.com" not in str(caught.value)
