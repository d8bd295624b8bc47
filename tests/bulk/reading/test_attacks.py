"""Every file that attacks a reader is refused in words, before it takes much processor time or 500 MB.

Processor time is counted in the time that this machine needs, right before and after, to parse 200,000 cells: on a
busy machine both take longer.
"""

import json
import subprocess
import sys

import pytest

from tests.bulk.reading.attacks import (
    REFUSED,
    formats_down_to_the_last_row,
    formats_of_many_columns_down_to_the_last_row,
    lying_dimension,
    row_heights_down_to_the_last_row,
    row_heights_that_all_differ,
)

pytestmark = pytest.mark.e2e

MOST = 27
"""Times 200,000 cells; on a machine that parses them in 0.18 seconds, 5 seconds."""

MEASURED = """
import json, resource, sys, time
from pathlib import Path
from xml.parsers import expat
def parsing():
    seen, parser, began = [], expat.ParserCreate(), time.process_time()
    parser.StartElementHandler = lambda name, attributes: seen.append(name)
    parser.Parse(b"<r>" + b'<c r="A1"><v>1</v></c>' * 200_000 + b"</r>", True)
    return time.process_time() - began
units = [parsing()]
from bulk.model.errors import SheetError
from bulk.reading import subprocess_reader
from bulk.model.options import ReadOptions
try:
    told = len(subprocess_reader.read_in_subprocess(Path(sys.argv[1]), ReadOptions()).rows)
except SheetError as error:
    told = f"{type(error).__name__}: {error}"
used = resource.getrusage(resource.RUSAGE_CHILDREN)
units.append(parsing())
print(json.dumps([told, (used.ru_utime + used.ru_stime) / max(units), used.ru_maxrss * 1024]))
"""


def measured(path):
    """Read a file; give how many rows it has or why it is refused, its processor time, and bytes of memory.

    Other work makes a reading take longer, never shorter: one that takes too long is tried again.
    """
    for _ in range(3):
        command = [sys.executable, "-c", MEASURED, str(path)]
        told, effort, memory = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        if effort < MOST:
            break
    return told, effort, memory


@pytest.mark.parametrize(("attack", "words"), REFUSED.items(), ids=lambda value: getattr(value, "__name__", None))
def test_an_attack_is_refused_before_it_does_harm(tmp_path, attack, words):
    path = attack(tmp_path)
    before = path.read_bytes() if path.stat().st_size < 1 << 20 else b""
    told, effort, memory = measured(path)
    assert str(told).startswith(f"RefusedFileError: {path}")
    assert words in told
    assert effort < MOST
    assert memory < 500_000_000
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert not before or path.read_bytes() == before


@pytest.mark.parametrize(
    "harmless",
    [
        formats_down_to_the_last_row,
        formats_of_many_columns_down_to_the_last_row,
        row_heights_down_to_the_last_row,
        row_heights_that_all_differ,
        lying_dimension,
    ],
)
def test_what_merely_breaks_other_readers_is_read(tmp_path, harmless):
    told, effort, memory = measured(harmless(tmp_path))
    assert told == 2
    assert effort < MOST
    assert memory < 500_000_000
