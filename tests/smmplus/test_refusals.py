"""Every error word that API.md lists, each in the class that it is listed under."""

import pytest

from smmplus.refusals import Meaning, meaning

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
"""
DOUBT = """
Order could not be created
Failed to create order. Please try again later.
Failed to create order
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
    assert meaning(f"  {text.upper()}. ".replace(" ", " \n ")) is what


@pytest.mark.parametrize(
    "text",
    [
        "Некорректная ссылка", "Saldo tidak cukup", "", "error", "Bad link maybe", "no funds", "Order created",
        "This is not an Invalid API key", "the service said: Rate limit exceeded",
    ],
)  # fmt: skip
def test_what_is_in_no_list_is_unknown(text):
    assert meaning(text) is Meaning.UNKNOWN


@pytest.mark.parametrize("text", ["whatever", "Bad link", "Not enough funds on balance", "Order could not be created"])
def test_http_429_is_not_now_whatever_the_text(text):
    assert meaning(text, 429) is Meaning.BUSY


@pytest.mark.parametrize("status", [401, 402, 403])
def test_where_the_text_is_unknown_the_status_speaks_of_the_account(status):
    assert meaning("Доступ запрещён", status) is Meaning.ACCOUNT


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
