from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tesote_sdk.sandbox import Sandbox

from .api import Api

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(accounts=7, transactions=12) as sandbox:
        yield sandbox


@pytest.fixture
def api(sandbox: Sandbox) -> Iterator[Api]:
    with Api(sandbox) as api:
        yield api


@pytest.fixture
def account(sandbox: Sandbox) -> str:
    """The path of the first account, in v2."""
    return f"/v2/accounts/{sandbox.account_ids[0]}"
