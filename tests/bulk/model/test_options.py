"""What a person asks of a job."""

from dataclasses import fields
from pathlib import Path

import pytest

from bulk.model.options import Options


def test_a_campaign_is_named_like_the_file():
    assert Options(Path("some/folder/spring 2026.v2.xlsx")).campaign_name == "spring 2026.v2"


@pytest.mark.parametrize(("given", "name"), [("autumn", "autumn"), ("", "week"), (None, "week")])
def test_or_as_a_person_says(given, name):
    assert Options(Path("week.csv"), campaign=given).campaign_name == name


@pytest.mark.parametrize("copy", ["week.problems.xlsx", "week.problems-2.xlsx"])
def test_a_marked_copy_belongs_to_its_sheets_campaign_and_budget(copy):
    assert Options(Path(copy)).campaign_name == Options(Path("week.csv")).campaign_name == "week"


def test_a_sheet_is_known_by_its_name_in_whichever_folder_it_lies():
    assert Options(Path("a/week.csv")).source == Options(Path("b/week.csv")).source == "week.csv"


def test_the_defaults_are_the_careful_ones():
    options = Options(Path("week.csv"))
    allowed = {each.name for each in fields(Options) if each.type is bool and getattr(options, each.name)}
    assert allowed == {"colours"}
    assert (options.rate, options.wait, options.max_spend) == (1, 0, None)
