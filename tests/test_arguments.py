"""Arguments: what is sent as it was given, and what is refused before anything is sent."""

from __future__ import annotations

import enum
import json
from datetime import date, datetime, timezone, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Callable

import pytest

from tesote_sdk import InvalidArgumentError, V1Client, V2Client
from tesote_sdk._arguments import order_body, whole_number
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import reply
from tests.v1.harness import answering, connected

if TYPE_CHECKING:
    from collections.abc import Iterator

PARTY = {"name": "Harinas del Sur C.A."}
ORDER: dict[str, Any] = {
    "amount": "1530.25",
    "currency": "VES",
    "description": "Flour",
    "beneficiary": PARTY,
}
METHOD: dict[str, Any] = {"method_type": "wire", "currency": "USD"}
NAIVE = datetime(2026, 3, 1, 9, 30)


@pytest.fixture(scope="module")
def deaf() -> Iterator[ScriptedServer]:
    """A server that nobody may call."""
    with ScriptedServer([]) as server:
        yield server


@pytest.fixture
def client(deaf: ScriptedServer) -> Iterator[V2Client]:
    with connected(V2Client, deaf.url) as client:
        yield client
    assert deaf.connections == 0


@pytest.fixture
def v1(deaf: ScriptedServer) -> Iterator[V1Client]:
    with connected(V1Client, deaf.url) as client:
        yield client
    assert deaf.connections == 0


# ---- ids ----

ID_CALLS: dict[str, Callable[[Any, Any], object]] = {
    "accounts.get": lambda c, i: c.accounts.get(i),
    "accounts.sync": lambda c, i: c.accounts.sync(i),
    "transactions.list": lambda c, i: c.transactions.list_for_account(i),
    "transactions.get": lambda c, i: c.transactions.get(i),
    "transactions.export": lambda c, i: c.transactions.export(i),
    "transactions.sync": lambda c, i: c.transactions.sync(i),
    "transactions.iter_sync": lambda c, i: next(c.transactions.iter_sync(i)),
    "transactions.bulk": lambda c, i: c.transactions.bulk(["a1", i]),
    "sync_sessions.list": lambda c, i: c.sync_sessions.list(i),
    "sync_sessions.get": lambda c, i: c.sync_sessions.get(i, "s1"),
    "sync_sessions.get, the session": lambda c, i: c.sync_sessions.get("a1", i),
    "sync_sessions.wait": lambda c, i: c.sync_sessions.wait(i, "s1"),
    "sync_sessions.wait, the session": lambda c, i: c.sync_sessions.wait("a1", i),
    "orders.list": lambda c, i: c.transaction_orders.list(i),
    "orders.get": lambda c, i: c.transaction_orders.get(i, "o1"),
    "orders.get, the order": lambda c, i: c.transaction_orders.get("a1", i),
    "orders.create": lambda c, i: c.transaction_orders.create(i, **ORDER),
    "orders.pay": lambda c, i: c.transaction_orders.pay(i, **ORDER, idempotency_key="k"),
    "orders.find": lambda c, i: c.transaction_orders.find_by_idempotency_key(i, "k"),
    "orders.wait": lambda c, i: c.transaction_orders.wait(i, "o1"),
    "orders.wait, the order": lambda c, i: c.transaction_orders.wait("a1", i),
    "orders.submit": lambda c, i: c.transaction_orders.submit("a1", i),
    "orders.cancel": lambda c, i: c.transaction_orders.cancel("a1", i),
    "batches.create": lambda c, i: c.batches.create(i, [ORDER]),
    "batches.get": lambda c, i: c.batches.get("a1", i),
    "batches.approve": lambda c, i: c.batches.approve("a1", i),
    "batches.submit": lambda c, i: c.batches.submit("a1", i),
    "batches.cancel": lambda c, i: c.batches.cancel(i, "b1"),
    "methods.get": lambda c, i: c.payment_methods.get(i),
    "methods.update": lambda c, i: c.payment_methods.update(i, label="x"),
    "methods.delete": lambda c, i: c.payment_methods.delete(i),
}
BAD_IDS: list[Any] = ["", ".", "..", None, 7, b"a1", ["a1"], {"id": "a1"}, "\ud800"]


@pytest.mark.parametrize("call", ID_CALLS.values(), ids=ID_CALLS)
@pytest.mark.parametrize("bad", BAD_IDS, ids=repr)
def test_what_is_no_id_is_refused(
    client: V2Client, call: Callable[[Any, Any], object], bad: Any
) -> None:
    with pytest.raises(InvalidArgumentError):
        call(client, bad)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("bad", BAD_IDS[:-1], ids=repr)
def test_what_is_no_id_is_refused_in_a_body_and_in_v1(
    client: V2Client, v1: V1Client, bad: Any
) -> None:
    calls: list[Callable[[Any], object]] = [
        client.transactions.sync_legacy,
        v1.accounts.get,
        v1.transactions.get,
        v1.transactions.list_for_account,
    ]
    for call in calls:
        with pytest.raises(InvalidArgumentError):
            call(bad)


@pytest.mark.parametrize(
    ("given", "segment"),
    [
        ("a/b", "a%2Fb"),
        ("a?x=1#y", "a%3Fx%3D1%23y"),
        ("a b", "a%20b"),
        ("100%", "100%25"),
        ("%2e%2e", "%252e%252e"),
        ("ñ", "%C3%B1"),
        ("a\r\nX: y", "a%0D%0AX%3A%20y"),
        ("...", "..."),
        ("a;b,c@d:e", "a%3Bb%2Cc%40d%3Ae"),
    ],
)
def test_an_id_is_one_segment_of_the_path(given: str, segment: str) -> None:
    with answering({"id": given}) as (server, client):
        client.transaction_orders.get(given, given)
        (request,) = server.requests
    assert request.target == f"/api/v2/accounts/{segment}/transaction_orders/{segment}"


class Choice(str, enum.Enum):
    """What users make of the API's enumerations in programs of their own."""

    CSV = "csv"


def test_a_text_of_an_enumeration_is_sent_as_its_text() -> None:
    with answering(b"", {"id": "csv"}, {"id": "o1"}) as (server, client):
        client.transactions.export("a1", format=Choice.CSV, status=Choice.CSV)  # type: ignore[arg-type]
        client.accounts.get(Choice.CSV)
        client.transaction_orders.create("a1", **{**ORDER, "currency": Choice.CSV})
        export, get, create = server.requests
    assert export.target.endswith("/export?format=csv&status=csv")
    assert get.target == "/api/v2/accounts/csv"
    assert json.loads(create.body)["transaction_order"]["currency"] == "csv"


# ---- numbers and cursors ----


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.accounts.list(per_page=0),
        lambda c: c.accounts.list(per_page=101),
        lambda c: c.accounts.list(per_page=-1),
        lambda c: c.accounts.list(page=0),
        lambda c: c.accounts.list(page=True),
        lambda c: c.accounts.list(page="2"),
        lambda c: c.accounts.list(page=1.0),
        lambda c: c.transactions.list_for_account("a1", per_page=101),
        lambda c: c.transactions.list_for_account("a1", page=0),
        lambda c: c.transactions.list_for_account(
            "a1", transactions_after_id="t1", transactions_before_id="t2"
        ),
        lambda c: c.transactions.search("q", limit=0),
        lambda c: c.transactions.search("q", offset=-1),
        lambda c: c.transactions.search(""),
        lambda c: c.transactions.search("  "),
        lambda c: c.transactions.search(None),
        lambda c: c.transactions.export("a1", format="pdf"),
        lambda c: c.transactions.sync("a1", count=0),
        lambda c: c.transactions.sync("a1", count=1001),
        lambda c: c.transactions.sync("a1", count="100"),
        lambda c: next(c.transactions.iter_sync("a1", count=1001)),
        lambda c: c.transactions.bulk([]),
        lambda c: c.transactions.bulk([f"a{number}" for number in range(101)]),
        lambda c: c.transactions.bulk("a1"),
        lambda c: c.transactions.bulk(None),
        lambda c: c.transactions.bulk(7),
        lambda c: c.transactions.bulk(["a1"], per_page=101),
        lambda c: c.transactions.bulk(["a1"], page=0),
        lambda c: c.transactions.bulk(["a1"], limit=0),
        lambda c: c.transactions.bulk(["a1"], offset=-1),
        lambda c: c.sync_sessions.list("a1", limit=0),
        lambda c: c.sync_sessions.list("a1", offset=-1),
        lambda c: c.sync_sessions.wait("a1", "s1", timeout=0),
        lambda c: c.sync_sessions.wait("a1", "s1", timeout="600"),
        lambda c: c.sync_sessions.wait("a1", "s1", timeout=None),
        lambda c: c.sync_sessions.wait("a1", "s1", timeout=float("nan")),
        lambda c: c.sync_sessions.wait("a1", "s1", poll_interval=0),
        lambda c: c.sync_sessions.wait("a1", "s1", poll_interval=-2),
        lambda c: c.sync_sessions.wait("a1", "s1", poll_interval=True),
        lambda c: c.transaction_orders.list("a1", limit=0),
        lambda c: c.transaction_orders.list("a1", offset=-1),
        lambda c: c.payment_methods.list(limit=0),
        lambda c: c.payment_methods.list(offset=1.5),
        lambda c: c.payment_methods.list(currency=object()),
        lambda c: c.payment_methods.create(
            **METHOD, counterparty_id="cp1", counterparty={"name": "x"}
        ),
        lambda c: c.payment_methods.update("p1", counterparty_id="cp1", counterparty=PARTY),
        lambda c: c.payment_methods.update("p1"),
        lambda c: c.payment_methods.create(**METHOD, details={"bank": object()}),
        lambda c: c.payment_methods.create(**METHOD, details={"rate": float("nan")}),
        lambda c: c.accounts.sync("a1", idempotency_key="a\r\nb"),
        lambda c: c.accounts.sync("a1", idempotency_key=""),
        lambda c: c.accounts.sync("a1", idempotency_key=7),
        lambda c: c.accounts.get("a1", cache_ttl=0),
        lambda c: c.accounts.list(cache_ttl="30"),
    ],
)
def test_a_bad_argument_is_refused_before_anything_is_sent(
    client: V2Client, call: Callable[[Any], object]
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        call(client)
    assert isinstance(caught.value, ValueError)
    assert caught.value.outcome_unknown is False


def test_the_message_names_the_argument_and_its_limits(client: V2Client) -> None:
    with pytest.raises(InvalidArgumentError, match="per_page must be from 1 to 100, not 101"):
        client.accounts.list(per_page=101)
    with pytest.raises(InvalidArgumentError, match="offset must be from 0, not -1"):
        client.payment_methods.list(offset=-1)
    with pytest.raises(InvalidArgumentError, match="count must be an int, not str"):
        client.transactions.sync("a1", count="1")  # type: ignore[arg-type]


# ---- dates ----


class Nowhere(tzinfo):
    """A time zone that does not say where it is, which leaves a datetime naive."""

    def utcoffset(self, _: datetime | None) -> None:
        return None

    dst = tzname = utcoffset


def test_a_time_zone_without_an_offset_names_no_moment(client: V2Client) -> None:
    with pytest.raises(InvalidArgumentError, match="created_after needs a time zone"):
        client.transactions.list_for_account("a1", created_after=NAIVE.replace(tzinfo=Nowhere()))


def test_a_datetime_is_no_day_and_a_naive_one_no_moment(client: V2Client) -> None:
    aware = NAIVE.replace(tzinfo=timezone.utc)
    for call in (
        lambda: client.transactions.list_for_account("a1", start_date=aware, end_date=aware),
        lambda: client.transactions.search("q", transaction_date_after=aware),
        lambda: client.transactions.export("a1", end_date=NAIVE),
        lambda: client.transactions.list_for_account("a1", created_after=NAIVE),
        lambda: client.transactions.search("q", updated_after=NAIVE),
        lambda: client.transaction_orders.list("a1", created_before=NAIVE),
        lambda: client.transaction_orders.create("a1", **ORDER, scheduled_for=NAIVE),
        lambda: client.batches.create("a1", [{**ORDER, "scheduled_for": NAIVE}]),  # type: ignore[typeddict-item]
        lambda: client.transactions.list_for_account("a1", start_date=20260301),  # type: ignore[arg-type]
        lambda: client.transaction_orders.list("a1", created_after=1.5e9),  # type: ignore[arg-type]
    ):
        with pytest.raises(InvalidArgumentError, match=r"_date|_after|_before|scheduled_for"):
            call()


def test_dates_go_out_in_iso_8601() -> None:
    with answering({"transactions": []}) as (server, client):
        client.transactions.search(
            "q", start_date=date(2026, 3, 1), end_date="2026-03-31", created_after=date(2026, 3, 2)
        )
        (request,) = server.requests
    assert request.target.endswith(
        "?q=q&start_date=2026-03-01&end_date=2026-03-31&created_after=2026-03-02"
    )


# ---- money in ----


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("1530.25", "1530.25"),
        ("0001.50", "0001.50"),
        (1530, "1530"),
        (10**30, "1" + "0" * 30),
        (Decimal("750000.10"), "750000.10"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-8"), "0.00000001"),
        (Decimal("1E+399"), "1" + "0" * 399),
        (10**399, "1" + "0" * 399),
        (Decimal("0.10"), "0.10"),
        (Decimal("123456789012345678901234567890.12"), "123456789012345678901234567890.12"),
    ],
)
def test_an_amount_is_sent_digit_for_digit(given: Any, sent: str) -> None:
    order: Any = {**ORDER, "amount": given}
    made = reply(201, {"id": "o1"})
    with answering(made, reply(201, {"batch_id": "b1"})) as (server, client):
        client.transaction_orders.create("a1", **order)
        client.batches.create("a1", [order])
        single, batch = [json.loads(request.body) for request in server.requests]
    assert single["transaction_order"]["amount"] == sent
    assert batch["orders"][0]["amount"] == sent


NO_AMOUNTS: list[Any] = [
    1.5,
    1.0,
    float("nan"),
    float("inf"),
    True,
    False,
    "1e3",
    "",
    " 1",
    "1 ",
    "1\n",
    "1,50",
    "1_000",
    "+1",
    ".5",
    "5.",
    "--1",
    "0x10",
    "NaN",
    "Infinity",
    "ten",
    "١٢",
    "$5",
    b"5",
    Decimal("NaN"),
    Decimal("sNaN"),
    Decimal("Infinity"),
    Decimal("-Infinity"),
    Decimal("1e999999999"),
    Decimal("1e-999999999"),
    Decimal("0e400"),
    10**400,
    "1" * 401,
    ["5"],
    {"amount": 5},
    5 + 0j,
    None,
]


@pytest.mark.parametrize("amount", NO_AMOUNTS, ids=repr)
def test_what_is_no_exact_amount_is_refused(client: V2Client, amount: Any) -> None:
    order: Any = {**ORDER, "amount": amount}
    with pytest.raises(InvalidArgumentError, match="amount"):
        client.transaction_orders.create("a1", **order)
    with pytest.raises(InvalidArgumentError, match=r"orders\[2\]: amount"):
        client.batches.create("a1", [ORDER, ORDER, order])  # type: ignore[list-item]


def test_a_truth_value_is_no_amount(client: V2Client) -> None:
    with pytest.raises(
        InvalidArgumentError, match=r"^amount must be an amount, not bool: True is none$"
    ):
        client.transaction_orders.create("a1", **{**ORDER, "amount": True})


@pytest.mark.parametrize("amount", [1.5, True, "1e3", "", Decimal("NaN")], ids=repr)
def test_a_filter_by_amount_is_as_exact(client: V2Client, amount: Any) -> None:
    for name in ("amount", "amount_min", "amount_max"):
        bad: dict[str, Any] = {name: amount}
        for call in (client.transactions.list_for_account, client.transactions.export):
            with pytest.raises(InvalidArgumentError, match=name):
                call("a1", **bad)
        with pytest.raises(InvalidArgumentError, match=name):
            client.transactions.search("q", **bad)


def test_a_float_is_refused_with_the_reason(client: V2Client) -> None:
    with pytest.raises(InvalidArgumentError, match="not float: a float is binary"):
        client.transaction_orders.create("a1", **{**ORDER, "amount": 0.1})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"destination_payment_method_id": "p1"}, "either destination_payment_method_id or"),
        ({"beneficiary": None}, "either destination_payment_method_id or beneficiary"),
        ({"currency": None}, "currency is missing"),
        ({"description": None}, "description is missing"),
        ({"metadata": {"rate": float("inf")}}, "JSON"),
    ],
)
def test_an_order_that_cannot_be_is_refused(
    client: V2Client, change: dict[str, Any], message: str
) -> None:
    order: Any = {**ORDER, **change}
    with pytest.raises(InvalidArgumentError, match=message):
        client.transaction_orders.create("a1", **order)
    where = "" if message == "JSON" else r"orders\[1\]: "
    with pytest.raises(InvalidArgumentError, match=f"{where}.*{message}"):
        client.batches.create("a1", [ORDER, order])  # type: ignore[list-item]


@pytest.mark.parametrize("orders", [[], (), None, 7, {}, {"amount": "1"}, "orders", [None], ["o"]])
def test_what_is_no_list_of_orders_is_refused(client: V2Client, orders: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="order"):
        client.batches.create("a1", orders)


def test_an_order_in_a_batch_may_leave_its_optional_fields_none() -> None:
    order: Any = {**ORDER, "scheduled_for": None, "metadata": None}
    with answering(reply(201, {"batch_id": "b1"})) as (server, client):
        client.batches.create("a1", [order])
        assert json.loads(server.requests[0].body) == {"orders": [ORDER]}
    assert order["metadata"] is None


def test_an_unknown_field_of_an_order_is_refused_by_name() -> None:
    # A misspelt scheduled_for would pay at once.
    order = {
        "amount": "1",
        "currency": "USD",
        "description": "x",
        "destination_payment_method_id": "p",
    }
    with pytest.raises(InvalidArgumentError, match=r"orders\[2\]: an order has no schedule_for"):
        order_body("orders[2]: ", {**order, "schedule_for": "2030-01-01"})


def test_a_limit_is_within_the_limits() -> None:
    assert [whole_number("n", value, 1, 100) for value in (1, 100)] == [1, 100]
    for value in (0, 101):
        with pytest.raises(InvalidArgumentError, match="n must be from 1 to 100"):
            whole_number("n", value, 1, 100)
