# needs: joblib
"""joblib's processes and threads: results and errors come back whole."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from joblib import Parallel, delayed

from tests.ecosystem.support import SandboxProcess, check_each, tell
from tests.ecosystem.workers import jobs

if TYPE_CHECKING:
    from collections.abc import Callable


def prove() -> str:
    with SandboxProcess(accounts=40, transactions=1) as api:
        jobs.client().status()  # a connection is open when workers are forked
        backends = ("loky", "multiprocessing", "threading")
        held = check_each({name: partial(_try, name, api.account_ids) for name in backends})
        jobs.lose_answers(api)
        lost = partial(_run, "loky", jobs.lose_a_payment, [api.account_ids[0]])
        check_each({"loky": lambda: jobs.check_lost(lost)})
    return f"40 accounts and a refusal each, and a lost payment: {held}"


def _try(backend: str, account_ids: list[str]) -> None:
    jobs.check_accounts(_run(backend, jobs.account, account_ids))
    jobs.check_refused(lambda: Parallel(2, backend=backend)([delayed(jobs.refuse)()]))


def _run(backend: str, function: Callable[..., object], arguments: list[str]) -> Any:
    return Parallel(2, backend=backend)(delayed(function)(each) for each in arguments)


if __name__ == "__main__":
    tell(prove)
