"""A service for one platform with a link of another is warned of, and never stopped."""

from dataclasses import replace

import pytest

from bulk.model.errors import SheetError
from bulk.planning.platforms import SETTING
from tests.bulk.plans import row, service, sheet_of


def warned(week, link, name="Likes", category="Instagram", **about):
    """Plan one order, and return what is warned of."""
    of = replace(service(name=name), category=category, **about)
    plan = week.plan(sheet_of(row(link)), of, unfinished=False)
    assert ([item.row.number for item in plan.to_send], plan.problems, plan.blocker) == ([2], (), None)
    return [(warning.row, warning.field, warning.value, warning.message) for warning in plan.warnings]


def test_both_platforms_are_named_with_the_service(week):
    link = "https://www.youtube.com/watch?v=a"
    message = "service 2 (Likes) is for Instagram, but the link leads to YouTube"
    assert warned(week, link) == [(2, "link", link, message)]


@pytest.mark.parametrize(
    ("name", "category", "link"),
    [
        ("Instagram Likes [Real]", "Likes", "https://youtu.be/a"),
        ("IG Likes", "", "https://m.facebook.com/a"),
        ("Views", "\U0001f3b5 TikTok | Cheap", "https://www.instagram.com/p/a"),
        ("Tik-Tok_Views", "", "https://x.com/a/status/1"),
        ("YT views", "Video", "https://vm.tiktok.com/a"),
        ("Twitter Followers", "X (Twitter)", "https://T.ME:443/a"),
        ("Telegram Members", "Telegram", "http://open.spotify.com/track/a"),
    ],
)
def test_names_and_categories_are_judged_by_their_words_and_links_by_their_hosts(week, name, category, link):
    assert len(warned(week, link, name, category)) == 1


@pytest.mark.parametrize(
    ("name", "category", "link"),
    [
        ("Likes", "Instagram", "https://www.instagram.com/p/a"),
        ("Likes", "Instagram", "@name"),
        ("Likes", "Instagram", "https://bit.ly/a"),
        ("Likes", "Instagram", "https://example.com/youtube.com"),
        ("Likes", "Instagram", "https://notyoutube.com/a"),
        ("Likes", "Instagram", "https://youtube.com.example.com/a"),
        ("Likes", "Social", "https://youtu.be/a"),
        ("Big likes, digital", "Fbi", "https://youtu.be/a"),
        ("Instagram to Facebook", "", "https://youtu.be/a"),
        ("Followers", "Instagram | Threads", "https://youtu.be/a"),
        ("Website Traffic from Instagram", "", "https://youtu.be/a"),
        ("YouTube Likes", "YouTube", "https://music.youtube.com/watch?v=a"),
        ("Retweets", "Twitter", "https://x.com/a/status/1"),
    ],
)
def test_what_fits_or_cannot_be_judged_is_not_warned_of(week, name, category, link):
    assert warned(week, link, name, category) == []


def test_a_user_adds_platforms_words_and_hosts(week, tmp_path, monkeypatch):
    more = tmp_path / "more.toml"
    more.write_text(
        '[Weibo]\nwords = ["weibo"]\nhosts = ["weibo.com"]\n[Instagram]\nhosts = ["insta.example"]\n', "utf-8"
    )
    monkeypatch.setenv(SETTING, str(more))
    assert len(warned(week, "https://m.weibo.com/a")) == 1
    assert len(warned(week, "https://youtu.be/a", "Weibo Fans", "")) == 1
    assert warned(week, "https://insta.example/a") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be opened"),
        ("a b", "TOML"),
        ("\xff", "TOML"),
        ("Kwai = 1", "Kwai needs"),
        ('[Kwai]\nwords = "a"', "Kwai needs"),
        ("[Kwai]\nhosts = [1]", "Kwai needs"),
        ('[Kwai]\nwords = [" "]', "Kwai needs"),
    ],
)
def test_a_file_that_is_no_list_of_platforms_is_refused(week, tmp_path, monkeypatch, text, words):
    path = tmp_path / "more.toml"
    if text is not None:
        path.write_text(text, "latin-1")
    monkeypatch.setenv(SETTING, str(path))
    with pytest.raises(SheetError, match=words):
        warned(week, "https://youtu.be/a")
