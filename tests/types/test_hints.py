"""What `typing.get_type_hints` says of the package, as checkers and dependency injectors ask it.

A name that only type checkers can see is an error there, and so is `X | None` on Python 3.9.
"""

from __future__ import annotations

import importlib
import inspect
import typing
from typing import TYPE_CHECKING, Any, Optional, Union

import pytest

import tesote_sdk
from tesote_sdk import V1Client, V2Client
from tests.make_api import MODULES

if TYPE_CHECKING:
    from collections.abc import Iterator


def things() -> dict[str, Any]:
    """Return all that is public and may have annotations: classes, and functions of theirs."""
    found: dict[str, Any] = {}
    for module_name in (*MODULES, "tesote_sdk.v2.export"):
        module = importlib.import_module(module_name)
        for name in getattr(module, "__all__", ["ExportFile"]):
            found.update(described(getattr(module, name)))
    for kind in (V1Client, V2Client):
        with kind("sk_live_abcd") as client:
            for name in dir(client):
                resource = type(getattr(client, name))
                if resource.__module__.startswith("tesote_sdk.v"):
                    found.update(described(resource))
    return found


def described(thing: Any) -> Iterator[tuple[str, Any]]:
    """Yield a function, or a class and what it and its bases define that users may call."""
    if inspect.isfunction(thing):
        yield f"{thing.__module__}.{thing.__qualname__}", thing
    if not inspect.isclass(thing):
        return
    for base in thing.__mro__:
        if not base.__module__.startswith("tesote_sdk"):
            continue
        yield f"{base.__module__}.{base.__qualname__}", base
        for name, member in vars(base).items():
            function = inspect.unwrap(getattr(member, "fget", getattr(member, "__func__", member)))
            public = not name.startswith("_") or name.startswith("__")
            # What a NamedTuple is made of is written by the standard library.
            if public and inspect.isfunction(function) and function.__module__ == base.__module__:
                yield f"{base.__module__}.{base.__qualname__}.{name}", member


def hints_of(thing: Any) -> dict[str, Any]:
    return typing.get_type_hints(getattr(thing, "fget", getattr(thing, "__func__", thing)))


def test_a_running_program_can_read_every_annotation() -> None:
    found = things()
    assert {
        "tesote_sdk.v2.transactions.Transactions.search",
        "tesote_sdk._base_client.BaseClient.__init__",
        "tesote_sdk.pagination.Page.__iter__",
        "tesote_sdk.transport.pacing.RateLimiter.__init__",
        "tesote_sdk.errors.SyncFailedError.__init__",
        "tesote_sdk.sandbox._sandbox.Sandbox.url",
    } <= found.keys()
    unreadable = {}
    for name, thing in found.items():
        try:
            hints_of(thing)
        except (NameError, TypeError, AttributeError) as error:  # noqa: PERF203
            unreadable[name] = str(error)
    report = [f"{len(unreadable)} of {len(found)}:", *map(": ".join, unreadable.items())]
    assert not unreadable, "\n".join(report)


@pytest.mark.parametrize("kind", [V1Client, V2Client])
def test_the_constructor_says_what_it_takes(kind: type[Any]) -> None:
    hints = hints_of(kind.__init__)
    assert hints["read_timeout"] == Optional[float]
    assert hints["retry_policy"] == Optional[tesote_sdk.RetryPolicy]


def test_methods_say_what_they_return() -> None:
    import datetime

    from tesote_sdk import types
    from tesote_sdk.v2.export import ExportFile

    with V2Client("sk_live_abcd") as client:
        assert hints_of(client.accounts.get)["return"] is types.Account
        assert hints_of(client.accounts.list)["return"] == tesote_sdk.Page[types.Account]
        assert hints_of(client.transactions.export)["return"] is ExportFile
        days = hints_of(client.transactions.list_for_account)["start_date"]
        assert days == Union[datetime.date, str, None]
        assert hints_of(client.transaction_orders.create)["amount"] == types.Amount


def test_what_a_sync_that_failed_holds() -> None:
    from tesote_sdk.types import SyncSession

    hints = hints_of(tesote_sdk.SyncFailedError.__init__)
    assert hints["session"] == Optional[SyncSession]
