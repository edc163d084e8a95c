"""The data a sandbox starts with: believable, and the same for the same seed."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any

from .._wire.moments import day
from .ledger import Transaction
from .records import AccountSeed, PaymentMethod

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DAY = 86_400.0
WORKSPACE_NAME = "Panadería El Trigal C.A."
CATEGORIES = {
    "Sales": "4100",
    "Supplies": "5100",
    "Payroll": "5200",
    "Rent": "5300",
    "Taxes": "5400",
    "Bank fees": "5500",
    "Transfers": None,
}


@dataclass(frozen=True)
class _Market:
    """A currency as it is banked: where, in what sizes, with whom."""

    currency: str
    utc_offset: int
    banks: Sequence[str]
    typical_cents: int
    incoming: Sequence[tuple[str, str, str]]
    outgoing: Sequence[tuple[str, str, str]]


# Description, counterparty, category.
_VES = _Market(
    "VES",
    -4,
    ("Banco Caribe Norte", "Banco del Ávila", "Banco Llanero", "Banco Orinoco Universal"),
    2_500_000,
    (
        ("PAGO MOVIL RECIBIDO", "Inversiones La Colmena C.A.", "Sales"),
        ("ABONO PUNTO DE VENTA", "Procesadora Andina de Pagos", "Sales"),
        ("TRF RECIBIDA CAFE MONTAÑA", "Café Montaña C.A.", "Sales"),
    ),
    (
        ("TRF HARINAS DEL SUR", "Harinas del Sur C.A.", "Supplies"),
        ("PAGO NOMINA QUINCENA", "Nómina", "Payroll"),
        ("ALQUILER LOCAL 4-B", "Inmobiliaria Los Samanes", "Rent"),
        ("PAGO IVA SENIAT", "SENIAT", "Taxes"),
        ("COMISION TRANSFERENCIA", "", "Bank fees"),
    ),
)
_USD = _Market(
    "USD",
    0,
    ("First Harbor Bank", "Bayside Commercial Bank", "Banesto Miami"),
    180_000,
    (
        ("POS SETTLEMENT", "CardPoint Processing", "Sales"),
        ("WIRE IN GLOBAL FOODS", "Global Foods LLC", "Sales"),
        ("ACH CREDIT MARKETPLACE", "Northgate Marketplace Inc.", "Sales"),
    ),
    (
        ("ACH DEBIT OVEN LEASING", "Keystone Equipment Leasing", "Rent"),
        ("WIRE OUT FLOUR IMPORT", "Prairie Mills Inc.", "Supplies"),
        ("PAYROLL RUN", "Payday Services", "Payroll"),
        ("MONTHLY SERVICE FEE", "", "Bank fees"),
        ("IRS USATAXPYMT", "IRS", "Taxes"),
    ),
)
_EUR = _Market(
    "EUR",
    1,
    ("Banco Ibérico de Comercio", "Rheinland Handelsbank"),
    150_000,
    (
        ("SEPA CREDIT DELICATESSEN", "Delicatessen Serrano S.L.", "Sales"),
        ("SEPA CREDIT", "Feinkost Brandt GmbH", "Sales"),
    ),
    (
        ("SEPA DD MALT SUPPLY", "Malzfabrik Weiss GmbH", "Supplies"),
        ("SEPA TRANSFER", "Hornos Vulcano S.A.", "Supplies"),
        ("KONTOFUEHRUNG", "", "Bank fees"),
    ),
)
_MARKETS = (_VES, _USD, _VES, _VES, _USD, _EUR)
_ENTITIES = (WORKSPACE_NAME, "Trigal Foods LLC", "Distribuidora El Trigal S.A.")


def new_uuid(random: Random) -> str:
    """A version 4 UUID drawn from a seeded source."""
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


def uuid_of(seed: int, *what: object) -> str:
    """The one UUID of a named thing under a seed."""
    digest = hashlib.sha256(repr((seed, *what)).encode("utf-8")).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))


def id_prefix(account_id: str) -> str:
    """The first characters of every transaction id of an account.

    So the account is known from the id, and no other account's transactions need be made first.
    """
    return hashlib.sha256(account_id.encode("utf-8")).hexdigest()[:8]


def counterparties(seed: int) -> dict[str, str]:
    """The names of all counterparties by their ids."""
    names = {
        name
        for market in (_VES, _USD, _EUR)
        for _, name, _ in (*market.incoming, *market.outgoing)
        if name
    }
    return {uuid_of(seed, "counterparty", name): name for name in sorted(names)}


def account_seed(seed: int, index: int, today: float) -> AccountSeed:
    """Account number `index`; `today` is the epoch time that its history ends at."""
    random = Random(f"{seed}/account/{index}")
    market = _MARKETS[index % len(_MARKETS)]
    bank = random.choice(market.banks)
    digits = f"{random.randrange(10_000):04d}"
    # The schema allows these nulls, so some accounts have them.
    nameless = index % 15 == 14
    never_synced = index % 20 == 19
    entity = _ENTITIES[index % len(_ENTITIES)]
    created_at = today - random.randrange(200, 700) * DAY
    balance = market.typical_cents * random.randrange(40, 400) + random.randrange(100)
    return AccountSeed(
        id=uuid_of(seed, "account", index),
        index=index,
        bank_name=None if nameless else bank,
        name=f"{bank} (...{digits})",
        masked_number=f"*****{digits}",
        currency=market.currency,
        utc_offset=market.utc_offset,
        identifier=f"OPER-{index + 1:02d}" if index % 3 == 0 else None,
        legal_entity={
            "id": None if nameless else uuid_of(seed, "entity", entity),
            "legal_name": None if nameless else entity,
        },
        balance_cents=balance,
        held_cents=random.choice((0, 0, market.typical_cents // 2)),
        payment_method_id=uuid_of(seed, "source method", index),
        created_at=created_at,
        updated_at=created_at if never_synced else today,
        data_as_of=None if never_synced else today,
    )


def new_account_seed(
    seed: int, index: int, now: float, currency: str, balance_cents: int
) -> AccountSeed:
    """Account number `index` in a currency of one's choice, opened now with a balance."""
    market = next((each for each in _MARKETS if each.currency == currency), None)
    return replace(
        account_seed(seed, index, now),
        currency=currency,
        utc_offset=market.utc_offset if market else 0,
        balance_cents=balance_cents,
        held_cents=0,
        created_at=now,
        updated_at=now,
        data_as_of=now,
    )


def transaction_seeds(
    seed: int, account: AccountSeed, count: int, today: float
) -> list[Transaction]:
    """`count` transactions of an account, newest first, the newest shortly before `today`."""
    random = Random(f"{seed}/transactions/{account.index}")
    market = _MARKETS[account.index % len(_MARKETS)]
    prefix = id_prefix(account.id)
    # A few hundred span some months, many thousands no more than two years.
    gap = min(2.25 * DAY, 730 * DAY / max(count, 1))
    moment, balance = today, account.balance_cents
    rows = []
    for number in range(count):
        moment -= int(gap * (0.2 + 1.6 * random.random())) + 1
        incoming = random.random() < 0.35
        text, name, category = random.choice(market.incoming if incoming else market.outgoing)
        amount = 1 + int(market.typical_cents * random.expovariate(1.0))
        signed = amount if incoming else -amount
        rows.append(
            Transaction(
                id=prefix + new_uuid(random)[8:],
                account_id=account.id,
                status="pending" if number < 3 and number % 2 == 0 else "completed",
                amount_cents=signed,
                currency=market.currency,
                description=None if number % 50 == 49 else text,
                date=day(moment, account.utc_offset),
                created_at=moment,
                note="Reviewed" if number % 10 == 7 else None,
                external_id=None if number % 25 == 24 else f"REF-{random.getrandbits(40):010x}",
                running_balance_cents=balance,
                imported_at=moment + 300,
                updated_at=moment + 300,
                categories=() if number % 8 == 5 else (category,),
                counterparty=_counterparty(seed, name, number),
            )
        )
        balance -= signed
    return rows


def _counterparty(seed: int, name: str, number: int) -> dict[str, Any] | None:
    if not name:
        return None
    known: dict[str, Any] = {"id": uuid_of(seed, "counterparty", name), "name": name}
    if number % 4 == 0:
        known["account_number"] = f"0199{number:016d}"
    return known


def source_methods(accounts: Sequence[AccountSeed]) -> list[PaymentMethod]:
    """The payment method that each account pays from."""
    return [
        PaymentMethod(
            id=account.payment_method_id,
            method_type="ach" if account.currency == "USD" else "bank_account",
            currency=account.currency,
            label=account.identifier,
            details={"account_number": account.masked_number, "holder_name": WORKSPACE_NAME},
            created_at=account.created_at,
            updated_at=account.created_at,
            account_id=account.id,
            verified_at=account.created_at + DAY,
        )
        for account in accounts
    ]


def destination_methods(
    seed: int, counterparty_names: Mapping[str, str], today: float
) -> list[PaymentMethod]:
    """A payment method to each of the counterparties that are paid."""
    names = {name: counterparty_id for counterparty_id, name in counterparty_names.items()}
    methods = []
    for market in (_VES, _USD, _EUR):
        for number, (_, name, _) in enumerate(market.outgoing):
            if not name:
                continue
            created_at = today - (90 + number) * DAY
            verified_at = created_at + DAY if number % 2 == 0 else None
            methods.append(
                PaymentMethod(
                    id=uuid_of(seed, "method", name),
                    method_type="wire" if market is _USD else "bank_account",
                    currency=market.currency,
                    label=None if number == 3 else name,
                    details={"bank_code": "0199", "account_number": f"0199{number:016d}"},
                    created_at=created_at,
                    updated_at=verified_at or created_at,
                    counterparty_id=names[name],
                    verified_at=verified_at,
                )
            )
    return methods
