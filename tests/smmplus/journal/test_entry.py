import pytest

from smmplus.journal.entry import key_of, nth_of
from tests.smmplus.batches import request_for


@pytest.mark.parametrize("nth", [1, 2, 117])
def test_a_key_tells_which_of_equal_orders_it_names(nth):
    assert nth_of(key_of(request_for(), nth)) == nth


@pytest.mark.parametrize("key", ["", "dag/run/task", "dag-run-x", "order-²", "-"])
def test_a_key_of_another_form_names_none(key):
    assert nth_of(key) == 0
