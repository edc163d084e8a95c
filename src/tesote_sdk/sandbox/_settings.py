"""What a sandbox is configured with; fixed for its whole life."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Literal, get_args

Shapes = Literal["sdk", "openapi"]
ErrorStyle = Literal["sdk", "slug", "connector", "text"]
ResetForm = Literal["seconds", "epoch", "millis", "iso"]


@dataclass(frozen=True)
class Settings:
    """The constructor arguments of `Sandbox` that the layers below it read."""

    seed: int
    accounts: int
    transactions: int
    shapes: Shapes
    errors: ErrorStyle
    rate_limit_reset: ResetForm
    gzip: bool
    balances: bool
    running_balances: bool
    history_sync: bool
    sync_cooldown: float
    clock: Callable[[], float]

    def __post_init__(self) -> None:
        check_choice("shapes", self.shapes, Shapes)
        check_choice("errors", self.errors, ErrorStyle)
        check_choice("rate_limit_reset", self.rate_limit_reset, ResetForm)
        for name in ("accounts", "transactions"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be at least 0; got {getattr(self, name)}")


def check_choice(name: str, value: object, choices: Any) -> None:
    """Refuses what is none of a Literal's values: a typing error may not pass for a test.

    Raises:
        ValueError: It is none of them.
    """
    if value not in get_args(choices):
        raise ValueError(f"{name} must be one of {get_args(choices)}; got {value!r}")
