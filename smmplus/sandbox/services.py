"""The built-in services. Their ids are stable: tests and demonstrations name them."""

from decimal import Decimal

from smmplus.sandbox.catalogue import Fate, Service

_INSTAGRAM = "Instagram"
_FOLLOWERS = "Instagram Followers"
_COMMENTS = "Instagram Comments"
_MENTIONS = "Instagram Mentions"
_YOUTUBE = "YouTube"
_TIKTOK = "TikTok"
_TELEGRAM = "Telegram"
_WEB = "Websites"
_TEST = "Orders that end otherwise"

# fmt: off
SERVICES: tuple[Service, ...] = (
    Service("1", "Instagram Followers [refill 30 days]", "Default", _FOLLOWERS, Decimal("0.90"), 50, 100_000,
            refill=True, cancel=True, dripfeed=True),
    Service("2", "Instagram Likes [instant]", "Default", _INSTAGRAM, Decimal("0.35"), 10, 50_000, dripfeed=True),
    Service("3", "YouTube Views [high retention, cancel button]", "Default", _YOUTUBE, Decimal("2.50"), 100, 1_000_000,
            cancel=True, dripfeed=True),
    Service("4", "TikTok Views [no drip-feed]", "Default", _TIKTOK, Decimal("0.0125"), 100, 10_000_000),
    Service("5", "Telegram Members [refill 7 days, no drip-feed]", "Default", _TELEGRAM, Decimal("1.2345"), 10, 20_000,
            refill=True, refill_days=7),
    Service("6", "TikTok Starter Package [1000 views, 100 likes]", "Package", _TIKTOK, Decimal("2.50"), 1, 1),
    Service("7", "Instagram Custom Comments", "Custom Comments", _COMMENTS, Decimal("12.00"), 1, 500, cancel=True),
    Service("8", "Instagram Custom Comments Package [10 comments]", "Custom Comments Package", _COMMENTS,
            Decimal("0.75"), 1, 1),
    Service("9", "Instagram Mentions", "Mentions", _MENTIONS, Decimal("3.10"), 10, 10_000),
    Service("10", "Instagram Mentions with Hashtags", "Mentions with Hashtags", _MENTIONS, Decimal("3.40"), 10, 10_000),
    Service("11", "Instagram Mentions [your list]", "Mentions Custom List", _MENTIONS, Decimal("4.00"), 1, 10_000),
    Service("12", "Instagram Mentions [users of a hashtag]", "Mentions Hashtag", _MENTIONS,
            Decimal("3.20"), 10, 10_000),
    Service("13", "Instagram Mentions [followers of a user]", "Mentions User Followers", _MENTIONS,
            Decimal("3.30"), 10, 10_000),
    Service("14", "Instagram Mentions [likers of a post]", "Mentions Media Likers", _MENTIONS,
            Decimal("3.30"), 10, 10_000),
    Service("15", "Instagram Comment Likes", "Comment Likes", _COMMENTS, Decimal("0.80"), 10, 5_000),
    Service("16", "Instagram Comment Replies", "Comment Replies", _COMMENTS, Decimal("15.00"), 1, 200),
    Service("17", "Telegram Poll Votes", "Poll", _TELEGRAM, Decimal("0.60"), 10, 50_000),
    Service("18", "Telegram Invites from Groups", "Invites from Groups", _TELEGRAM, Decimal("5.75"), 50, 5_000),
    Service("19", "Google Search Positions", "SEO", _WEB, Decimal("8.00"), 10, 10_000),
    Service("20", "Website Traffic [by country and device]", "Web Traffic", _WEB, Decimal("0.45"), 100, 1_000_000,
            dripfeed=True),
    Service("21", "Instagram Automatic Likes [subscription]", "Subscriptions", _INSTAGRAM, Decimal("0.40"), 10, 10_000,
            cancel=True),
    Service("22", "Instagram Story Views [always ends Partial]", "Default", _TEST, Decimal("0.50"), 10, 100_000,
            cancel=True, dripfeed=True, fate=Fate.PARTIAL),
    Service("23", "Instagram Reel Saves [always ends Canceled]", "Default", _TEST, Decimal("0.70"), 10, 100_000,
            fate=Fate.CANCELED),
    Service("24", "TikTok Shares [always over-delivers 5 %]", "Default", _TEST, Decimal("0.20"), 20, 100_000,
            fate=Fate.OVERDELIVERED),
    Service("25", "YouTube Subscribers [stalls halfway, cancel button]", "Default", _TEST, Decimal("9.99"), 10, 10_000,
            cancel=True, fate=Fate.STALLED),
    Service("26", "Telegram Reactions [every refill is Rejected]", "Default", _TEST, Decimal("0.15"), 10, 100_000,
            refill=True, refill_rejected=True),
    Service("27", "Instagram Custom Comments [always ends Partial]", "Custom Comments", _TEST,
            Decimal("11.1111"), 1, 500, fate=Fate.PARTIAL),
    Service("28", "Instagram Profile Visits [disabled]", "Default", _TEST, Decimal("0.10"), 10, 100_000, disabled=True),
)
# fmt: on


def default_catalogue() -> dict[str, Service]:
    """Give the built-in services by their id, at least one of every order type."""
    return {service.service: service for service in SERVICES}
