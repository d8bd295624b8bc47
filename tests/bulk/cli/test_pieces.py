import json
from decimal import Decimal

import pytest

from bulk.cli.json_output import pieces_of


@pytest.mark.parametrize("count", [0, 1, 2, 500, 501, 1203])
def test_an_object_whose_rows_are_made_as_they_are_written_reads_like_any_other(count):
    rows = [{"row": number, "link": f"“{number}”", "cost": None} for number in range(count)]
    document = {"file": "a\nb", "planned": rows, "total": Decimal("1.50"), "orders": rows}
    lazy = {name: iter(value) if isinstance(value, list) else value for name, value in document.items()}
    assert "".join(pieces_of(lazy)) == json.dumps(document, default=str)


def test_an_empty_object():
    assert "".join(pieces_of({})) == "{}"


def test_few_rows_are_in_memory_at_once():
    made = []
    pieces = pieces_of({"orders": ({"row": made.append(number)} for number in range(2000))})
    next(pieces), next(pieces), next(pieces)
    assert len(made) == 500
