"""A sheet is looked up in the journal once, and what is met in two ways is one entry."""

from smmplus.journal.lookup import look_up
from tests.smmplus.batches import Batch, request_for


def test_what_is_met_in_three_ways_is_one_and_the_same(batch):
    entry = batch.accepted("501")
    found = look_up(batch.journal, batch.account, ["501"], [entry.fingerprint], batch.id)
    assert found.by_order_id["501"] is found.by_fingerprint[0] is found.of_batch[0]
    assert found.of_batch == [entry]


def test_each_way_finds_what_the_others_do_not(batch):
    by_id = batch.accepted("501")
    other = batch.plan(request=request_for(link="https://example.com/other"))[0]
    found = look_up(batch.journal, batch.account, ["501", "999"], [other.fingerprint], None)
    assert (found.by_order_id, found.by_fingerprint, found.of_batch) == ({"501": by_id}, [other], [])


def test_a_batch_comes_in_the_order_in_which_it_was_planned(batch):
    planned = batch.plan(601)
    found = look_up(batch.journal, batch.account, [], [planned[-1].fingerprint], batch.id)
    assert [entry.id for entry in found.of_batch] == [entry.id for entry in planned]


def test_another_account_s_orders_are_not_found(journal):
    stranger = Batch(journal, account="stranger")
    entry = stranger.accepted("501")
    found = look_up(
        journal, journal.ensure_account("https://smm.plus/api/v2", "main"), ["501"], [entry.fingerprint], None
    )
    assert (found.by_order_id, found.by_fingerprint) == ({}, [])
