"""The types as a running program sees them: plain dicts, documented, required where promised."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from typing import Any

import pytest

import tesote_sdk.types as sdk_types
from tesote_sdk.types import accounts, money, pagination, payments, status, sync, transactions

MODULES = (accounts, money, pagination, payments, status, sync, transactions)
TYPED_DICTS = [
    value
    for name in sdk_types.__all__
    if hasattr(value := getattr(sdk_types, name), "__required_keys__")
]


def test_every_public_type_is_exported_in_order() -> None:
    defined = {
        name
        for module in MODULES
        for name in vars(module)
        if name[0].isupper() and name not in ("TYPE_CHECKING", "TypedDict", "Union", "Any")
    } - {"Literal"}
    assert set(sdk_types.__all__) == defined
    assert sdk_types.__all__ == sorted(sdk_types.__all__)


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


def test_importing_them_loads_nothing_else() -> None:
    program = (
        "import sys, typing, tesote_sdk\n"
        "before = set(sys.modules)\n"
        "import tesote_sdk.types\n"
        "print(*sorted(m for m in set(sys.modules) - before if 'tesote_sdk' not in m))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() in ([], ["__future__"])
