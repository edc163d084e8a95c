"""Deltas: what a sync sends, with all the keys that are promised."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tesote_sdk import InvalidResponseError
from tests.support.steps import reply
from tests.v1.harness import answering

ADDED = {"transaction_id": "t1", "amount": 12500.5, "category": [], "a field of tomorrow": None}


def synced(sent: Any) -> Any:
    with answering(reply(200, json.dumps(sent))) as (_, client):
        return client.transactions.sync("a1")


def test_a_whole_delta_is_returned_as_sent() -> None:
    sent = {
        "added": [ADDED],
        "modified": [{**ADDED, "transaction_id": "t2"}],
        "removed": [{"transaction_id": "t3", "account_id": "a1"}],
        "next_cursor": "c2",
        "has_more": True,
        "a field of tomorrow": {"kept": [1]},
    }
    assert synced(sent) == sent


@pytest.mark.parametrize("sent", [{"added": []}, {"removed": None, "modified": []}])
def test_what_is_left_out_is_empty(sent: Any) -> None:
    assert synced(sent) == {
        "added": [],
        "modified": [],
        "removed": [],
        "next_cursor": None,
        "has_more": False,
    }


@pytest.mark.parametrize(
    ("sent", "cursor"),
    [
        ({}, None),
        ({"next_cursor": None}, None),
        ({"next_cursor": ""}, None),
        ({"next_cursor": "c2"}, "c2"),
        ({"new_cursor": "c2"}, "c2"),
        ({"next_cursor": None, "new_cursor": "c2"}, "c2"),
        ({"next_cursor": "", "new_cursor": "c2"}, "c2"),
        ({"next_cursor": "c2", "new_cursor": "old"}, "c2"),
    ],
)
def test_the_cursor_is_a_text_or_none(sent: dict[str, Any], cursor: str | None) -> None:
    assert synced({"added": [], **sent})["next_cursor"] == cursor


def test_a_null_has_more_is_false() -> None:
    assert synced({"added": [], "has_more": None})["has_more"] is False


def test_removed_ids_become_objects() -> None:
    assert synced({"removed": ["t1", {"transaction_id": "t2"}]})["removed"] == [
        {"transaction_id": "t1"},
        {"transaction_id": "t2"},
    ]


@pytest.mark.parametrize(
    "sent",
    [
        None,
        [],
        "text",
        7,
        {},
        {"transactions": []},
        {"has_more": False, "next_cursor": None},
        {"error": "a failure behind a 200"},
        {"added": {}},
        {"added": "t1"},
        {"added": [], "modified": 5},
        {"added": ["t1"]},
        {"added": [{}]},
        {"added": [{"id": "t1"}]},
        {"added": [{"transaction_id": None}]},
        {"removed": [None]},
        {"removed": [""]},
        {"removed": [7]},
        {"added": [], "next_cursor": 7},
        {"added": [], "next_cursor": ["c2"]},
        {"added": [], "next_cursor": {"id": "c2"}},
        {"added": [], "new_cursor": True},
    ],
    ids=json.dumps,
)
def test_what_is_no_delta_is_refused(sent: Any) -> None:
    with pytest.raises(InvalidResponseError, match=r"delta|transaction_id") as caught:
        synced(sent)
    assert caught.value.http_status == 200
    assert caught.value.outcome_unknown is False  # a sync reads, though it is a POST
