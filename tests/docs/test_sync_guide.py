"""The sync guide's program keeps a database in step, and loses nothing where the API refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk import HistorySyncForbiddenError
from tesote_sdk.sandbox import Sandbox

from .markdown import ROOT, blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SYNC = "/v2/accounts/*/transactions/sync"
Program = tuple[dict[str, Any], str]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Sandbox], Program]]:
    """Runs the guide's first block up to its functions; returns its names, and an account."""
    started: list[dict[str, Any]] = []

    def run(sandbox: Sandbox) -> Program:
        monkeypatch.setenv("TESOTE_SDK_API_KEY", sandbox.api_key)
        monkeypatch.setenv("TESOTE_SDK_API_URL", sandbox.url)
        guide = blocks(ROOT / "docs" / "guides" / "sync.md")
        code = next(block.code for block in guide if block.info == "python")
        definitions, found, _ = code.partition("\naccount_id = ")
        assert found
        names: dict[str, Any] = {}
        exec(definitions, names)  # noqa: S102 - the code is ours
        started.append(names)
        return names, sandbox.account_ids[0]

    yield run
    for names in started:
        names["client"].close()
        names["database"].close()


def stored(names: dict[str, Any]) -> tuple[set[str], str | None]:
    """The transactions and the cursor in the database."""
    database = names["database"]
    cursor = database.execute("SELECT cursor FROM cursors").fetchone()
    ids = {row[0] for row in database.execute("SELECT id FROM transactions")}
    return ids, cursor and cursor[0]


def test_a_refusal_after_a_stored_cursor_loses_nothing(
    start: Callable[[Sandbox], Program],
) -> None:
    with Sandbox(accounts=1, transactions=5) as sandbox:
        names, account_id = start(sandbox)
        names["sync"](account_id)
        before = stored(names)
        posted = sandbox.post_transaction(account_id, amount_cents=-700)
        sandbox.fail(error_code="HISTORY_SYNC_FORBIDDEN", path=SYNC)
        with pytest.raises(HistorySyncForbiddenError):
            names["sync"](account_id)
        assert stored(names) == before
        names["sync"](account_id)
        assert stored(names)[0] == before[0] | {posted["id"]}


def test_a_refusal_in_the_middle_of_the_first_walk_loses_nothing(
    start: Callable[[Sandbox], Program],
) -> None:
    with Sandbox(accounts=1, transactions=600) as sandbox:  # two pages
        names, account_id = start(sandbox)

        answers = []

        def refuse(event: Any) -> None:
            if event["phase"] == "response":
                answers.append(event["status"])
            if answers == [200]:  # the second page, and nothing after it
                sandbox.fail(error_code="HISTORY_SYNC_FORBIDDEN", path=SYNC)
                answers.append(0)

        names["client"] = names["client"].with_options(logger=refuse)
        with pytest.raises(HistorySyncForbiddenError):
            names["sync"](account_id)
        assert len(stored(names)[0]) == 500
        names["sync"](account_id)
        assert len(stored(names)[0]) == 600


def test_without_the_history_it_begins_with_the_present(
    start: Callable[[Sandbox], Program],
) -> None:
    with Sandbox(accounts=1, transactions=5, history_sync=False) as sandbox:
        names, account_id = start(sandbox)
        names["sync"](account_id)
        assert stored(names)[0] == set()
        posted = sandbox.post_transaction(account_id, amount_cents=-700)
        names["sync"](account_id)
        assert stored(names)[0] == {posted["id"]}
