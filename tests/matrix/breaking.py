"""Breaks a run from within: what the command does at the points of the matrix is wrapped, and nothing of it is changed.

Only time-outs, pauses and the wait for a locked journal are shorter. A fault of the world around the program (network,
disks, locks) is asked for over a socket, and has happened when the answer comes.
"""

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qs

import aiohttp
from tenacity import wait_exponential_jitter

import bulk.files.account_settings
import bulk.running.interrupts
import bulk.writing
from bulk.files import atomic_write
from smmplus.api import protocol, retry
from smmplus.api.panel import Panel
from smmplus.journal import group_commit
from smmplus.journal.backends import postgres, sqlite
from smmplus.journal.group_commit import Attempt, Intent
from smmplus.journal.journal import Journal
from smmplus.journal.state_machine import Outcome
from tests.matrix.striking import Strike, World


def install(job: dict[str, Any]) -> None:
    """Prepare this process to be broken as a job says; one that says nothing runs as it is, only less patiently."""
    _be_impatient(job)
    world = World(job["world"])
    _keep_ids(job["ids"])
    if job.get("point"):
        _INSTALL[job["point"]](Strike(world, job["fault"], job["nth"]))


def _be_impatient(job: dict[str, Any]) -> None:
    # The module's own policies look the pause up when it is due.
    retry._backoff = wait_exponential_jitter(initial=0.01, max=0.05, jitter=0.01)
    bulk.running.interrupts.ONE_PRESS = 0.0
    if seconds := job.get("timeout"):
        quick = partial(Panel, connect_timeout=seconds, read_timeout=seconds)
        bulk.files.account_settings.Panel = quick  # type: ignore[misc, assignment]
    if seconds := job.get("busy"):
        sqlite.BUSY_SECONDS = postgres.BUSY_SECONDS = seconds


def _keep_ids(path: str) -> None:
    """Write down each order id as it is read: evidence that nothing of the program can lose."""
    original = protocol.read_answer

    def read_answer(call: Any, answer: Any) -> Any:
        result = original(call, answer)
        if call.action == "add":
            with open(path, "a", encoding="utf-8") as file:  # noqa: PTH123
                file.write(f"{result}\n")
        return result

    protocol.read_answer = read_answer


def _before(owner: Any, name: str, at: Callable[..., None]) -> None:
    """Call something before a function, with its arguments."""
    original = getattr(owner, name)

    def wrapped(*arguments: Any, **options: Any) -> Any:
        at(*arguments)
        return original(*arguments, **options)

    setattr(owner, name, wrapped)


def _after(owner: Any, name: str, at: Callable[..., None]) -> None:
    """Call something after a function, with its result and its arguments."""
    original = getattr(owner, name)

    def wrapped(*arguments: Any, **options: Any) -> Any:
        result = original(*arguments, **options)
        at(result, *arguments)
        return result

    setattr(owner, name, wrapped)


def _intents(moves: Any) -> list[int]:
    return [move.entry for move in moves if isinstance(move, Intent)]


def _outcomes(moves: Any) -> list[int]:
    return [move.entry for move in moves if isinstance(move, Outcome) and move.order_id is not None]


def _strike_among(strike: Strike, entries: list[int]) -> None:
    for entry in entries:
        strike.at(f"entry {entry}")


def _planning(strike: Strike) -> None:
    _before(Journal, "plan", lambda *_: strike.at("all"))


def _planned(strike: Strike) -> None:
    _before(Journal, "commit", lambda _, moves: _strike_among(strike, _intents(moves)))


def _intending(strike: Strike) -> None:
    _after(group_commit, "apply", lambda _, __, moves: _strike_among(strike, _intents(moves)))


def _intended(strike: Strike) -> None:
    def committed(answers: Any, *_: Any) -> None:
        _strike_among(strike, [answer.entry for answer in answers if isinstance(answer, Attempt)])

    _after(Journal, "commit", committed)


def _recording(strike: Strike) -> None:
    _after(group_commit, "apply", lambda _, __, moves: _strike_among(strike, _outcomes(moves)))


def _recorded(strike: Strike) -> None:
    _after(Journal, "commit", lambda _, __, moves: _strike_among(strike, _outcomes(moves)))


def _link_of(body: Any) -> str:
    """Give the link of an `add`; "" for any other call."""
    form = parse_qs(body._value.decode())
    return form["link"][0] if form["action"] == ["add"] else ""


def _around_body(strike: Strike, before: Callable[[str], None], after: Callable[[str], None]) -> None:
    """Call something right before a body leaves, and as soon as it has left: the program waits for the answer then."""
    original = aiohttp.BytesPayload.write_with_length

    async def write_with_length(self: Any, writer: Any, content_length: Any) -> None:
        link = _link_of(self)
        due = bool(link) and strike.is_next()
        if due:
            before(link)
        await original(self, writer, content_length)
        if due:
            after(link)

    aiohttp.BytesPayload.write_with_length = write_with_length  # type: ignore[method-assign]


def _leaving(strike: Strike) -> None:
    _around_body(strike, strike.now, lambda _: None)


def _held_back(strike: Strike, mode: str, until: str) -> None:
    """Strike while the network holds something back; a fault that is no network's lets it go on its way then."""

    def before(_link: str) -> None:
        strike.world.tell("network", mode)

    def after(link: str) -> None:
        strike.world.tell("await", until, link)
        strike.now(link)
        strike.world.tell("release")

    _around_body(strike, before, after)


def _sent(strike: Strike) -> None:
    _held_back(strike, "hold", "nothing")


def _accepted(strike: Strike) -> None:
    _held_back(strike, "mute", "order")


def _answered(strike: Strike) -> None:
    def read(_: Any, call: Any, *__: Any) -> None:
        if call.action == "add":
            strike.at(dict(call.fields)["link"])

    _after(protocol, "read_answer", read)


def _following(strike: Strike) -> None:
    _before(Journal, "record_statuses", lambda *_: strike.at("all"))


def _followed(strike: Strike) -> None:
    _after(Journal, "record_statuses", lambda *_: strike.at("all"))


class _Halves:
    """A file that stops in the middle of its first writing."""

    def __init__(self, file: Any, strike: Strike) -> None:
        self._file, self._strike = file, strike

    def write(self, data: Any) -> int:
        half = len(data) // 2
        self._file.write(data[:half])
        self._file.flush()
        self._strike.at("all")
        self._file.write(data[half:])
        return len(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _in_writing(change: Callable[[Any, dict[str, Any]], tuple[Any, dict[str, Any]]]) -> None:
    original = bulk.writing.write_atomically

    def write_atomically(target: Any, write: Any, **options: Any) -> Any:
        write, options = change(write, options)
        return original(target, write, **options)

    bulk.writing.write_atomically = write_atomically


def _writing(strike: Strike) -> None:
    _in_writing(lambda write, options: (lambda file: write(_Halves(file, strike)), options))


def _written(strike: Strike) -> None:
    def change(write: Any, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        still = options.get("still", lambda: True)

        def asked() -> bool:
            strike.at("all")
            return bool(still())

        return write, {**options, "still": asked}

    _in_writing(change)


def _replaced(strike: Strike) -> None:
    _before(atomic_write, "_sync_folder", lambda *_: strike.at("all"))


def _closed(strike: Strike) -> None:
    _after(Journal, "finish_batch", lambda *_: strike.at("all"))


_INSTALL: dict[str, Callable[[Strike], None]] = {
    "planning": _planning,
    "planned": _planned,
    "intending": _intending,
    "intended": _intended,
    "leaving": _leaving,
    "sent": _sent,
    "accepted": _accepted,
    "answered": _answered,
    "recording": _recording,
    "recorded": _recorded,
    "following": _following,
    "followed": _followed,
    "writing": _writing,
    "written": _written,
    "replaced": _replaced,
    "closed": _closed,
}
