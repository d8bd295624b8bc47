"""Mutation testing: put one small fault after the other into the modules that decide about money, and run their tests.

`python -m tests.mutation [file …]`. A fault that no test notices is a survivor.

Nothing on disk is changed: each fault lives in a process of its own, whose import gives the changed text. Survivors
that do not matter stand in `survivors.toml`, with the reason; any other one, and any line there that is not needed,
makes it fail. What is changed and what is not, `mutants` says.
"""

import argparse
import contextlib
import faulthandler
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import signal
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType

import coverage
import pytest

from tests.mutation.mutants import Mutant, mutants_of

TESTS = {
    "smmplus/journal/state_machine.py": ("tests/smmplus/journal/test_state_machine.py",),
    "smmplus/api/retry.py": ("tests/smmplus/api/test_retry.py",),
    "smmplus/api/protocol.py": ("tests/smmplus/api/test_protocol.py", "tests/smmplus/api/test_single_answer.py"),
    "smmplus/placing/placer.py": (
        "tests/smmplus/placing/test_placer.py",
        "tests/smmplus/placing/test_cancelled.py",
        "tests/smmplus/placing/test_caution.py",
    ),
    "smmplus/journal/group_commit.py": (
        "tests/smmplus/journal/test_group_commit.py",
        "tests/smmplus/journal/test_budgets.py",
    ),
}
"""Module -> the tests that must notice. Those on PostgreSQL are left out: the code is the same, and they are slow."""

KNOWN = Path(__file__).with_name("survivors.toml")

PATIENCE = 6
"""A fault may make a test so many times as slow; after that it counts as noticed: it hangs."""

LEAST_SECONDS = 15.0

for _library in (
    "aiohttp.web",
    "hypothesis.strategies",
    "psycopg",
    "requests",
    "sqlalchemy.dialects.sqlite",
    "tenacity",
):
    importlib.import_module(_library)  # once for all, not once a mutant; never anything of the project itself


class _Import(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives a module the text of a mutant."""

    def __init__(self, file: Path, source: str) -> None:
        self._file, self._source = file, source
        self._module = ".".join(file.with_suffix("").parts)

    def find_spec(self, name: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        """Find the one module."""
        return importlib.util.spec_from_loader(name, self, origin=str(self._file)) if name == self._module else None

    def exec_module(self, module: ModuleType) -> None:
        """Run the changed text."""
        module.__file__ = str(self._file)
        exec(compile(self._source, str(self._file.resolve()), "exec"), module.__dict__)  # noqa: S102 - our own text, changed


class _Chosen:
    """Leaves all tests out but some (none without any), runs the quick ones first, and ends one that hangs."""

    def __init__(self, seconds: Mapping[str, float], names: frozenset[str] = frozenset()) -> None:
        self._seconds, self._names = seconds, names

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave them out."""
        chosen = (item for item in items if not self._names or item.nodeid in self._names)
        items[:] = sorted(chosen, key=lambda item: self._seconds.get(item.nodeid, 0.0))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """End the process where a test takes too long."""
        most = max(LEAST_SECONDS, PATIENCE * self._seconds.get(item.nodeid, 0.0))
        faulthandler.dump_traceback_later(most, exit=True)
        try:
            return (yield)
        finally:
            faulthandler.cancel_dump_traceback_later()


class _Watching:
    """Finds out how long each test takes, and which lines of a module it runs.

    What runs outside of any test, at import, is the test ""'s.
    """

    def __init__(self, file: Path) -> None:
        self._coverage = coverage.Coverage(data_file=None, config_file=False, include=[str(file.resolve())])
        self._file = str(file.resolve())
        self.seconds: dict[str, float] = {}
        self._coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Watch one test."""
        self._coverage.switch_context(item.nodeid)
        began = time.monotonic()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = time.monotonic() - began

    def tests_of_lines(self) -> dict[int, list[str]]:
        """Give what was found out."""
        self._coverage.stop()
        return self._coverage.get_data().contexts_by_lineno(self._file)


def _pytest(file: Path, source: str, plugin: object) -> int:
    sys.meta_path.insert(0, _Import(file, source))
    options = ["-x", "-q", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:faulthandler", "-k", "not postgresql"]
    return int(pytest.main([*options, *TESTS[str(file)]], plugins=[plugin]))


def _fork(work: Callable[[], int]) -> int:
    """Do something in a silent process of its own, and give its number."""
    process = os.fork()
    if not process:
        os.setsid()  # what the tests start goes with them
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        status = 1
        with contextlib.suppress(BaseException):
            status = work()
        os._exit(status)
    return process


@dataclass(frozen=True, slots=True)
class _Trial:
    """A process that runs tests."""

    process: int
    ends: float

    @classmethod
    def begin(cls, work: Callable[[], int], seconds: float) -> "_Trial":
        return cls(_fork(work), time.monotonic() + seconds)

    def passed(self) -> bool | None:
        """Tell whether all tests passed; None while they are at it. Hanging is noticed, too."""
        done, status = os.waitpid(self.process, os.WNOHANG)
        if not done and time.monotonic() < self.ends:
            return None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process, signal.SIGKILL)
        if not done:
            os.waitpid(self.process, 0)
        return bool(done) and os.waitstatus_to_exitcode(status) == 0


def _try(works: Iterable[Callable[[], int]], seconds: float, workers: int) -> list[bool]:
    """Run tests in processes of their own, some at the same time; tell of each whether all of them passed."""
    waiting, trials, passed = list(enumerate(works)), dict[int, _Trial](), dict[int, bool]()
    while waiting or trials:
        while waiting and len(trials) < workers:
            number, work = waiting.pop(0)
            trials[number] = _Trial.begin(work, seconds)
        for number, trial in list(trials.items()):
            if (result := trial.passed()) is not None:
                passed[number] = result
                del trials[number]
        time.sleep(0.01)
    return [passed[number] for number in sorted(passed)]


@dataclass(frozen=True, slots=True)
class _Watched:
    """What a run of a module's tests without any fault shows."""

    seconds: dict[str, float]
    """Test -> how long it took."""
    tests: dict[str, list[str]]
    """Line -> the tests that run it."""


def _watch(file: Path) -> _Watched:
    """Run a module's tests without any fault."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "watched.json"

        def watch() -> int:
            watching = _Watching(file)
            status = _pytest(file, file.read_text("utf-8"), watching)
            answer.write_text(json.dumps([watching.seconds, watching.tests_of_lines()]), "utf-8")
            return status

        if _try([watch], 1200.0, 1) != [True]:
            raise SystemExit(f"{file}: its tests fail without any fault; mend that first")
        return _Watched(*json.loads(answer.read_text("utf-8")))


def _chosen(mutant: Mutant, watched: _Watched) -> _Chosen:
    """Choose the tests that run a mutant's lines; all of them where it runs at import, be it a test's, or nowhere.

    All means all: a test that only looks at what an import made (a constant, a default) runs no line of the module.
    """
    names = frozenset(name for line in mutant.lines for name in watched.tests.get(str(line), ()))
    return _Chosen(watched.seconds) if "" in names else _Chosen(watched.seconds, names)


def _survivors(file: Path, workers: int) -> tuple[int, list[Mutant]]:
    """Try every mutant of a module; give how many there are, and those that nobody noticed."""
    watched = _watch(file)
    seconds = 60 + PATIENCE * sum(watched.seconds.values())
    mutants = mutants_of(file.read_text("utf-8"))
    works = [partial(_pytest, file, mutant.source, _chosen(mutant, watched)) for mutant in mutants]
    passed = _try(works, seconds, workers)
    return len(mutants), [mutant for mutant, survived in zip(mutants, passed, strict=True) if survived]


def _judge(file: Path, survivors: Iterable[Mutant], known: dict[str, str]) -> int:
    """Say what matters of a module's survivors; give how many lines that are."""
    names = [mutant.name for mutant in survivors]
    new = [mutant for mutant in survivors if not any(_is_meant(line, mutant.name) for line in known)]
    for mutant in new:
        _say(f"{file}:{mutant.line}: survives: {mutant.name}")
    needless = [line for line in known if not any(_is_meant(line, name) for name in names)]
    for line in needless:
        _say(f"{KNOWN.name}: is noticed by a test, or no mutant any more: {line}")
    return len(new) + len(needless)


def _is_meant(line: str, name: str) -> bool:
    """Tell whether a line of the known survivors speaks of a mutant; one that ends with a star of all that begin so."""
    return name.startswith(line[:-1]) if line.endswith("*") else name == line


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what the program is for


def main() -> int:
    """Try the modules; 0 where no survivor matters."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("files", nargs="*", default=list(TESTS), help="modules; all of them without any")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="mutants tried at the same time")
    asked = parser.parse_args()
    reasons = tomllib.loads(KNOWN.read_text("utf-8"))
    wrong = 0
    for name in asked.files:
        began, file = time.monotonic(), Path(name)
        count, survivors = _survivors(file, asked.workers)
        known = {line["mutant"]: line["why"] for line in reasons.get(name, [])}
        wrong += _judge(file, survivors, known)
        seconds = time.monotonic() - began
        _say(f"{file}: {count} mutants, {count - len(survivors)} noticed, {len(known)} known, {seconds:.0f} s")
    _say("no survivor that matters" if not wrong else f"{wrong} lines to look at")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
