import asyncio

import pytest
from airflow.sdk.exceptions import AirflowTaskTimeout

from airflow_provider_smmplus.utils.event_loop import run_in_event_loop


def time_out():
    raise AirflowTaskTimeout("2 seconds are over")


async def waits_for_ever(*, heard=None):
    asyncio.get_running_loop().call_soon(time_out)
    try:
        await asyncio.Event().wait()
    finally:
        if heard is not None:
            await asyncio.sleep(0)
            heard.append("left in order")


def test_a_time_out_that_comes_in_a_callback_ends_the_work():
    heard = []
    with pytest.raises(AirflowTaskTimeout, match="2 seconds are over"):
        run_in_event_loop(waits_for_ever(heard=heard))
    assert heard == ["left in order"]


def test_a_time_out_that_comes_in_the_work_ends_it():
    async def work():
        time_out()

    with pytest.raises(AirflowTaskTimeout):
        run_in_event_loop(work())


def test_a_fault_of_a_callback_is_logged_and_the_work_goes_on(caplog):
    async def work():
        asyncio.get_running_loop().call_soon(lambda: 1 // 0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return 7

    assert run_in_event_loop(work()) == 7
    assert "ZeroDivisionError" in caplog.text


def test_work_that_is_cancelled_is_cancelled():
    async def work():
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run_in_event_loop(work())
