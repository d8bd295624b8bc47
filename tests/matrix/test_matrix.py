"""Every case of the matrix, on the real command, the real panel over HTTP, and real databases, disks and locks."""

from collections.abc import Iterator

import pytest

from tests.end_to_end.command import Ledger
from tests.matrix.cases import SELECTED, Case, cases
from tests.matrix.page import PAGE, counted, entry_cells
from tests.matrix.play import Play, rows_of
from tests.matrix.table import FAULTS, POINTS
from tests.matrix.world import World, can_mount

ALL = tuple(cases())


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    with World() as made:
        yield made


@pytest.fixture(scope="session")
def disks() -> str:
    return can_mount()


def parameters() -> list[object]:
    marks = {case: [pytest.mark.e2e] + [pytest.mark.matrix] * (case.name not in SELECTED) for case in ALL}
    return [pytest.param(number, case, id=case.name, marks=marks[case]) for number, case in enumerate(ALL)]


@pytest.mark.parametrize(("number", "case"), parameters())
def test_no_order_is_lost_or_sent_twice(world: World, disks: str, number: int, case: Case, record_property):
    if case.disk and disks:
        pytest.skip(disks)
    with world.scene_for(case.database, case.disk) as scene:
        became = Play(case, scene, rows_of(number), Ledger.from_here(world.panel)).play()
    record_property("case", case.name)
    record_property("became", became)


@pytest.mark.e2e
@pytest.mark.parametrize("name", ["sqlite-accepted-kill-middle-4-csv", "sqlite-writing-kill-first-4-xlsx"])
def test_the_installed_command_goes_on_as_the_forked_one_does(world: World, name: str):
    (case,) = (case for case in ALL if case.name == name)
    with world.scene_for(case.database, case.disk) as scene:
        Play(case, scene, rows_of(len(ALL)), Ledger.from_here(world.panel), plain=True).play()


def test_every_point_and_every_fault_has_cases():
    assert {case.point for case in ALL} == set(POINTS)
    assert {case.fault for case in ALL} == set(FAULTS)


def test_the_selection_has_every_point_and_every_fault():
    selected = [case for case in ALL if case.name in SELECTED]
    assert len(selected) == len(SELECTED)
    of_files = [case for case in selected if case.database == "sqlite"]
    assert {case.point for case in of_files} == set(POINTS)
    assert {case.fault for case in of_files} == {case.fault for case in ALL if case.database == "sqlite"}


def test_the_documentation_shows_exactly_the_cases_of_the_table():
    told = entry_cells(PAGE.read_text("utf-8"))
    expected = {(POINTS[point], FAULTS[fault]): numbers for (point, fault), numbers in counted(ALL).items()}
    expected["total", ""] = tuple(map(sum, zip(*counted(ALL).values(), strict=True)))
    assert told == expected, "run make matrix: it writes docs/matrix.md"
