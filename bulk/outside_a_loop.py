"""Work that runs an event loop of its own, called from wherever: a notebook's cells run inside a loop already."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from bulk.stopping import WISH, Wish

Result = TypeVar("Result")


def outside_a_loop(work: Callable[[], Result]) -> Result:
    """Do something that runs an event loop of its own: in a thread where this one is in a loop, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    done: Future[Result] = Future()
    wish = Wish()
    threading.Thread(target=lambda: _settle(done, work, wish), name="smmplus run").start()
    try:
        return done.result()
    except KeyboardInterrupt:
        # The loop in the thread hears no Ctrl-C. What was sent is paid for, and its answers are about to come.
        wish.ask()
        return done.result()


def _settle(done: "Future[Result]", work: Callable[[], Result], wish: Wish) -> None:
    WISH.set(wish)
    try:
        done.set_result(work())
    except BaseException as error:  # noqa: BLE001 -- it is raised where the result is waited for
        done.set_exception(error)
