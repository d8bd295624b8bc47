"""How long one trigger that follows 10,000 orders blocks the event loop: `python -m benchmarks.airflow_trigger`.

The orders are in a real sandbox, and each round asks for all of them in 100 calls. Every step of the loop is timed,
from the first on: the longest is how long every other trigger had to wait. The goal is at most 50 ms. On a busy
machine the time includes waiting for a processor; what the step itself used is given besides.
"""

import asyncio
import gc
import json
import os
import tempfile
import time
from contextlib import contextmanager

from benchmarks import sandbox_throughput
from tests.panel import SandboxProcess

ORDERS = 10_000
ROUNDS = 3


class Steps:
    """The steps of event loops, timed."""

    def __init__(self) -> None:
        self.seconds: list[tuple[float, float]] = []
        """Of each step: on the clock, and on the processor."""

    @contextmanager
    def timed(self):
        """Time every step until the end."""
        run = asyncio.Handle._run  # noqa: SLF001 (the one place that every step passes)

        def timed_run(handle):
            began = time.perf_counter(), time.thread_time()
            run(handle)
            self.seconds.append((time.perf_counter() - began[0], time.thread_time() - began[1]))

        asyncio.Handle._run = timed_run  # noqa: SLF001
        try:
            yield
        finally:
            asyncio.Handle._run = run  # noqa: SLF001


def _place(panel: SandboxProcess) -> list[str]:
    share = ORDERS // sandbox_throughput.CONNECTIONS * sandbox_throughput.CONNECTIONS
    base = panel.address.removesuffix("/api/v2")

    async def place() -> None:
        await sandbox_throughput.place(base, share)
        await sandbox_throughput.order(base, range(share, ORDERS))

    asyncio.run(place())
    return [str(order["order"]) for order in panel.orders()]


async def _follow(panel: SandboxProcess, order_ids: list[str], steps: Steps) -> tuple[object, list[float]]:
    # Airflow makes its folder when it is imported.
    from airflow_provider_smmplus.triggers.smmplus import SmmPlusOrdersTrigger  # noqa: PLC0415
    from airflow_provider_smmplus.utils.pollers import OrdersWatch  # noqa: PLC0415

    rounds: list[float] = []

    class Counted(OrdersWatch):
        async def look(self, client):
            began = time.perf_counter()
            seen = await super().look(client)
            rounds.append(time.perf_counter() - began)
            if len(rounds) == ROUNDS - 1:
                await asyncio.to_thread(panel.advance, 2000)
            return seen

    class Trigger(SmmPlusOrdersTrigger):
        def watch(self):
            return Counted(self.order_ids, self.statuses)

    trigger = Trigger(smmplus_conn_id="smmplus_default", order_ids=order_ids, poll_interval=0.1, deadline=None)
    # A triggerer has run for a while: what its start left behind is not the trigger's.
    gc.collect()
    with steps.timed():
        event = await anext(trigger.run())
    return event.payload, rounds


def main() -> None:
    """Measure, and print the figures."""
    with (
        tempfile.TemporaryDirectory() as folder,
        SandboxProcess("--speed", "0", "--balance", "1000000", key="sandbox-key") as panel,
    ):
        os.environ["AIRFLOW_HOME"] = folder
        connection = {"conn_type": "smmplus", "host": panel.address, "password": panel.key, "extra": {"rate": 0}}
        os.environ["AIRFLOW_CONN_SMMPLUS_DEFAULT"] = json.dumps(connection)
        order_ids, steps = _place(panel), Steps()
        assert len(order_ids) == ORDERS
        payload, rounds = asyncio.run(_follow(panel, order_ids, steps))
    assert payload["status"] == "done", payload
    assert sum(payload["counts"].values()) == ORDERS, payload
    assert len(rounds) == ROUNDS
    longest, used = (1000 * max(step[clock] for step in steps.seconds) for clock in (0, 1))
    print(
        f"one trigger, {ORDERS} orders, {ORDERS // 100} calls a round of {max(rounds):.1f} s: the event loop was "
        f"blocked for {longest:.0f} ms at the longest ({used:.0f} ms of processor), in {len(steps.seconds)} steps"
    )


if __name__ == "__main__":
    main()
