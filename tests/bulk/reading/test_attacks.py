"""Every file that attacks a reader is refused in words, within 5 seconds of processor time and 500 MB."""

import json
import subprocess
import sys

import pytest

from tests.bulk.reading.attacks import REFUSED, formats_down_to_the_last_row, lying_dimension

pytestmark = pytest.mark.e2e

MEASURED = """
import json, resource, sys
from pathlib import Path
from bulk.model.errors import SheetError
from bulk.reading import subprocess_reader
from bulk.model.options import ReadOptions
try:
    told = len(subprocess_reader.read_in_subprocess(Path(sys.argv[1]), ReadOptions()).rows)
except SheetError as error:
    told = f"{type(error).__name__}: {error}"
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([told, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024]))
"""


def measured(path):
    """Read a file; give how many rows it has or why it is refused, processor seconds, and bytes of memory."""
    done = subprocess.run([sys.executable, "-c", MEASURED, str(path)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize(("attack", "words"), REFUSED.items(), ids=lambda value: getattr(value, "__name__", None))
def test_an_attack_is_refused_before_it_does_harm(tmp_path, attack, words):
    path = attack(tmp_path)
    before = path.read_bytes() if path.stat().st_size < 1 << 20 else b""
    told, seconds, memory = measured(path)
    assert str(told).startswith(f"RefusedFileError: {path}")
    assert words in told
    assert seconds < 5
    assert memory < 500_000_000
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert not before or path.read_bytes() == before


@pytest.mark.parametrize("harmless", [formats_down_to_the_last_row, lying_dimension])
def test_what_merely_breaks_other_readers_is_read(tmp_path, harmless):
    told, seconds, memory = measured(harmless(tmp_path))
    assert told == 2
    assert seconds < 5
    assert memory < 500_000_000
