# needs: dask distributed
"""dask's threads, processes and local cluster: results and errors come back whole."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import dask
from distributed import Client, LocalCluster

from tests.ecosystem.support import SandboxProcess, check_each, tell
from tests.ecosystem.workers import jobs

if TYPE_CHECKING:
    from collections.abc import Callable


def prove() -> str:
    with SandboxProcess(accounts=40, transactions=1) as api:
        jobs.client().status()
        held = check_each(
            {name: partial(_try, api, scheduler=name) for name in ("threads", "processes")}
        )
        api.tell("clear_faults")
        with (
            LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None) as cluster,
            Client(cluster),
        ):
            check_each({"cluster": partial(_try, api)})
    return f"40 accounts, a refusal and a lost payment each: {held}, local cluster"


def _try(api: SandboxProcess, **options: Any) -> None:
    api.tell("clear_faults")
    jobs.check_accounts(_run(jobs.account, api.account_ids, **options))
    jobs.check_refused(lambda: dask.compute(dask.delayed(jobs.refuse)(), **options))
    jobs.lose_answers(api)
    jobs.check_lost(lambda: _run(jobs.lose_a_payment, api.account_ids[:1], **options))


def _run(function: Callable[..., object], arguments: list[str], **options: Any) -> Any:
    return dask.compute(*(dask.delayed(function)(each) for each in arguments), **options)


if __name__ == "__main__":
    tell(prove)
