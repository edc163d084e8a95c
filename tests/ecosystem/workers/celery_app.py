"""The guide's Celery application, with the tasks that show what crosses between processes."""

from __future__ import annotations

from tests.ecosystem.support import run_guide
from tests.ecosystem.workers import jobs

shown = run_guide("frameworks.md", "Celery")
app, order_payment = shown["app"], shown["order_payment"]
order_payment.default_retry_delay = 0
jobs.client().status()  # the workers are forked with a connection open

account = app.task(jobs.account, name="account")
refuse = app.task(jobs.refuse, name="refuse")
lose_a_payment = app.task(jobs.lose_a_payment, name="lose_a_payment")
