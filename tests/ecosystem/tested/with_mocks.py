# needs: pytest requests responses requests-mock
"""A method of a client can be replaced; what mocks `requests` does not see the SDK."""

from __future__ import annotations

import urllib.request
from typing import Any
from unittest import mock

import pytest
import requests_mock
import responses

from tesote_sdk import AccountNotFoundError, Page, V2Client
from tests.ecosystem.support import SandboxProcess, check, check_each, tell


def prove() -> str:
    with SandboxProcess(accounts=2, transactions=1) as api, V2Client() as client:
        return check_each(
            {
                "monkeypatch of a method": lambda: _monkeypatch(api, client),
                "mock.patch.object": lambda: _patch_object(client),
                "create_autospec": _autospec,
                "responses passes it by": lambda: _pass_by(api, client),
            }
        )


def _monkeypatch(api: SandboxProcess, client: V2Client) -> None:
    account_id = api.account_ids[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client.accounts, "get", lambda account_id: {"id": "mine"})
        patch.setattr(client, "status", lambda: {"status": "mine"})
        check(client.accounts.get(account_id)["id"] == "mine", "the method was not replaced")
        check(client.status()["status"] == "mine", "the client's method was not replaced")
    check(client.accounts.get(account_id)["id"] == account_id, "the method did not come back")


def _patch_object(client: V2Client) -> None:
    refusal = AccountNotFoundError("no such account", error_code="ACCOUNT_NOT_FOUND")
    replaced = mock.patch.object(client.accounts, "get", side_effect=refusal, autospec=True)
    with replaced as get, pytest.raises(AccountNotFoundError):
        client.accounts.get("x")
    get.assert_called_once_with("x")


def _autospec() -> None:
    double: Any = mock.create_autospec(V2Client("key"), instance=True)
    double.accounts.get.return_value = {"id": "mine"}
    check(double.accounts.get("x")["id"] == "mine", "a specified mock does not answer")
    with pytest.raises(TypeError):
        double.accounts.get("x", no_such_argument=1)
    check(isinstance(double.accounts.list.return_value, (mock.Mock, Page)), "a list is no mock")


def _pass_by(api: SandboxProcess, client: V2Client) -> None:
    with responses.RequestsMock(), requests_mock.Mocker():
        check(client.status()["status"] == "ok", "the call was mocked")
    with mock.patch.object(urllib.request, "urlopen", side_effect=AssertionError):
        check(client.status()["status"] == "ok", "the call went through urlopen")
    check(len(api.requests()) > 1, "the server was not asked")


if __name__ == "__main__":
    tell(prove)
