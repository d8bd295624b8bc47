"""Both clients as contexts with blocking methods; nothing sleeps: the pauses are written into `waits`."""

import asyncio
from contextlib import contextmanager

from smmplus.api.async_client import AsyncClient
from smmplus.api.client import Client


class Blocking:
    """An asynchronous client with methods that wait."""

    def __init__(self, runner, client):
        self._runner = runner
        self._client = client

    def __getattr__(self, name):
        method = getattr(self._client, name)
        return lambda *arguments: self._runner.run(method(*arguments))


@contextmanager
def synchronous(panel, *, waits=None, rate=0.0, in_flight=4):
    """Open the client on requests."""
    sleep = (waits if waits is not None else []).append
    with Client(panel, rate=rate, in_flight=in_flight, sleep=sleep) as client:
        yield client


@contextmanager
def asynchronous(panel, *, waits=None, rate=0.0, in_flight=4):
    """Open the client on aiohttp."""
    waits = waits if waits is not None else []

    async def sleep(seconds):
        waits.append(seconds)

    client = AsyncClient(panel, rate=rate, in_flight=in_flight, sleep=sleep)
    with asyncio.Runner() as runner:
        runner.run(client.__aenter__())
        try:
            yield Blocking(runner, client)
        finally:
            runner.run(client.__aexit__(None, None, None))
