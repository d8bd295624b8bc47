"""Ctrl-C, once: finish what is under way, send nothing more, and do not wait for anything."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))
"""Ctrl-C, the request of a service manager, and the closed window of a terminal (which Windows does not tell)."""


class Stopping:
    """Turns the first SIGINT or SIGTERM into a request to stop; the second one ends the program as usual."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self._hooks: list[Callable[[], None]] = []
        self._before: dict[signal.Signals, object] = {}

    @property
    def asked(self) -> bool:
        """Whether somebody asked to stop."""
        return self._asked.is_set()

    def on_stop(self, hook: Callable[[], None]) -> None:
        """Call something as soon as somebody asks to stop."""
        self._hooks.append(hook)

    async def sleep(self, seconds: float) -> None:
        """Sleep, or until somebody asks to stop."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._asked.wait(), seconds)

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()

        def ask(number: int, _frame: FrameType | None) -> None:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
            loop.call_soon_threadsafe(self._ask)

        with suppress(ValueError):  # signals reach the main thread only; elsewhere nobody presses Ctrl-C
            for number in _SIGNALS:
                self._before[number] = signal.signal(number, ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal itself returned

    def _ask(self) -> None:
        self._asked.set()
        for hook in self._hooks:
            hook()
