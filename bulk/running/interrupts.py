"""Ctrl-C: the first finishes what is under way, the second says how long that takes, the third ends at once."""

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from types import FrameType, TracebackType
from typing import Self, TypeVar

_SIGNALS = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))
"""Ctrl-C, a service manager, and a terminal's closed window (not on Windows)."""

ONE_PRESS = 0.5
"""Seconds within which a further signal is the same request: a trembling finger, or a parent that passes on its own."""


class StopRequest:
    """A request from another thread that a job stops: signals reach only the main thread."""

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()
        self._asked = False
        self._listener: Callable[[], object] | None = None

    def ask(self) -> None:
        """Ask the job to stop, now or as soon as it can be asked."""
        with self._one_at_a_time:
            self._asked = True
            if self._listener is not None:
                self._listener()

    @contextmanager
    def forwarded_to(self, listener: Callable[[], object]) -> Iterator[None]:
        """Call `listener` when the stop is requested, at once if it was requested before."""
        with self._one_at_a_time:
            self._listener = listener
            if self._asked:
                listener()
        try:
            yield
        finally:
            with self._one_at_a_time:
                self._listener = None


STOP_REQUEST: ContextVar[StopRequest | None] = ContextVar("STOP_REQUEST", default=None)
"""Whose request a job listens to, in the thread that it runs in."""


class Interrupts:
    """Turns the first SIGINT, SIGTERM or SIGHUP into a request to stop, and the second into a question how long.

    What was sent is paid for, and its answer is about to come: the third ends the program as usual all the same.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._asked = asyncio.Event()
        self._hooks: list[Callable[[], None]] = []
        self._impatient: Callable[[], None] = lambda: None
        self._before: dict[signal.Signals, object] = {}
        self._clock = clock
        self._times = 0
        self._last = float("-inf")
        self._listening = ExitStack()

    @property
    def asked(self) -> bool:
        """Whether somebody asked to stop."""
        return self._asked.is_set()

    def on_stop(self, hook: Callable[[], None]) -> None:
        """Call something as soon as somebody asks to stop; at once if somebody did."""
        self._hooks.append(hook)
        if self.asked:
            hook()

    def on_impatience(self, hook: Callable[[], None]) -> None:
        """Call a function when a stop is requested again: it should say what is still waited for."""
        self._impatient = hook

    async def sleep(self, seconds: float) -> None:
        """Sleep, or until somebody asks to stop."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._asked.wait(), seconds)

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        if request := STOP_REQUEST.get():
            self._listening.enter_context(request.forwarded_to(lambda: loop.call_soon_threadsafe(self.ask)))

        def hear(number: int, _frame: FrameType | None) -> None:
            now = self._clock()
            if now - self._last < ONE_PRESS:
                return
            self._times, self._last = self._times + 1, now
            if self._times > len(answers):
                _end(number)  # the loop is held up by something
            else:
                loop.call_soon_threadsafe(answers[self._times - 1], number)

        answers = (lambda _: self.ask(), lambda _: self._impatient(), _end)
        with suppress(ValueError):  # signals reach the main thread only
            for number in _SIGNALS:
                self._before[number] = signal.signal(number, hear)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listening.close()
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal itself returned

    def ask(self) -> None:
        """Ask to stop."""
        self._asked.set()
        for hook in self._hooks:
            hook()


def _end(number: int) -> None:
    """End the program as usual.

    The event loop calls this between two steps of its tasks: in the middle of one, an order id may just have been read
    and not recorded yet.
    """
    signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    signal.raise_signal(number)


Result = TypeVar("Result")


def run_in_thread(work: Callable[[], Result]) -> Result:
    """Run something that starts an event loop; in another thread if this one has a loop, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    done: Future[Result] = Future()
    request = StopRequest()
    threading.Thread(target=lambda: _run(done, work, request), name="smmplus run").start()
    try:
        return done.result()
    except KeyboardInterrupt:
        # Ctrl-C does not reach the loop in the thread. What was sent is paid for, and its answers are about to come.
        request.ask()
        return done.result()


def _run(done: "Future[Result]", work: Callable[[], Result], request: StopRequest) -> None:
    STOP_REQUEST.set(request)
    try:
        done.set_result(work())
    except BaseException as error:  # noqa: BLE001 -- it is raised where the result is waited for
        done.set_exception(error)
