"""Bank accounts, as v1 and v2 send them.

Source: https://equipo.tesote.com/api/docs?version=v2, "Accounts".
"""

from typing import Optional, Union

from tesote_sdk.types._typed_dict import TypedDict


class Bank(TypedDict):
    """The bank that holds an account.

    Attributes:
        name: The bank's display name; None when it is not known.
    """

    name: Optional[str]


class _LegalEntityRequired(TypedDict):
    id: Optional[str]
    legal_name: Optional[str]


class LegalEntity(_LegalEntityRequired, total=False):
    """The company or person that owns an account.

    Attributes:
        id: UUID of the entity; None when the account has no owner on record.
        legal_name: Registered name; None when the account has no owner on record.
        name: Display name. Seen in use, documented nowhere; fall back to it after `legal_name`.
    """

    name: Optional[str]


class _AccountDataRequired(TypedDict):
    masked_account_number: str
    currency: str
    transactions_data_current_as_of: Optional[str]
    balance_data_current_as_of: Optional[str]


class AccountData(_AccountDataRequired, total=False):
    """What is known about an account: number, currency, freshness, balances.

    Attributes:
        masked_account_number: The last digits behind asterisks, such as `*****7731`.
        currency: Currency code, such as `USD` or `VES`.
        transactions_data_current_as_of: ISO 8601 timestamp; how fresh the transactions are.
            None before the first bank sync.
        balance_data_current_as_of: ISO 8601 timestamp; how fresh the balances are. None before
            the first bank sync.
        custom_user_provided_identifier: The label that the customer gave the account.
        balance_cents: Booked balance in cents, as a string of digits (`"918450075"`); `int()`
            reads it, and the number that some workspaces are said to get. Absent unless the
            workspace has "Display Balances in API" switched on.
        available_balance_cents: Balance that can be spent, in cents, sent as `balance_cents` is
            and under the same condition.
    """

    custom_user_provided_identifier: Optional[str]
    balance_cents: Union[str, int]
    available_balance_cents: Union[str, int]


class _AccountRequired(TypedDict):
    id: str
    name: str
    data: AccountData
    bank: Bank
    legal_entity: Optional[LegalEntity]
    tesote_created_at: str
    tesote_updated_at: str


class Account(_AccountRequired, total=False):
    """A bank account.

    Attributes:
        id: UUID of the account.
        name: Display name, usually the bank and the last digits.
        data: Number, currency, freshness and balances.
        bank: The bank that holds the account.
        legal_entity: The owner; its members are None, or it is None itself, when there is none.
        tesote_created_at: ISO 8601 timestamp; when Tesote first knew the account.
        tesote_updated_at: ISO 8601 timestamp; when Tesote last changed it.
        balance_cents: As `data["balance_cents"]`, for the servers that send it here. Look in
            `data` first.
        available_balance_cents: As `data["available_balance_cents"]`; look in `data` first.
    """

    balance_cents: Union[str, int]
    available_balance_cents: Union[str, int]
