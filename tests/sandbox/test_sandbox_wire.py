import pytest

from smmplus.sandbox.calls import FORM, Call, json_reply, parse_call
from smmplus.sandbox.records import Refusal

GOOD = b"key=k&action=add&link=https%3A%2F%2Fa.b%2F%C3%A9&comments=a+b%0Ac"


@pytest.mark.parametrize("content_type", [FORM, f"{FORM}; charset=utf-8", f"{FORM};charset=UTF-8"])
def test_a_form_is_read(content_type):
    call = parse_call(content_type, GOOD)
    assert (call.key, call.action) == ("k", "add")
    assert call.fields == {"link": "https://a.b/é", "comments": "a b\nc"}


@pytest.mark.parametrize("content_type", ["", "application/json", "multipart/form-data", f"{FORM}; charset=latin-1"])
def test_another_content_type_is_refused(content_type):
    with pytest.raises(Refusal, match="Incorrect request"):
        parse_call(content_type, GOOD)


@pytest.mark.parametrize(
    "body",
    [b"key=k&key=k&action=add", b"key=k&action=add&link=a&link=a", b'{"key": "k"}', b"key=k&action=%ff",
     b"key=k&\xff=1",
     b"key=k&action=add&" + b"&".join(b"f%d=1" % number for number in range(100))],
)  # fmt: skip
def test_what_is_no_plain_form_is_refused(body):
    with pytest.raises(Refusal, match="Incorrect request"):
        parse_call(FORM, body)


def test_a_repeated_field_is_named():
    with pytest.raises(Refusal, match=r"^Incorrect request: repeated field link$"):
        parse_call(FORM, b"key=k&action=add&link=a&quantity=1&link=b")


@pytest.mark.parametrize("body", [b"", b"key=k", b"action=add", b"key=&action=add", b"key=k&action="])
def test_key_and_action_are_needed(body):
    with pytest.raises(Refusal, match="Missing key or action"):
        parse_call(FORM, body)


def test_the_key_is_in_no_representation():
    assert "secret" not in repr(Call("secret", "add", {}))


def test_answers_are_compact_ascii():
    assert json_reply({"error": "Ж"}).body == b'{"error":"\\u0416"}'
