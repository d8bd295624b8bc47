"""Every case of the matrix, on the real command, the real panel over HTTP, and real databases, disks and locks."""

from collections.abc import Iterator

import pytest

from tests.end_to_end.command import Ledger
from tests.matrix.cases import SELECTED, Case, cases
from tests.matrix.play import Play, rows_of
from tests.matrix.world import World, can_mount

pytestmark = pytest.mark.e2e

ALL = tuple(cases())


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    with World() as made:
        yield made


@pytest.fixture(scope="session")
def disks() -> str:
    return can_mount()


def parameters() -> Iterator[object]:
    for number, case in enumerate(ALL):
        marks = () if case in SELECTED else pytest.mark.matrix
        yield pytest.param(number, case, id=case.name, marks=marks)


@pytest.mark.parametrize(("number", "case"), list(parameters()))
def test_no_order_is_lost_or_sent_twice(world: World, disks: str, number: int, case: Case, record_property):
    kind, _, what = case.fault.partition("-")
    if kind == "full" and disks:
        pytest.skip(disks)
    disk = (what.replace("sheet", "sheets"),) if kind == "full" else ()
    with world.scene_for(case.database, disk) as scene:
        became = Play(case, scene, rows_of(number), Ledger.from_here(world.panel)).play()
    record_property("became", became)
