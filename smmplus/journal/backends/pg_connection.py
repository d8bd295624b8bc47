"""What needs PostgreSQL's driver, which is an extra: connections that wait no longer than they are told to."""

import time
from collections.abc import Generator
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen

from smmplus.texts import _

ANSWER_SECONDS = 75.0
"""How long a statement may take, its way there and back included; the server itself ends it before that.

A network that is gone the system notices sooner. What it cannot notice: a server that hangs, or a tunnel whose other
end is gone.
"""


class Connection(psycopg.Connection[Any]):
    """A connection on which nothing waits without end."""

    def wait(self, gen: PQGen[RV], *arguments: Any, **named: Any) -> RV:
        """Wait for an answer. A connection without one is closed: what it would say is not known any more."""
        try:
            return super().wait(_bounded(gen), *arguments, **named)
        except TimeoutError as error:
            self.close()
            raise psycopg.OperationalError(str(error)) from None


def _bounded(gen: PQGen[RV]) -> Generator[Any, Any, RV]:
    """Pass on what a generator of the driver waits for, until its time is over."""
    until = time.monotonic() + ANSWER_SECONDS
    try:
        wanted = next(gen)
        while True:
            # The driver looks in several times a second, also where there is nothing to see.
            ready = yield wanted
            if time.monotonic() > until:
                raise TimeoutError(_("the server has not answered for {seconds:.0f} s", seconds=ANSWER_SECONDS))
            wanted = gen.send(ready)
    except StopIteration as done:
        answer: RV = done.value
        return answer
