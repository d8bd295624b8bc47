"""Error texts that panels with this API were seen to answer, each with its meaning."""

import pytest

from smmplus.api.error_texts import Meaning, gravest, meaning

ROW = """
Incorrect service ID
Disabled service ID
Bad link
Quantity less than minimal 50
Quantity more than maximum 10000
Quantity less than maximum 10000
Incorrect quantity
Incorrect runs
Incorrect interval
Incorrect comments
Dripfeed is not supported by this service
neworder.error.link
neworder.error.min_quantity
neworder.error.max_quantity
neworder.error.comment
neworder.error.service_not_found
neworder.error.service_inactive
neworder.error.invalid_link
Service not found or inactive
Quantity must be between 10 and 5000
Enter a valid link
Missing required parameters
invalid_service
invalid_quantity
invalid_parameters
Not enough quantity
incorrect_service_id
error.incorrect_service_id
incorrect_link
error.incorrect_link
Quantity must be a multiple of 10 (try 20)
That link is not on this platform (instagram.com)
The selected service is invalid
The link field is required
"""
ACCOUNT = """
Invalid API key
Incorrect API key
Not enough funds on balance
Not enough funds
neworder.error.not_enough_funds
neworder.error.insufficient_balance
neworder.error.account_banned
Insufficient balance
Insufficient balance: you have 0.10 USD, and need 0.90 USD
insufficient_balance
Missing key
invalid_api_key
Account suspended
API access disabled
Ordering is disabled
API key not found
Bad API key
Unauthenticated
Unauthorized
not enough balance
You don't have enough balance
You have insufficient funds
Low balance
not_enough_funds
error.not_enough_funds
notEnoughFunds
Your IP is not whitelisted
"""
DUPLICATE = """
You have active order with this link. Please wait until order being completed.
neworder.error.link_duplicate
An identical order was just placed
You already ordered this service for this link
You already ordered this service for this link, wait 10 minutes
"""
BUSY = """
Rate limit exceeded
Rate limit exceeded, 60 calls a minute
This panel is temporarily unavailable
processing another transaction
We are processing another transaction, please wait
Too Many Attempts
Too many requests
too_many_requests
Please wait 5 seconds
Request limit exceeded
rate_limit_exceeded
Panel is under maintenance
"""
DOUBT = """
Order could not be created
Failed to create order. Please try again later.
Failed to create order
order_could_not_be_created
error.failed_to_create_order
Order could not be placed
Could not create order
Unable to place your order
Error while processing the order
Order creation failed
Order was not created
ORDER_NOT_CREATED
Order not placed
Order could not be\u200b created
Order created
Your order has been placed successfully
Your order is being processed
success
Internal server error
Something went wrong
An error occurred, try again later
Request timed out
SQLSTATE[40001]: Serialization failure: Deadlock found
Order #23501 created
Order ID: 23501
Your order 23501 has been placed
Your order may have been placed
Order for this link could not be created
Order could not be completed
Order already placed
Order couldnt be created
\uff2frder could not be created
We have received your order
Thank you for your order
Rate limit exceeded, your order is pending
order.create.failed
Could not be created
Creation failed
Error occurred while processing your request
Unable to process your request
Accepted
cURL error 52: Empty reply from server
Connection reset by peer
Provider error
MySQL server has gone away
Undefined index: id
"""
MISTAKE = """
Incorrect request
Invalid action
Unknown action
Missing key or action
"""
FOLLOW_UP = """
Incorrect order ID
Incorrect refill ID
Refill not found
Refill is disabled for this service
The order is not completed
Cancel already requested
This order cannot be canceled
Cancel is not available
"""
LISTED = [
    (text, what)
    for words, what in (
        (ROW, Meaning.ROW),
        (ACCOUNT, Meaning.ACCOUNT),
        (DUPLICATE, Meaning.DUPLICATE),
        (BUSY, Meaning.BUSY),
        (DOUBT, Meaning.DOUBT),
        (MISTAKE, Meaning.MISTAKE),
        (FOLLOW_UP, Meaning.FOLLOW_UP),
    )
    for text in words.strip().splitlines()
]


@pytest.mark.parametrize(("text", "what"), LISTED)
def test_a_listed_word_lands_in_its_class(text, what):
    assert meaning(text) is what


@pytest.mark.parametrize(("text", "what"), LISTED)
def test_case_blanks_and_a_final_stop_change_nothing(text, what):
    shouted = text if text == "notEnoughFunds" else text.upper()
    assert meaning(f"  {shouted}. ".replace(" ", " \n ")) is what


@pytest.mark.parametrize(
    "text",
    [
        "Некорректная ссылка", "Saldo tidak cukup", "", "error", "Bad link maybe", "no funds",
        "This is not an Invalid API key", "the service said: Rate limit exceeded",
    ],
)  # fmt: skip
def test_what_is_in_no_list_is_unknown(text):
    assert meaning(text) is Meaning.UNKNOWN


@pytest.mark.parametrize("text", ["whatever", "Bad link", "Not enough funds on balance", "Something went wrong"])
def test_http_429_is_not_now_whatever_the_text(text):
    assert meaning(text, 429) is Meaning.BUSY


@pytest.mark.parametrize("text", ["Order could not be created", "Your order was placed", "Order #23501 is pending"])
def test_an_order_that_may_have_been_made_is_no_not_now_with_any_status(text):
    assert meaning(text, 429) is Meaning.DOUBT


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Not enough funds to place this order", Meaning.ACCOUNT),
        ("You have active order with this link. Please wait until order being completed.", Meaning.DUPLICATE),
        ("Order limit for this link is 3 a day", Meaning.UNKNOWN),
        ("This service is not for resale", Meaning.UNKNOWN),
    ],
)
def test_a_text_is_no_doubt_only_because_it_speaks_of_orders(text, what):
    assert meaning(text) is what


@pytest.mark.parametrize("status", [401, 402, 403])
def test_where_the_text_is_unknown_the_status_speaks_of_the_account(status):
    assert meaning("Доступ запрещён", status) is Meaning.ACCOUNT


@pytest.mark.parametrize("status", [404, 405])
@pytest.mark.parametrize("text", ["Not Found", "Method Not Allowed", "The route api/v3 could not be found."])
def test_words_of_a_web_server_are_about_the_address(text, status):
    assert (meaning(text, status), meaning(text)) == (Meaning.ADDRESS, Meaning.UNKNOWN)


@pytest.mark.parametrize(
    ("texts", "what"),
    [
        (["Bad link", "Order could not be created"], Meaning.DOUBT),
        (["Rate limit exceeded", "Order could not be created"], Meaning.DOUBT),
        (["Rate limit exceeded", "Bad link"], Meaning.ROW),
        (["Rate limit exceeded", "Некорректная ссылка"], Meaning.UNKNOWN),
        (["Тариф", "not_enough_funds"], Meaning.ACCOUNT),
        (["Bad link", "Not enough funds"], Meaning.ACCOUNT),
    ],
)
def test_of_several_texts_the_gravest_counts(texts, what):
    assert gravest(texts) is gravest(texts[::-1]) is what


@pytest.mark.parametrize(
    "text", ["Rate limit exceeded. Order could not be created", "Too many requests, your order has been placed"]
)
def test_a_text_that_speaks_of_an_order_is_never_not_now(text):
    assert meaning(text) is Meaning.DOUBT


def test_what_goes_on_to_speak_of_an_order_is_not_repeated_by_itself():
    assert meaning("Too many requests for this order") is Meaning.UNKNOWN


@pytest.mark.parametrize("text", ["Error: Bad link", "ERROR - bad link", "Failed: Bad link."])
def test_the_word_error_before_a_text_changes_nothing(text):
    assert meaning(text) is Meaning.ROW


@pytest.mark.parametrize("status", [400, 404, 422])
def test_other_statuses_say_nothing_of_an_unknown_text(status):
    assert meaning("Неверно", status) is Meaning.UNKNOWN


@pytest.mark.parametrize("status", [200, 401, 402, 403, 404, 422])
def test_a_known_text_comes_before_the_status(status):
    assert meaning("Bad link", status) is Meaning.ROW


def test_not_enough_funds_and_not_enough_quantity_differ():
    assert (meaning("Not enough funds"), meaning("Not enough quantity")) == (Meaning.ACCOUNT, Meaning.ROW)


def test_missing_key_or_action_is_our_mistake_and_missing_key_the_accounts():
    assert (meaning("Missing key or action"), meaning("Missing key")) == (Meaning.MISTAKE, Meaning.ACCOUNT)
