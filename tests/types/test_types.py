"""The types as a running program sees them: plain dicts, documented, required where promised."""

from __future__ import annotations

import ast
import datetime
import importlib.util
import inspect
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Any,
    ForwardRef,
    Literal,
    Optional,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import pytest

import tesote_sdk.types as sdk_types
from tesote_sdk.types import accounts, ids, money, pagination, payments, status, sync, transactions
from tests.support.systems import needs_docstrings

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULES = (accounts, ids, money, pagination, payments, status, sync, transactions)
TYPED_DICTS = [
    value
    for name in sdk_types.__all__
    if hasattr(value := getattr(sdk_types, name), "__required_keys__")
]


def test_every_public_type_is_exported_in_order() -> None:
    defined = {
        name
        for module in MODULES
        for name in _defined(Path(module.__file__ or ""))
        if not name.startswith("_")
    }
    assert set(sdk_types.__all__) == defined
    assert sdk_types.__all__ == sorted(sdk_types.__all__)


def _defined(file: Path) -> Iterator[str]:
    """Yield the names of the classes and aliases of a module, and of nothing that it imports."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id


@pytest.mark.parametrize("name", sdk_types.__all__)
def test_a_running_program_can_read_every_type(name: str) -> None:
    holder = type("Holder", (), {"__annotations__": {"value": getattr(sdk_types, name)}})
    assert set(_names_to_look_up(get_type_hints(holder)["value"])) == set()


def _names_to_look_up(hint: Any) -> Iterator[str]:
    """Yield what a type holds, however deep, that is still the name of a type and not the type."""
    if isinstance(hint, ForwardRef):
        yield hint.__forward_arg__
    elif hasattr(hint, "__required_keys__"):
        own = get_type_hints(hint)
        assert own == hint.__annotations__
        assert set(own) == hint.__required_keys__ | hint.__optional_keys__
        for each in own.values():
            yield from _names_to_look_up(each)
    elif get_origin(hint) is not Literal:
        for each in get_args(hint):
            yield from _names_to_look_up(each)


def test_what_the_types_hold_can_be_used() -> None:
    order = get_type_hints(sdk_types.BatchOrder)
    assert order["amount"] == Union[str, int, Decimal]
    assert order["scheduled_for"] == Union[str, datetime.date, None]
    assert get_type_hints(sdk_types.Account)["legal_entity"] == Optional[sdk_types.LegalEntity]
    assert get_type_hints(sdk_types.Batch)["orders"] == list[sdk_types.TransactionOrder]


@needs_docstrings
@pytest.mark.parametrize("typed_dict", TYPED_DICTS, ids=lambda cls: cls.__name__)
def test_every_key_is_documented_once(typed_dict: Any) -> None:
    attributes = inspect.cleandoc(typed_dict.__doc__).partition("\nAttributes:\n")[2]
    documented = re.findall(r"^ {4}(\w+): ", attributes, re.MULTILINE)
    assert sorted(documented) == sorted(typed_dict.__required_keys__ | typed_dict.__optional_keys__)


@pytest.mark.parametrize(
    ("typed_dict", "required", "optional"),
    [
        (
            sdk_types.Account,
            "id name data bank legal_entity tesote_created_at tesote_updated_at",
            "balance_cents available_balance_cents",
        ),
        (
            sdk_types.AccountData,
            (
                "masked_account_number currency transactions_data_current_as_of"
                " balance_data_current_as_of"
            ),
            "custom_user_provided_identifier balance_cents available_balance_cents",
        ),
        (
            sdk_types.Transaction,
            "id status data tesote_imported_at tesote_updated_at",
            "transaction_categories counterparty account_id tesote_created_at",
        ),
        (
            sdk_types.TransactionData,
            "amount_cents currency description transaction_date",
            "created_at created_at_date note external_service_id running_balance_cents",
        ),
        (
            sdk_types.SyncTransaction,
            "transaction_id account_id amount iso_currency_code date name pending category",
            "unofficial_currency_code datetime merchant_name running_balance_cents",
        ),
        (sdk_types.SyncRemoved, "transaction_id", "account_id"),
        (sdk_types.SyncDelta, "added modified removed next_cursor has_more", ""),
        (
            sdk_types.SyncSession,
            "id status started_at completed_at transactions_synced accounts_count",
            "error performance",
        ),
        (sdk_types.Status, "status", "authenticated version client_info system_info"),
        (
            sdk_types.WhoAmI,
            "",
            "client id workspace_id workspace_name api_key_name permissions",
        ),
        (
            sdk_types.BatchOrder,
            "amount currency description",
            "destination_payment_method_id beneficiary scheduled_for metadata",
        ),
        (
            sdk_types.Beneficiary,
            "name",
            "bank_code account_number identification_type identification_number",
        ),
        (sdk_types.CounterpartyInput, "name", ""),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_the_server_always_sends_is_required(
    typed_dict: Any, required: str, optional: str
) -> None:
    assert typed_dict.__required_keys__ == set(required.split())
    assert typed_dict.__optional_keys__ == set(optional.split())


def test_orders_promise_all_but_batch_and_metadata() -> None:
    order: Any = sdk_types.TransactionOrder
    assert order.__optional_keys__ == {"batch_id", "metadata"}
    assert len(order.__required_keys__) == 22


def _loaded_by(program: str) -> set[str]:
    """Run a program in a process of its own, and return the names of the modules it has then."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{program}\nprint(*sys.modules)"],
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    )
    return set(done.stdout.split())


def test_a_client_does_without_them() -> None:
    loaded = _loaded_by(
        "from tesote_sdk import V1Client, V2Client\n"
        "V1Client('sk_live_abcd'), V2Client('sk_live_abcd')\n"
    )
    assert not loaded & {"tesote_sdk.types", "typing_extensions", "decimal", "datetime"}


def test_typing_extensions_is_taken_where_pydantic_wants_it_and_never_needed() -> None:
    installed = importlib.util.find_spec("typing_extensions") is not None
    wanted = installed and sys.version_info < (3, 12)
    assert ("typing_extensions" in _loaded_by("import tesote_sdk.types")) == wanted
    assert "tesote_sdk.types.payments" in _loaded_by(
        "sys.modules['typing_extensions'] = None  # as if it were not installed\n"
        "import tesote_sdk.types\n"
        "assert tesote_sdk.types.BatchOrder.__required_keys__ == "
        "{'amount', 'currency', 'description'}\n"
    )
