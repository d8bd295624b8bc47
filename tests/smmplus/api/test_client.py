"""The synchronous client: the facts of both, and what threads make of it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from smmplus.api.client import Client
from tests.smmplus.api.client_facts import ORDER, ClientFacts, panel_at
from tests.smmplus.shells import synchronous
from tests.smmplus.wire import PATIENCE, RawServer, http


class TestClient(ClientFacts):
    client = staticmethod(synchronous)


@pytest.mark.e2e
def test_threads_share_the_bound_of_calls_under_way():
    together = threading.Barrier(3)

    def answer(_):
        together.wait(PATIENCE)  # three are needed to go on: fewer would hang, and more would be counted
        return http({"order": 1})

    with (
        RawServer(answer) as server,
        Client(panel_at(server), rate=0.0, in_flight=3) as client,
        ThreadPoolExecutor(9) as threads,
    ):
        list(threads.map(lambda _: client.add_order(ORDER), range(9)))
    assert (server.most_under_way, len(server.adds)) == (3, 9)


@pytest.mark.e2e
def test_threads_share_the_rate():
    waits = []
    with (
        RawServer(lambda _: http({"order": 1})) as server,
        Client(panel_at(server), rate=0.01, in_flight=8, sleep=waits.append) as client,
        ThreadPoolExecutor(4) as threads,
    ):
        list(threads.map(lambda _: client.add_order(ORDER), range(4)))
    assert [round(wait, -2) for wait in sorted(waits)] == [100, 200, 300]
