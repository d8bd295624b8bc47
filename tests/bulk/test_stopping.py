"""Ctrl-C, once and twice."""

import asyncio
import signal
import threading

import pytest

from bulk.stopping import _SIGNALS, Stopping

NEVER = 3600
"""Seconds that no test waits: being woken is what is tested."""


async def test_nobody_asked_yet():
    with Stopping() as stopping:
        assert not stopping.asked


@pytest.mark.parametrize("number", _SIGNALS)
async def test_the_first_signal_is_a_request_that_wakes_and_calls(number):
    heard = []
    with Stopping() as stopping:
        stopping.on_stop(lambda: heard.append(stopping.asked))
        asyncio.get_running_loop().call_soon(signal.raise_signal, number)
        await stopping.sleep(NEVER)
        assert stopping.asked
        assert heard == [True]


async def test_who_sleeps_after_that_does_not_wait():
    with Stopping() as stopping:
        signal.raise_signal(signal.SIGINT)
        await stopping.sleep(NEVER)
        await stopping.sleep(NEVER)


async def test_sleep_ends_by_itself():
    with Stopping() as stopping:
        await stopping.sleep(0)
        assert not stopping.asked


async def test_the_second_signal_ends_the_program_as_usual():
    with Stopping() as stopping:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        await stopping.sleep(NEVER)


async def test_after_a_sigterm_the_next_one_is_the_systems():
    with Stopping():
        signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


async def test_afterwards_signals_mean_what_they_meant_before():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Stopping():
        signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_in_another_thread_nobody_presses_ctrl_c():
    async def sleep():
        with Stopping() as stopping:
            await stopping.sleep(0)
            return stopping.asked

    done = []
    thread = threading.Thread(target=lambda: done.append(asyncio.run(sleep())))
    thread.start()
    thread.join()
    assert done == [False]
