import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smmplus.journal.entry import key_of
from smmplus.orders.models import OrderRequest, OrderStatus, Phase, phase

# Fixed for ever: journals on users' disks hold these. Another normal form needs another CONTENT_VERSION.
GOLDEN = [
    (
        OrderRequest.of(1, {"link": "https://example.com/p", "quantity": 1000}),
        '[1,"1",[["link","https://example.com/p"],["quantity","1000"]]]',
        "15ade5b74dd0abcbc951f5bc23b9737c3683d511c5c6e80aa16c88e9b4baa3fb",
    ),
    (
        OrderRequest.of("12", {"quantity": "50", "link": " https://example.com/p ", "runs": "", "interval": None}),
        '[1,"12",[["link","https://example.com/p"],["quantity","50"]]]',
        "bd91cd100f1f33c858b9248b3a973e41ce9afdf77ec6a5fc05a95bf6f4df5ca3",
    ),
    (
        OrderRequest.of(7, {"link": "@someone", "comments": "Wow!\r\n\r\n  Bagus sekali 👍 \n"}),
        '[1,"7",[["comments","Wow!\\nBagus sekali 👍"],["link","@someone"]]]',
        "22d76262b51ba7794429dbea0038358c6e716373d67bd0c058250527699c57c9",
    ),
    (
        OrderRequest.of(21, {"username": "someone", "min": 10, "max": 20, "delay": 0, "expiry": "31/12/2026"}),
        '[1,"21",[["delay","0"],["expiry","31/12/2026"],["max","20"],["min","10"],["username","someone"]]]',
        "d2931a59ce23c1c698b7843c2ded6606769766125d41773970bbb6fb00b63834",
    ),
    (OrderRequest.of("", {}), '[1,"",[]]', "7ccbb56b1a96774cd408f2a657935feff6ee35e5642a6054f7e9eedb8fcd8948"),
]

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
FIELDS = st.dictionaries(TEXT, TEXT, max_size=5)


@pytest.mark.parametrize(("request_", "content", "_"), GOLDEN)
def test_the_content_is_this_text_for_ever(request_, content, _):
    assert request_.content == content


@pytest.mark.parametrize(("request_", "_", "fingerprint"), GOLDEN)
def test_the_fingerprint_is_this_text_for_ever(request_, _, fingerprint):
    assert request_.fingerprint == fingerprint


def test_a_key_is_the_fingerprint_s_beginning_and_the_how_manyeth():
    assert key_of(GOLDEN[0][0], 2) == GOLDEN[0][2][:16] + "-2"


@given(TEXT, FIELDS)
def test_the_order_of_the_fields_changes_nothing(service, fields):
    backwards = dict(reversed(fields.items()))
    assert OrderRequest.of(service, fields).fingerprint == OrderRequest.of(service, backwards).fingerprint


@given(TEXT, FIELDS)
def test_the_normal_form_is_its_own_normal_form(service, fields):
    request = OrderRequest.of(service, fields)
    assert OrderRequest.of(request.service, request.values) == request


@given(TEXT, FIELDS)
def test_an_order_is_read_back_from_its_content(service, fields):
    request = OrderRequest.of(service, fields)
    assert OrderRequest.from_content(request.content) == request


@given(TEXT, FIELDS, TEXT, FIELDS)
def test_orders_have_equal_fingerprints_only_where_they_are_equal(service, fields, other, other_fields):
    one, two = OrderRequest.of(service, fields), OrderRequest.of(other, other_fields)
    assert (one.fingerprint == two.fingerprint) == (one == two)


@given(TEXT, FIELDS)
def test_the_content_is_one_line_of_json(service, fields):
    version, *_ = json.loads(OrderRequest.of(service, fields).content)
    assert version == 1


def test_a_list_is_its_non_empty_lines():
    request = OrderRequest.of(7, {"comments": " one \r\n\r\n\ttwo\n \n"})
    assert request.values["comments"] == "one\ntwo"


@pytest.mark.parametrize("empty", ["", "  ", "\n\n", None])
def test_an_empty_field_is_no_field(empty):
    assert OrderRequest.of(1, {"runs": empty}).fields == ()


def test_zero_is_no_empty_field():
    assert OrderRequest.of(1, {"delay": 0}).values == {"delay": "0"}


def test_the_values_cannot_be_changed():
    with pytest.raises(TypeError):
        OrderRequest.of(1, {"link": "x"}).values["link"] = "y"


WORDS = {
    Phase.WAITING: ["Pending", "Awaiting", "Queued"],
    Phase.RUNNING: ["Processing", "In progress", "Running", "Active"],
    Phase.FINAL: [
        "Completed", "Success", "Partial", "Canceled", "Cancelled", "Refunded", "Fail", "Failed", "Error", "Rejected",
        "Expired", "Complete", "Done", "Finished", "Delivered", "Selesai", "Batal", "Fully refunded",
        "Cancelled by provider", "Canceled by  the user",
    ],
    Phase.UNKNOWN: [
        "", "Cancelled by", "Done soon", "Refunded partly", "Completing", "Paused", "Частично", "completed partial",
        "progress", "in",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("word", "wanted"), [(word, wanted) for wanted, words in WORDS.items() for word in words])
def test_a_status_word_tells_the_phase_in_any_case(word, wanted):
    assert {phase(word), phase(word.upper()), phase(f" {word.lower()} ")} == {wanted}


def test_a_status_without_remains_is_final_by_its_word_alone():
    assert OrderStatus("Completed", None, None, 40, "").phase is Phase.FINAL


def test_a_status_with_nothing_left_is_not_final_by_that():
    assert OrderStatus("Pending", None, None, 0, "").phase is Phase.WAITING
