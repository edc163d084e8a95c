"""Status, identity and accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._state.seed import WORKSPACE_NAME
from .._wire.messages import Reply, to_json
from .._wire.moments import moment, moment_or_none
from .query import page_number, page_size
from .shapes import single
from .sync_sessions import observe

if TYPE_CHECKING:
    from .._state.records import Account
    from .._state.store import Store
    from .call import Call

_PERMISSIONS = ["accounts.read", "transactions.read", "transactions.sync"]


def status(store: Store, call: Call) -> Reply:
    """GET /status and /v2/status: open to all, and tells whether the key is good."""
    answer: dict[str, Any] = {"status": "ok", "authenticated": call.api_key is not None}
    if store.settings.shapes == "openapi" and call.version == "v2":
        answer["version"] = "2.0.0"
        answer["client_info"] = {
            "id": store.workspace_id,
            "tier": "standard",
            "rate_limit_quota": 200,
        }
        answer["system_info"] = {"uptime": "99.95%", "response_time_avg": "62ms"}
    return Reply(200, answer)


def whoami(store: Store, call: Call) -> Reply:
    """GET /whoami and /v2/whoami."""
    if store.settings.shapes == "openapi" and call.version == "v2" and call.api_key:
        return Reply(
            200,
            {
                "id": call.api_key.id,
                "workspace_id": store.workspace_id,
                "workspace_name": WORKSPACE_NAME,
                "api_key_name": call.api_key.name,
                "permissions": _PERMISSIONS,
            },
        )
    client = {"id": store.workspace_id, "name": WORKSPACE_NAME, "type": "workspace"}
    return Reply(200, {"client": client})


def list_accounts(store: Store, call: Call) -> Reply:
    """GET /v1/accounts and /v2/accounts."""
    page, size = page_number(call), page_size(call)
    accounts = list(store.accounts.values())
    total = len(accounts)
    shown = accounts[(page - 1) * size : page * size]
    pagination = {
        "current_page": page,
        "per_page": size,
        "total_pages": -(-total // size),
        "total_count": total,
    }
    members = [
        b'"total":%d' % total,
        b'"accounts":[%s]' % b",".join([_account_json(store, account) for account in shown]),
        b'"pagination":%s' % to_json(pagination),
    ]
    if store.settings.shapes == "openapi" and call.version == "v2":
        del members[0]
    return Reply(200, content=b"{%s}" % b",".join(members))


def get_account(store: Store, call: Call) -> Reply:
    """GET /v1/accounts/{id} and /v2/accounts/{id}: moves a running sync one step on."""
    account = store.account(call.ids["account_id"])
    observe(store, account)
    return single(store.settings.shapes, "account", account_object(store, account))


def _account_json(store: Store, account: Account) -> bytes:
    # Nearly all that a list costs is to write accounts that are what they were in the last one.
    moving = (account.balance_cents, account.data_as_of, account.updated_at)
    if account.written is None or account.written[0] != moving:
        account.written = (moving, to_json(account_object(store, account)))
    return account.written[1]


def account_object(store: Store, account: Account) -> dict[str, Any]:
    """The account as the API shows it."""
    seed = account.seed
    as_of = moment_or_none(account.data_as_of, seed.utc_offset)
    data = {
        "masked_account_number": seed.masked_number,
        "currency": seed.currency,
        "transactions_data_current_as_of": as_of,
        "balance_data_current_as_of": as_of,
        "custom_user_provided_identifier": seed.identifier,
    }
    if store.settings.balances:
        data["balance_cents"] = str(account.balance_cents)
        data["available_balance_cents"] = str(account.balance_cents - seed.held_cents)
    return {
        "id": seed.id,
        "name": seed.name,
        "data": data,
        "bank": {"name": seed.bank_name},
        "legal_entity": dict(seed.legal_entity),
        "tesote_created_at": moment(seed.created_at, seed.utc_offset),
        "tesote_updated_at": moment(account.updated_at, seed.utc_offset),
    }
