"""What every error promises of its text, its data, and its way to another process."""

from __future__ import annotations

import builtins
import copy
import datetime
import decimal
import fractions
import json
import logging
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NoReturn, cast

import pytest

from tesote_sdk import errors
from tesote_sdk._error_base import json_ready, operation
from tesote_sdk.errors import (
    ApiError,
    NetworkError,
    NotFoundError,
    SyncFailedError,
    SyncInProgressError,
    TesoteError,
    TimeoutError,
    TlsError,
)

if TYPE_CHECKING:
    from pathlib import Path

CLASSES: list[type[TesoteError]] = [
    getattr(errors, name) for name in errors.__all__ if name.endswith("Error")
]


def filled(kind: type[TesoteError]) -> TesoteError:
    """Return an error of a class with every attribute set, and one more of the user's."""
    error = kind(
        "No such thing",
        error_code="SOME_CODE",
        http_status=404,
        request_id="req_1",
        error_id="err_1",
        retry_after=17.5,
        response_body='{"error": "No such thing"}',
        request_summary={"method": "GET", "path": "/v2/accounts/1", "idempotency_key": "key-1"},
        attempts=3,
        outcome_unknown=True,
        envelope={"error": "No such thing", "current_session_id": "s1", "details": [{"a": None}]},
    )
    if isinstance(error, TimeoutError):
        error.phase = "total"
    if isinstance(error, SyncFailedError):
        error.session = cast("Any", {"id": "s1", "status": "failed"})
    error.of_the_user = ["x"]  # type: ignore[attr-defined]
    return error


def test_the_text_says_what_to_act_on_and_what_to_search_for() -> None:
    assert str(filled(NotFoundError)) == (
        "No such thing (SOME_CODE, HTTP 404, GET /v2/accounts/1, request_id req_1, error_id err_1, "
        "3 attempts, retry_after 17.5 s); the write may have been carried out: repeat it with the "
        "same idempotency_key key-1"
    )
    assert repr(filled(NotFoundError)) == f"<NotFoundError: {filled(NotFoundError)}>"


def test_the_text_leaves_out_what_is_not_known() -> None:
    assert str(TesoteError("Went wrong", attempts=1)) == "Went wrong"
    assert str(TlsError("Went wrong")) == "Went wrong (TLS_ERROR)"
    assert str(ApiError("x", retry_after=0.0)) == "x (retry_after 0 s)"
    assert str(ApiError("x", retry_after=1234567.0)) == "x (retry_after 1234567 s)"


def test_the_text_of_an_unknown_outcome_without_a_key_warns() -> None:
    error = NetworkError("Connection lost", outcome_unknown=True)
    assert str(error).endswith("the write may have been carried out: look before repeating it")


@pytest.mark.parametrize(
    "nasty",
    [
        "a\r\nb",
        "a\x1b[31m\x07b",
        "a\u2028\u2029\x85b",
        "a\u202eb\ufeff",
        "a\ud800\x00b",
        " \n ",
        "a" * 2_000_000,
        "\n" * 2_000_000,
    ],
)
def test_the_text_is_one_bounded_printable_line(nasty: str) -> None:
    error = ApiError(
        nasty,
        error_code=nasty,
        request_id=nasty,
        error_id=nasty,
        request_summary={"method": nasty, "path": nasty, "idempotency_key": nasty},
        outcome_unknown=True,
    )
    for text in (str(error), repr(error)):
        assert text.isprintable()
        assert len(text) < 2500
    text = str(error).encode().decode()
    assert text.startswith("a") is nasty.startswith("a")


def test_a_cut_message_shows_that_it_was_cut() -> None:
    assert str(ApiError("m" * 500)) == "m" * 500
    assert str(ApiError("m" * 501)) == "m" * 497 + "..."
    assert str(ApiError("m" + " " * 1000 + "n")) == "m..."


def test_a_log_record_of_an_error_cannot_be_forged() -> None:
    record = logging.LogRecord("x", 10, "p", 1, "%s", (ApiError("a\nERROR b"),), None)
    assert record.getMessage() == "a ERROR b"


@pytest.mark.parametrize("kind", CLASSES)
def test_to_dict_has_every_attribute_by_its_name(kind: type[TesoteError]) -> None:
    error = filled(kind)
    data = error.to_dict()
    assert data.pop("type") == kind.__name__
    assert data == vars(error)
    assert json.loads(json.dumps(data, allow_nan=False)) == data


def test_to_dict_has_what_only_some_classes_have() -> None:
    assert filled(TimeoutError).to_dict()["phase"] == "total"
    assert filled(SyncFailedError).to_dict()["session"]["status"] == "failed"
    assert filled(SyncInProgressError).to_dict()["current_session_id"] == "s1"


class Stubborn(str):
    """A str subclass whose own text is another one, as that of a str enumeration."""

    __slots__ = ()

    def __str__(self) -> str:
        return "Stubborn.X"


def test_data_is_shown_to_a_depth_of_64_levels() -> None:
    deep: Any = "innermost"
    for _ in range(64):
        deep = [deep]
    assert json_ready(deep) == deep
    assert str(json_ready([deep])) == str([deep]).replace("['innermost']", "'...'")


def test_to_dict_is_json_ready_whatever_the_envelope_holds() -> None:
    when = datetime.datetime(2026, 3, 2, 12, 5, tzinfo=datetime.timezone.utc)
    endless: list[Any] = []
    endless.append(endless)
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    envelope: dict[Any, Any] = {
        "money": decimal.Decimal("1.10"),
        "when": when,
        "numbers": [float("nan"), float("inf"), float("-inf"), 1.5, True, None],
        "large": 1 << 100_000,
        "fraction": fractions.Fraction(1 << 100_000),
        "tuple": (1, 2),
        "text": Stubborn("plain"),
        "surrogate": "a\ud800",
        "endless": endless,
        "deep": deep,
        7: "number",
        None: "none",
    }
    error = ApiError("x", envelope=envelope, retry_after=float("inf"))
    error._hidden = object()  # type: ignore[attr-defined]
    data = json.loads(json.dumps(error.to_dict(), allow_nan=False, ensure_ascii=False).encode())
    assert data["retry_after"] is None
    assert "_hidden" not in data
    shown = data["envelope"]
    assert shown["money"] == "1.10"
    assert shown["when"] == str(when)
    assert shown["numbers"] == [None, None, None, 1.5, True, None]
    assert int(shown["large"], 16) == 1 << 100_000
    assert shown["tuple"] == [1, 2]
    assert shown["text"] == "plain"
    assert shown["surrogate"] == "a?"
    assert shown["endless"] == ["..."]
    assert json.dumps(shown["deep"]).strip("[]") == '"..."'
    assert shown["7"] == "number"
    assert shown["None"] == "none"


class OfTheUser(errors.AccountNotFoundError):
    """A user's class, whose constructor wants something else."""

    def __init__(self, tenant: str, *, hint: str) -> None:
        super().__init__(f"no account for {tenant}", http_status=404)
        self.tenant = tenant
        self.hint = hint


class SlowBankError(TimeoutError):
    """A user's class below one that is a builtin error too."""

    def __init__(self, bank: str, wait: float) -> None:
        super().__init__(f"{bank} is slow", phase="total")
        self.bank = bank
        self.wait = wait


def travelled(error: TesoteError) -> list[TesoteError]:
    pickled = [
        pickle.loads(pickle.dumps(error, protocol))
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    ]
    return [*pickled, copy.copy(error), copy.deepcopy(error)]


@pytest.mark.parametrize(
    "error",
    [*map(filled, CLASSES), OfTheUser("acme", hint="h"), SlowBankError("b", 1.5)],
    ids=lambda error: type(error).__name__,
)
def test_errors_survive_pickle_and_copy(error: TesoteError) -> None:
    for other in travelled(error):
        assert type(other) is type(error)
        assert vars(other) == vars(error)
        assert other.args == error.args
        assert str(other) == str(error)
        assert other.to_dict() == error.to_dict()


@pytest.mark.parametrize("kind", CLASSES)
def test_args_in_json_are_enough_to_make_the_error_again(kind: type[TesoteError]) -> None:
    error = filled(kind)
    arguments = json.loads(json.dumps(error.args, allow_nan=False))
    other = kind(*arguments)
    assert vars(other) == vars(error)
    assert str(other) == str(error)
    assert other.args == error.args


def test_args_keep_what_is_empty_or_zero() -> None:
    error = ApiError("x", retry_after=0.0, envelope={}, request_summary={}, response_body="")
    other = ApiError(*json.loads(json.dumps(error.args)))
    assert vars(other) == vars(error)
    assert other.retry_after == 0.0


def test_args_of_an_error_that_knows_nothing_are_its_message() -> None:
    assert TesoteError("x").args == ("x",)
    assert TimeoutError("x").args == ("x", {"error_code": "TIMEOUT", "phase": "read"})


@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_crosses_as_celerys_json_results_do(kind: type[TesoteError]) -> None:
    error = filled(kind)
    stored = json.dumps(
        {
            "exc_type": type(error).__name__,
            "exc_message": error.args,
            "exc_module": type(error).__module__,
        }
    )
    loaded = json.loads(stored)
    found = getattr(sys.modules[loaded["exc_module"]], loaded["exc_type"])
    assert found is kind
    assert vars(found(*loaded["exc_message"])) == vars(error)


@pytest.mark.parametrize("kind", CLASSES)
def test_a_prefix_before_args_goes_before_the_message(kind: type[TesoteError]) -> None:
    error = filled(kind)
    before = dict(vars(error))
    error.args = ("while paying INV-7", *error.args)
    assert error.message == "while paying INV-7: No such thing"
    assert {**vars(error), "message": None} == {**before, "message": None}
    assert vars(kind(*json.loads(json.dumps(error.args)))) == vars(error)
    error.args = (f"again: {error.args[0]}", *error.args[1:])
    assert error.message == "again: while paying INV-7: No such thing"
    error.args = ()
    assert error.message == ""
    assert error.error_code == "SOME_CODE"


CROSSING = """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from tesote_sdk import NetworkError, RetryPolicy, SyncFailedError, V2Client
from tesote_sdk.sandbox import Sandbox


def lose_a_payment(key, url, account_id):
    with V2Client(key, base_url=url, retry_policy=RetryPolicy(max_attempts=1)) as client:
        client.transaction_orders.create(
            account_id, amount="1", currency="USD", description="Flour",
            beneficiary={"name": "Harinas"}, idempotency_key="INV-7",
        )


def fail(_):
    raise SyncFailedError("no", session={"id": "s1", "status": "failed"})


def main():
    with Sandbox(accounts=1, transactions=1) as sandbox:
        sandbox.drop(when="mid_body", times=None)
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            lost = pool.submit(
                lose_a_payment, sandbox.api_key, sandbox.url, sandbox.account_ids[0]
            ).exception()
        with context.Pool(1) as pool:
            try:
                pool.map(fail, [1])
            except SyncFailedError as error:
                failed = error
    assert type(lost) is NetworkError and lost.outcome_unknown, lost
    assert lost.request_summary["idempotency_key"] == "INV-7"
    assert "INV-7" in str(lost) and lost.attempts == 1
    assert failed.session == {"id": "s1", "status": "failed"}
    assert sandbox.api_key not in repr(vars(lost))
    print("crossed")


if __name__ == "__main__":
    main()
"""


def test_an_error_crosses_to_the_parent_of_a_process_pool(tmp_path: Path) -> None:
    program = tmp_path / "crossing.py"
    program.write_text(CROSSING, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("crossed\n", "")


def test_a_deep_copy_shares_nothing() -> None:
    error = filled(ApiError)
    other = copy.deepcopy(error)
    assert other.envelope is not None
    other.envelope["details"].clear()
    assert error.envelope is not None
    assert error.envelope["details"] == [{"a": None}]


def test_errors_hash_chain_and_keep_notes() -> None:
    cause = OSError("reset")
    error = NetworkError("Connection lost")
    with pytest.raises(NetworkError) as caught:
        raise error from cause
    assert caught.value.__cause__ is cause
    assert len({error, NetworkError("Connection lost")}) == 2
    if sys.version_info >= (3, 11):
        error.add_note("while exporting")
        assert pickle.loads(pickle.dumps(error)).__notes__ == ["while exporting"]
        group = builtins.ExceptionGroup("all", [error, ValueError()])
        found = group.subgroup(NetworkError)
        assert found is not None
        assert found.exceptions == (error,)


# --- how errors leave ---


def _written(text: str) -> NoReturn:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NetworkError("it cannot be written") from None
    raise LookupError(text)


@operation
def leave_by_the_door(text: str) -> None:
    _written(text)


def test_a_tesote_error_leaves_without_frames_and_without_what_it_stands_for() -> None:
    with pytest.raises(NetworkError) as caught:
        leave_by_the_door("01050099\ud800")
    assert caught.value.__context__ is None
    assert [entry.name for entry in caught.traceback][1:] == ["call"]


def test_another_error_keeps_its_frames_and_they_are_empty(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As far as they are the SDK's, which the functions of this module stand in for."""
    name = "test_another_error_keeps_its_frames_and_they_are_empty"
    for package, kept in (("tesote_sdk.anything", {}), ("tesote_sdks", {"text": "01050099"})):
        monkeypatch.setitem(globals(), "__name__", package)
        with pytest.raises(LookupError) as caught:
            leave_by_the_door("01050099")
        names = [entry.name for entry in caught.traceback]
        assert names == [name, "call", "leave_by_the_door", "_written"]
        assert [dict(entry.locals) for entry in caught.traceback[2:]] == [kept, kept]
        assert "args" not in caught.traceback[1].locals


def test_a_call_with_wrong_arguments_leaves_them_at_the_door() -> None:
    with pytest.raises(TypeError, match="texts") as caught:
        leave_by_the_door(texts="01050099")  # type: ignore[call-arg]
    assert "01050099" not in str(caught.traceback[-1].locals)


def test_what_the_caller_was_handling_keeps_its_frames() -> None:
    traces = []

    def call_while_handling() -> None:
        try:
            leave_by_the_door("mine")
        except LookupError as handled:
            traces.append(handled.__traceback__)
            leave_by_the_door("\ud800")

    with pytest.raises(NetworkError) as caught:
        call_while_handling()
    assert isinstance(caught.value.__context__, LookupError)
    assert caught.value.__context__.__traceback__ is traces[0]
