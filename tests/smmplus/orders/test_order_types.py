import pytest

from smmplus.orders.order_types import FIELDS, Units, order_type
from tests.smmplus.orders import RIGHT

DRIP_FEED = ("runs", "interval")
# The fields and units of each type, written a second time by hand (https://smm.plus/api, and panels with the same API).
DOCUMENTED = [
    ("Default", "link quantity", DRIP_FEED, Units.RUNS),
    ("Package", "link", (), Units.PACKAGE),
    ("Custom Comments", "link comments", (), Units.COMMENTS),
    ("Custom Comments Package", "link comments", (), Units.PACKAGE),
    ("Mentions", "link quantity usernames", (), Units.QUANTITY),
    ("Mentions with Hashtags", "link quantity usernames hashtags", (), Units.QUANTITY),
    ("Mentions Custom List", "link usernames", (), Units.USERNAMES),
    ("Mentions Hashtag", "link quantity hashtag", (), Units.QUANTITY),
    ("Mentions User Followers", "link quantity username", (), Units.QUANTITY),
    ("Mentions Media Likers", "link quantity media", (), Units.QUANTITY),
    ("Comment Likes", "link quantity username", (), Units.QUANTITY),
    ("Comment Replies", "link username comments", (), Units.COMMENTS),
    ("Poll", "link quantity answer_number", (), Units.QUANTITY),
    ("Invites from Groups", "link quantity groups", (), Units.QUANTITY),
    ("SEO", "link quantity keywords", (), Units.QUANTITY),
    (
        "Web Traffic",
        "link quantity country device type_of_traffic",
        (*DRIP_FEED, "google_keyword", "referring_url"),
        Units.RUNS,
    ),
    ("Subscriptions", "username min max delay", ("posts", "old_posts", "expiry"), Units.POSTS),
]


@pytest.mark.parametrize(("name", "required", "optional", "units"), DOCUMENTED)
def test_a_type_takes_the_documented_fields_and_units(name, required, optional, units):
    kind = order_type(name)
    assert (set(kind.required), set(kind.optional), kind.units) == (set(required.split()), set(optional), units)


@pytest.mark.parametrize("name", [name for name, *_ in DOCUMENTED])
def test_a_type_is_found_in_any_case_and_spacing(name):
    assert order_type(f"  {name.upper().replace(' ', '   ')} ") is order_type(name)


@pytest.mark.parametrize("name", ["", "Defaults", "Drip-feed", "Live Stream"])
def test_an_unknown_type_is_none(name):
    assert order_type(name) is None


def test_the_fields_of_all_types_stand_once_each():
    wanted = {field for _, required, optional, _ in DOCUMENTED for field in (*required.split(), *optional)}
    assert sorted(FIELDS) == sorted(wanted)


def test_the_tests_know_a_right_order_of_every_type():
    assert set(RIGHT) == {name for name, *_ in DOCUMENTED}
