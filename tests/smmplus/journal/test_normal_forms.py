"""Normal forms of names and addresses."""

import pytest

from smmplus.journal.normal_forms import normal_name, normal_url


@pytest.mark.parametrize(
    "name",
    [
        "week 1", " Week 1", "Week 1 ", "Week  1", "Week\u00a01", "Week\u20091", "Week\u30001", "Week 1\n", "Week\r\n1",
        "Week\t1", "Week\u20281", "\ufeffWeek 1", "We\u200bek 1", "Week\u00ad 1", "WEEK 1", "\uff37eek \uff11",
        "\x07Week 1", "Week\u28001", "Week 1\ufe0f", "Week \u200f1",
    ],
)  # fmt: skip
def test_names_that_look_alike_have_one_form(name):
    assert normal_name(name) == normal_name("Week 1") == "week 1"


@pytest.mark.parametrize("name", ["Week 2", "Week1", "Week-1", "Week 1.", "Weak 1", "Wëek 1", ""])
def test_other_names_have_another_form(name):
    assert normal_name(name) != "week 1"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("STRASSE", "Straße"), ("caf\u00e9", "cafe\u0301"), ("ﬁn", "FIN"), ("caf\u00e9", "CAFE\u200b\u0301"),
        ("caf\u00e9", "cafe\u034f\u0301"),
    ],
)  # fmt: skip
def test_letters_that_are_written_in_two_ways_are_the_same(one, other):
    assert normal_name(one) == normal_name(other)


@pytest.mark.parametrize("name", ["Week 1", " İstanbul \u200b", "ﬁn", "\u1e9e", "\u0345\u0301a"])
def test_a_normal_form_is_its_own(name):
    assert normal_name(normal_name(name)) == normal_name(name)


@pytest.mark.parametrize(
    "url",
    [
        "https://smm.plus/api/v2/", "https://smm.plus//api/v2", "https://smm.plus/api//v2", "https://smm.plus/api/./v2",
        "https://smm.plus/api/x/../v2", "https://smm.plus/api/%762", "https://smm.plus:443/api/v2",
        "HTTPS://SMM.PLUS/api/v2", "https://smm.plus./api/v2", "https://smm.plus/%61pi/v2/.", "https://smm.plus/api/v2?",
        "https://smm.plus/../api/v2#",
    ],
)  # fmt: skip
def test_addresses_of_one_panel_have_one_form(url):
    assert normal_url(url) == "https://smm.plus/api/v2"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "[::1]", "[0:0:0:0:0:0:0:1]", "localhost."])
def test_this_machine_has_one_name(host):
    assert normal_url(f"http://{host}:8000/api") == "http://localhost:8000/api"


@pytest.mark.parametrize(
    "url",
    [
        "https://smm.plus/api/v1", "https://smm.plus/API/v2", "https://smm.plus:8443/api/v2", "https://x.smm.plus/api/v2",
        "https://smm.plus/api%2Fv2", "http://localhost:8000/api", "http://127.0.0.2:8000/api", "http://localhost:8001/api",
    ],
)  # fmt: skip
def test_other_addresses_have_forms_of_their_own(url):
    assert normal_url(url) not in {"https://smm.plus/api/v2", "http://localhost/api"}
    assert normal_url(normal_url(url)) == normal_url(url)


def test_an_escape_is_one_in_capitals_or_not_and_a_host_in_either_of_its_forms():
    assert normal_url("https://bücher.example/a%2fb") == normal_url("https://xn--bcher-kva.example/a%2Fb")
