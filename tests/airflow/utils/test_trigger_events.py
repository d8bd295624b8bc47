"""What a trigger tells the task."""

import json

import pytest

from airflow_provider_smmplus.utils.trigger_events import EventError, TriggerResult, TriggerStatus


@pytest.mark.parametrize("status", list(TriggerStatus))
def test_an_event_comes_back_as_it_was(status):
    event = TriggerResult(status, "so it is", {"Completed": 3, "Partial": 1})
    assert TriggerResult.of(json.loads(json.dumps(event.payload()))) == event


def test_a_payload_is_plain_json():
    assert TriggerResult(TriggerStatus.DONE, counts={"Completed": 3}).payload() == {
        "status": "done",
        "message": "",
        "counts": {"Completed": 3},
    }


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (None, "None, which is not an event"),
        ("done", "'done', which is not an event"),
        ({}, "the unknown status None"),
        ({"status": "success"}, "the unknown status 'success'"),
        ({"status": "done", "counts": [1]}, r"invalid counts: \[1\]"),
        ({"status": "done", "counts": {"Completed": "3"}}, "invalid counts"),
    ],
)
def test_what_is_no_event_is_refused(payload, words):
    with pytest.raises(EventError, match=words):
        TriggerResult.of(payload)
