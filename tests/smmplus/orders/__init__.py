"""One right order of every type, and services to order them from."""

from decimal import Decimal

from smmplus.orders.models import Service

LINK = "https://example.com/post"

# Type -> the fields of a right order, and the units that it bills.
RIGHT = {
    "Default": ({"link": LINK, "quantity": "1000"}, 1000),
    "Package": ({"link": LINK}, 1),
    "Custom Comments": ({"link": LINK, "comments": "one\ntwo\n\nthree"}, 3),
    "Custom Comments Package": ({"link": LINK, "comments": "one\ntwo"}, 1),
    "Mentions": ({"link": LINK, "quantity": "20", "usernames": "a\nb"}, 20),
    "Mentions with Hashtags": ({"link": LINK, "quantity": "20", "usernames": "a\nb", "hashtags": "#x\n#y"}, 20),
    "Mentions Custom List": ({"link": LINK, "usernames": "a\nb\nc\nd"}, 4),
    "Mentions Hashtag": ({"link": LINK, "quantity": "20", "hashtag": "#x"}, 20),
    "Mentions User Followers": ({"link": LINK, "quantity": "20", "username": "someone"}, 20),
    "Mentions Media Likers": ({"link": LINK, "quantity": "20", "media": "https://example.com/media"}, 20),
    "Comment Likes": ({"link": LINK, "quantity": "20", "username": "someone"}, 20),
    "Comment Replies": ({"link": LINK, "username": "someone", "comments": "one\ntwo"}, 2),
    "Poll": ({"link": LINK, "quantity": "20", "answer_number": "2"}, 20),
    "Invites from Groups": (
        {"link": LINK, "quantity": "20", "groups": "https://example.com/g1\nhttps://example.com/g2"},
        20,
    ),
    "SEO": ({"link": LINK, "quantity": "20", "keywords": "one\ntwo"}, 20),
    "Web Traffic": ({"link": LINK, "quantity": "200", "country": "US", "device": "1", "type_of_traffic": "3"}, 200),
    "Subscriptions": ({"username": "someone", "min": "10", "max": "20", "delay": "30", "posts": "5"}, 100),
}


def service_of(kind, *, rate="0.90", least=1, most=100_000, number="1"):
    return Service(number, "a service", kind, "a category", Decimal(rate), least, most)
