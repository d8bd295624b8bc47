"""Lets a fault happen as the n-th order passes a point, once."""

import os
import signal
import socket
import threading
import time
from dataclasses import dataclass

SIGNALS: dict[str, tuple[signal.Signals, ...]] = {
    "kill": (signal.SIGKILL,),
    "term": (signal.SIGTERM,),
    "ctrl-c": (signal.SIGINT,),
    "ctrl-c-twice": (signal.SIGINT, signal.SIGINT),
}

_HEARD = 0.05
"""Seconds for the main thread to hear a signal that another thread sent."""


class World:
    """The way to ask for what happens outside the program."""

    def __init__(self, path: str) -> None:
        self._path = path

    def tell(self, *words: str) -> None:
        """Say something, and wait until it is done."""
        with socket.socket(socket.AF_UNIX) as speaking:
            speaking.connect(self._path)
            speaking.sendall(" ".join(words).encode() + b"\n")
            answer = speaking.recv(1000)
        if answer != b"done":
            raise SystemExit(f"the matrix itself failed at {words}: {answer.decode()}")


@dataclass(slots=True)
class Strike:
    """Lets the fault happen at the n-th passing of the point, once."""

    world: World
    fault: str
    nth: int
    passed: int = 0
    struck: bool = False

    def is_next(self, times: int = 1) -> bool:
        """Count a passing, and tell whether this is the one."""
        self.passed += times
        due = not self.struck and self.passed >= self.nth
        self.struck = self.struck or due
        return due

    def at(self, who: str, times: int = 1) -> None:
        """Pass the point with an entry or a link; strike if it is time."""
        if times and self.is_next(times):
            self.now(who)

    def now(self, who: str) -> None:
        """Let it happen."""
        self.world.tell("struck", who)
        if self.fault not in SIGNALS:
            self.world.tell("fault", self.fault)
            return
        for number in SIGNALS[self.fault]:
            os.kill(os.getpid(), number)
            if threading.current_thread() is not threading.main_thread():
                time.sleep(_HEARD)
