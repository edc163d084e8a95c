"""Small programs, run as users run them: as `__main__`, in a process of their own.

The suite runs inside packages, and users do not. What the server's header fields, a log, a limiter,
a cache or a warning make of themselves there is no reason to lose the result of a payment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.scripted_server import ScriptedServer
from tests.support.steps import HeaderFields, Step, reply

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.http_messages import Request

KEY = "sk_test_programs_4242"

PAYING = """
    import json, os, warnings
    from tesote_sdk import *

    def pay(client):
        return client.transaction_orders.create(
            "a1",
            amount="12.50",
            currency="VES",
            description="Invoice 7",
            destination_payment_method_id="m1",
            idempotency_key="invoice-7",
        )
"""

MAIN = """
    def main():
        with V2Client(base_url=os.environ["URL"], **options) as client:
            order = pay(client)
            again = client.transaction_orders.submit("a1", order["id"])
            account = client.accounts.get("a1", cache_ttl=30)
            print(json.dumps([order["id"], again["id"], account["id"]]))

    main()
"""

PAID = ["o1", "o1", "a1"]

FIELDS: dict[str, HeaderFields] = {
    "deprecated": {
        "Deprecation": "@1767225600",
        "Sunset": "Fri, 01 Jan 2027 00:00:00 GMT",
        "Link": '<https://api.example.test/v3>; rel="successor-version"',
        "Retry-After": "120",
        "X-RateLimit-Limit": "200",
        "X-RateLimit-Remaining": "199",
        "X-RateLimit-Reset": "60",
        "X-Request-Id": "r1",
    },
    "odd": [
        ("Deprecation", ""),
        ("Sunset", "\x1b[31msoon" + "x" * 5000),
        ("Link", "<<<>>>; rel"),
        ("Link", '"'),
        ("Retry-After", "soon"),
        ("Retry-After", "-1, 9e999"),
        ("X-RateLimit-Limit", "lots"),
        ("X-RateLimit-Remaining", "-7"),
        ("X-RateLimit-Reset", "9" * 400),
        ("X-Request-Id", "\xff\xfe"),
        ("Date", "yesterday"),
        ("ETag", "\xe9"),
        ("Cache-Control", ",;=,max-age=x"),
        ("Content-Type", 'application/json; charset="; ='),
        ("Set-Cookie", "a=b"),
    ],
}


def bank(fields: HeaderFields) -> Any:
    """Return what answers the calls of a program, all with these header fields."""

    def answer(request: Request) -> Step:
        if request.method == "GET":
            return reply(200, {"id": "a1"}, fields)
        return reply(201, {"id": "o1", "idempotency_key": "invoice-7", "status": "draft"}, fields)

    return answer


def program(*parts: str) -> str:
    return "\n".join(textwrap.dedent(part) for part in parts)


def run(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "URL": url,
        "TESOTE_SDK_API_KEY": KEY,
        "PYTHONPATH": os.pathsep.join(["src", *sys.path]),
    }
    environment.pop("PYTHONWARNINGS", None)
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=30,
        check=False,
    )


def check_paid(done: subprocess.CompletedProcess[str], server: ScriptedServer) -> None:
    """Check that a program got its results, and asked for them once each."""
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == PAID
    assert [request.method for request in server.requests] == ["POST", "POST", "GET"]
    assert "Traceback" not in done.stderr


STARTS = {
    "a script": "{path}",
    "a command": "-c {code}",
    "a script, warnings are errors": "-W error {path}",
    "a command, warnings are errors": "-W error -c {code}",
    "exec without a name": "-c exec({code!r},{{}})",
    "exec with a name that is none": "-c exec({code!r},{{'__name__':None}})",
}


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
@pytest.mark.parametrize("fields", FIELDS.values(), ids=FIELDS)
def test_what_a_servers_header_fields_say_costs_no_result(
    fields: HeaderFields, start: str, tmp_path: Path
) -> None:
    code = program(PAYING, "options = {}", MAIN)
    path = tmp_path / "program.py"
    path.write_text(code, "utf-8")
    arguments = [word.format(path=path, code=code) for word in start.split(" ")]
    with ScriptedServer(bank(fields)) as server:
        check_paid(run(server.url, *arguments), server)


def test_the_notice_of_a_deprecated_endpoint_names_the_programs_line(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(program(PAYING, "options = {}", MAIN), "utf-8")
    with ScriptedServer(bank(FIELDS["deprecated"])) as server:
        done = run(server.url, str(path))
        check_paid(done, server)
    lines = path.read_text("utf-8").splitlines()
    number = 1 + next(n for n, line in enumerate(lines) if "transaction_orders.create(" in line)
    assert f"{path}:{number}: DeprecationWarning: the API's endpoint POST" in done.stderr


FAILING = {
    "a log callback": (
        """
        def fail(event):
            raise ERROR
        """,
        "logger=fail",
    ),
    "a logging handler": (
        """
        import logging
        class Handler(logging.Handler):
            def emit(self, record):
                raise ERROR
            handle = emit
        logging.getLogger("tesote_sdk").addHandler(Handler())
        logging.getLogger("tesote_sdk").setLevel(logging.DEBUG)
        """,
        "",
    ),
    "a logging filter": (
        """
        import logging
        class Filter(logging.Filter):
            def filter(self, record):
                raise ERROR
        logging.getLogger("tesote_sdk").addFilter(Filter())
        logging.getLogger("tesote_sdk").setLevel(logging.DEBUG)
        """,
        "",
    ),
    "a logger of one's own": (
        """
        import logging
        class Logger(logging.Logger):
            def isEnabledFor(self, level):
                raise ERROR
        """,
        "logger=Logger('mine')",
    ),
    "a limiter": (
        """
        class Clock:
            readings = 0
            def __call__(self):
                self.readings += 1
                if self.readings % 2 == 0:  # when the answer is there
                    raise ERROR
                return 0.0
        """,
        "rate_limiter=RateLimiter(clock=Clock(), sleep=print)",
    ),
    "a cache backend": (
        """
        class Backend:
            def get(self, *arguments):
                raise ERROR
            set = delete = get
        """,
        "cache_backend=Backend()",
    ),
    "a hook for warnings": (
        """
        def fail(*arguments, **more):
            raise ERROR
        warnings.simplefilter("always")
        warnings.showwarning = fail
        """,
        "",
    ),
}
ERRORS = ["ZeroDivisionError()", "type('OddError', (Exception,), {})()"]


@pytest.mark.parametrize("error", ERRORS, ids=["ZeroDivisionError", "OddError"])
@pytest.mark.parametrize(("setup", "options"), FAILING.values(), ids=FAILING)
def test_what_fails_beside_a_call_takes_the_place_of_no_result(
    setup: str, options: str, error: str
) -> None:
    code = program(PAYING, setup.replace("ERROR", error), f"options = dict({options})", MAIN)
    with ScriptedServer(bank(FIELDS["deprecated"])) as server:
        check_paid(run(server.url, "-c", code), server)


def test_what_fails_beside_a_call_takes_the_place_of_no_error() -> None:
    """Nor does anything but a TesoteError leave a call that is refused."""
    setups = [program(setup).replace("ERROR", ERRORS[0]) for setup, _ in FAILING.values()]
    refused = f"""
        for options in [{", ".join(f"dict({options})" for _, options in FAILING.values())}]:
            client = V2Client(base_url=os.environ["URL"], **options)
            try:
                pay(client)
            except TesoteError as error:
                found.append(type(error).__name__)
        print(json.dumps(found))
    """
    code = program(PAYING, *setups, "found = []", refused)
    refusal = reply(422, {"error": "No", "error_code": "VALIDATION_ERROR"}, FIELDS["deprecated"])
    with ScriptedServer(lambda _: refusal) as server:
        done = run(server.url, "-c", code)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["ValidationError"] * len(FAILING)
