import json
import random

import pytest

from smmplus.sandbox import faults
from smmplus.sandbox.calls import Call, json_reply
from smmplus.sandbox.faults import KINDS, Ending, Script, ScriptError, parse_rules, suffer

CALL = Call("secret-key", "add", {"service": "1", "link": "https://a.b/c"})
LATE = ["drop_before_accept", "drop_after_accept", "hang_before_accept", "hang_after_accept", "latency"]


class Panel:
    """Counts how often it was asked to process a call."""

    def __init__(self, answer=None):
        self.answer = answer or {"order": 23501}
        self.processed = 0

    def __call__(self):
        self.processed += 1
        return json_reply(self.answer)


def strike(panel=None, **rule):
    return suffer(parse_rules([rule]), CALL, panel or Panel())


def hits(rules, calls, seed=0):
    """Give for each call the faults that struck it."""
    script = Script(parse_rules(rules), random.Random(seed))  # noqa: S311
    return [[rule.fault for rule in script.decide(action, fields)] for action, fields in calls]


ADD = ("add", {"service": "1", "link": "https://a.b/c"})
STATUS = ("status", {"order": "1"})


def test_every_fault_has_an_effect():
    assert sorted([*faults._ALTERATIONS, *LATE, "surplus_answer"]) == sorted(KINDS)


@pytest.mark.parametrize("status", [200, 408, 429, 503])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_surplus_answer_comes_besides_the_right_one(status, moment):
    panel = Panel()
    outcome = strike(panel, fault="surplus_answer", moment=moment, status=status, seconds=0.6)
    assert (outcome.reply, outcome.ending, panel.processed) == (json_reply({"order": 23501}), Ending.ANSWER, 1)
    assert (outcome.surplus.reply.status, outcome.surplus.before, outcome.surplus.seconds) == (
        status,
        moment == "before",
        0.6,
    )
    assert b"23501" not in outcome.surplus.reply.body


def test_a_doubled_answer_is_the_right_one_twice():
    outcome = strike(fault="surplus_answer", moment="doubled")
    assert (outcome.surplus.reply, outcome.surplus.before) == (outcome.reply, False)


def test_chosen_calls_are_counted_from_one_and_by_action():
    struck = hits([{"fault": "bom", "action": "add", "calls": [2, 3]}], [ADD, STATUS, ADD, STATUS, ADD, ADD])
    assert struck == [[], [], ["bom"], [], ["bom"], []]


def test_calls_are_counted_among_those_the_rule_selects():
    other = ("add", {"service": "1", "link": "https://a.b/other"})
    struck = hits([{"fault": "bom", "link_contains": "other", "calls": [1]}], [ADD, other, other])
    assert struck == [[], ["bom"], []]


@pytest.mark.parametrize("selector", [{"service": "2"}, {"link_contains": "x"}, {"action": "status"}])
def test_a_call_that_is_not_selected_is_spared(selector):
    assert hits([{"fault": "bom", **selector}], [ADD]) == [[]]


def test_without_calls_and_rate_every_call_is_struck():
    assert hits([{"fault": "bom"}], [ADD, STATUS]) == [["bom"], ["bom"]]


def test_a_rate_strikes_that_share_and_repeats_with_the_seed():
    rules = [{"fault": "bom", "rate": 0.2}]
    struck = hits(rules, [ADD] * 5000, seed=7)
    assert 900 < sum(map(len, struck)) < 1100
    assert struck == hits(rules, [ADD] * 5000, seed=7)
    assert struck != hits(rules, [ADD] * 5000, seed=8)


@pytest.mark.parametrize(("rate", "expected"), [(0, []), (1, ["bom"])])
def test_the_ends_of_a_rate(rate, expected):
    assert hits([{"fault": "bom", "rate": rate}], [ADD] * 50) == [expected] * 50


def test_of_several_faults_the_first_counts_and_latencies_add_up():
    slow, slower = {"fault": "latency", "seconds": 1}, {"fault": "latency", "seconds": 2}
    rules = [slow, {"fault": "bom"}, {"fault": "empty"}, slower]
    assert hits(rules, [ADD]) == [["latency", "bom", "latency"]]
    assert suffer(parse_rules([slow, slower]), CALL, Panel()).delay == 3


def test_what_was_applied_is_counted():
    script = Script(parse_rules([{"fault": "bom", "calls": [1]}, {"fault": "empty"}]), random.Random(0))  # noqa: S311
    for _ in range(3):
        script.decide(*ADD)
    assert script.applied == [1, 2]


@pytest.mark.parametrize("fault", KINDS)
def test_each_fault_strikes_before_or_after_accepting_as_its_table_says(fault):
    panel = Panel()
    strike(panel, fault=fault)
    assert panel.processed == KINDS[fault].after_accept


@pytest.mark.parametrize("fault", [fault for fault, kind in KINDS.items() if kind.chooses])
@pytest.mark.parametrize("after_accept", [True, False])
def test_some_faults_may_choose(fault, after_accept):
    panel = Panel()
    strike(panel, fault=fault, after_accept=after_accept)
    assert panel.processed == after_accept


@pytest.mark.parametrize(
    ("rule", "status", "body"),
    [
        ({"fault": "refuse", "text": "Order could not be created", "status": 400}, 400,
         b'{"error":"Order could not be created"}'),
        ({"fault": "refuse", "text": "Rate limit exceeded"}, 200, b'{"error":"Rate limit exceeded"}'),
        ({"fault": "429"}, 429, b'{"error":"Rate limit exceeded"}'),
        ({"fault": "empty"}, 200, b""),
        ({"fault": "bom"}, 200, b'\xef\xbb\xbf{"order":23501}'),
        ({"fault": "truncated_json"}, 200, b'{"order'),
        ({"fault": "order_null"}, 200, b'{"order":null}'),
        ({"fault": "success_without_order"}, 200, b'{"status":"success"}'),
        ({"fault": "id_as_string"}, 200, b'{"order":"23501"}'),
        ({"fault": "id_as_hex"}, 200, b'{"order":"000000000000000000005bcd"}'),
        ({"fault": "error_status"}, 200, b'{"order":23501}'),
        ({"fault": "answer"}, 200, b""),
        ({"fault": "answer", "body": '{"x": 1}', "status": 403, "after_accept": True}, 403, b'{"x": 1}'),
    ],
)  # fmt: skip
def test_the_answers_of_the_faults(rule, status, body):
    reply = strike(**rule).reply
    assert (reply.status, reply.body) == (status, body)


def test_the_pages_are_html():
    for fault, status in (("http_502", 502), ("html", 200), ("maintenance", 503)):
        reply = strike(fault=fault).reply
        assert reply.status == status
        assert reply.content_type.startswith("text/html")
        assert b"<html>" in reply.body


def test_a_notice_stands_before_the_right_answer():
    body = strike(fault="php_notice").reply.body
    assert body.startswith(b"<br />\n<b>Notice</b>")
    assert body.endswith(b'{"order":23501}')


@pytest.mark.parametrize(
    ("rule", "headers"),
    [({"fault": "429"}, {}), ({"fault": "429", "retry_after": 2}, {"Retry-After": "2"}),
     ({"fault": "maintenance"}, {"Retry-After": "120"}),
     ({"fault": "maintenance", "retry_after": 5}, {"Retry-After": "5"})],
)  # fmt: skip
def test_retry_after_is_sent_when_asked_for(rule, headers):
    assert dict(strike(**rule).reply.headers) == headers


def test_an_error_of_the_panels_own_gets_the_status():
    reply = strike(Panel({"error": "Bad link"}), fault="error_status", status=404).reply
    assert (reply.status, reply.body) == (404, b'{"error":"Bad link"}')


def test_a_shape_of_ids_leaves_other_answers_alone():
    assert json.loads(strike(Panel({"balance": "1"}), fault="id_as_hex").reply.body) == {"balance": "1"}


def test_the_echo_holds_the_key():
    assert b"secret-key" in strike(fault="echo_key").reply.body


def test_a_translated_error_has_the_text_given():
    assert json.loads(strike(fault="translated", text="Saldo tidak cukup").reply.body) == {"error": "Saldo tidak cukup"}


@pytest.mark.parametrize(("reset", "ending"), [(True, Ending.RESET), (False, Ending.CLOSE)])
@pytest.mark.parametrize("fault", LATE[:4])
def test_a_connection_is_reset_or_closed(fault, reset, ending):
    assert strike(fault=fault, reset=reset).ending is ending


def test_a_hang_lasts_an_hour_unless_told():
    assert strike(fault="hang_before_accept").delay == 3600
    assert strike(fault="hang_after_accept", seconds=0.5).delay == 0.5


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ({}, "A fault script is a list of rules."),
        (["bom"], "Rule 1 is not an object."),
        ([{"fault": "bom"}, {"fault": "nope"}], "Rule 2: unknown fault 'nope'."),
        ([{}], "Rule 1: unknown fault None."),
        ([{"fault": "bom", "colour": 1}], "Rule 1: bom has no field 'colour'."),
        ([{"fault": "bom", "after_accept": True}], "Rule 1: bom has no field 'after_accept'."),
        ([{"fault": "bom", "calls": [1], "rate": 0.5}], "Rule 1: calls and rate exclude each other."),
        ([{"fault": "bom", "calls": []}], "Rule 1: calls must be a list"),
        ([{"fault": "bom", "calls": [0]}], "Rule 1: calls must be a whole number from 1"),
        ([{"fault": "bom", "calls": [True]}], "Rule 1: calls must be a whole number from 1"),
        ([{"fault": "bom", "rate": 1.5}], "Rule 1: rate must be a number from 0 to 1"),
        ([{"fault": "bom", "rate": "0.5"}], "Rule 1: rate must be a number"),
        ([{"fault": "bom", "action": ""}], "Rule 1: action must be text"),
        ([{"fault": "bom", "service": 1}], "Rule 1: service must be text"),
        ([{"fault": "latency", "seconds": -1}], "Rule 1: seconds must be a number from 0"),
        ([{"fault": "surplus_answer", "moment": "never"}], "Rule 1: moment must be one of before, after, doubled"),
        ([{"fault": "refuse", "status": 99}], "Rule 1: status must be an HTTP status"),
        ([{"fault": "429", "retry_after": -1}], "Rule 1: retry_after must be a whole number from 0"),
        ([{"fault": "drop_after_accept", "reset": 1}], "Rule 1: reset must be true or false"),
    ],
)
def test_a_wrong_script_is_a_clear_error(script, error):
    with pytest.raises(ScriptError) as raised:
        parse_rules(script)
    assert str(raised.value).startswith(error)
