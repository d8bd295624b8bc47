"""Arguments as DAG authors, templates and XComs give them."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from airflow_provider_smmplus.utils.arguments import age_of, ids_of, name_of, seconds_of, texts_of, truth_of, whole_of
from smmplus.errors import ConfigurationError


class Lazily(Sequence):
    """A sequence that is no list, such as Airflow's of the XComs of mapped tasks."""

    def __getitem__(self, index):
        return ["501", "502"][index]

    def __len__(self):
        return 2


@pytest.mark.parametrize(
    ("given", "ids"),
    [
        ("501", ["501"]),
        (501, ["501"]),
        ([501, "502"], ["501", "502"]),
        (("501",), ["501"]),
        ("501,502", ["501", "502"]),
        (" 501 ,\n502, ", ["501", "502"]),
        ("['501', '502']", ["501", "502"]),
        ('["501", "502"]', ["501", "502"]),
        ("('501', '502')", ["501", "502"]),
        ("[501, 502]", ["501", "502"]),
        (["501", "501", 501], ["501"]),
        (["501", None], ["501"]),
        ({"501": "77"}.values(), ["77"]),
        (Lazily(), ["501", "502"]),
        ((str(number) for number in range(501, 503)), ["501", "502"]),
        ("ab-12_x", ["ab-12_x"]),
    ],
)
def test_ids_are_read_however_they_come(given, ids):
    assert ids_of(given, "order_ids") == ids


@pytest.mark.parametrize("given", [None, "", "[]", [], [None], " , "])
def test_no_id_is_an_xcom_that_did_not_come(given):
    with pytest.raises(ConfigurationError, match=r"^order_ids is .*: it contains no ID$"):
        ids_of(given, "order_ids")


@pytest.mark.parametrize("given", ["None", "501,None", ["501", "none"], "order"])
def test_a_word_is_no_id(given):
    with pytest.raises(ConfigurationError, match=r"^order_ids contains '(None|none|order)', which is not an ID$"):
        ids_of(given, "order_ids")


@pytest.mark.parametrize("given", [{"501": "77"}, [{"order_id": "501"}], [["501"], ["502"]], [5.01], True, b"501"])
def test_a_shape_that_could_mean_anything_is_no_id(given):
    with pytest.raises(ConfigurationError, match=r"^order_ids contains .*: pass texts or whole numbers$"):
        ids_of(given, "order_ids")


@pytest.mark.parametrize("given", ["Completed, In progress", ["Completed", "In progress"]])
def test_status_words_keep_their_spaces(given):
    assert texts_of(given, "statuses") == ["Completed", "In progress"]


@pytest.mark.parametrize(("given", "number"), [(None, None), (3, 3), ("3", 3), (" 30 ", 30), (0, 0)])
def test_a_whole_number_is_read(given, number):
    assert whole_of(given, "expect_rows") == number


@pytest.mark.parametrize("given", ["", "three", "3.5", 3.5, -1, True, "None", "٣"])
def test_what_is_no_whole_number_is_named(given):
    with pytest.raises(ConfigurationError, match=r"^expect_rows is .*: pass a whole number$"):
        whole_of(given, "expect_rows")


@pytest.mark.parametrize(
    ("given", "truth"), [(True, True), (False, False), ("True", True), ("false", False), ("1", True), (0, False)]
)
def test_yes_and_no_are_read_from_templates_too(given, truth):
    assert truth_of(given, "dry_run") is truth


@pytest.mark.parametrize("given", ["", "None", None, "maybe", 2])
def test_what_is_neither_yes_nor_no_is_refused(given):
    """Read as no, it would place orders that a person wanted to look at first."""
    with pytest.raises(ConfigurationError, match=r"^dry_run is .*: pass True or False$"):
        truth_of(given, "dry_run")


@pytest.mark.parametrize(("given", "name"), [("spring", "spring"), ("spring 2", "spring 2"), (7, "7")])
def test_a_name_is_read(given, name):
    assert name_of(given, "campaign") == name


@pytest.mark.parametrize("given", ["", " ", "None", None, True, ["spring"]])
def test_what_is_no_name_is_refused(given):
    with pytest.raises(ConfigurationError, match=r"^campaign is .*: its template rendered no value$"):
        name_of(given, "campaign")


@pytest.mark.parametrize(("given", "seconds"), [(60, 60), (0.5, 0.5), (0, 0), (timedelta(minutes=2), 120)])
def test_seconds_are_read(given, seconds):
    assert seconds_of(given, "timeout") == seconds


@pytest.mark.parametrize("given", ["60", -1, True, None, float("nan"), float("inf"), timedelta(seconds=-1)])
def test_what_is_no_time_is_named(given):
    with pytest.raises(ConfigurationError, match=r"^timeout is .*: pass seconds, for example 60$"):
        seconds_of(given, "timeout")


@pytest.mark.parametrize(
    ("given", "age"),
    [(None, None), ("3d", timedelta(days=3)), (" 12h ", timedelta(hours=12)), (timedelta(hours=1), timedelta(hours=1))],
)
def test_an_age(given, age):
    assert age_of(given, "stuck_for") == age


@pytest.mark.parametrize("given", ["", "None", "3", 3, "final", "-3d", "d", timedelta(seconds=-1)])
def test_what_is_not_an_age_is_refused(given):
    with pytest.raises(ConfigurationError, match="stuck_for is"):
        age_of(given, "stuck_for")
