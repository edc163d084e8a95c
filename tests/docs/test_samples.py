"""The JSON samples of the reference fit the types that they stand beside."""

from __future__ import annotations

import importlib.util
from typing import Any, get_args, get_type_hints

import pytest

import tesote_sdk.types

from .markdown import ROOT

_SENT = {"BatchOrder", "Beneficiary", "CounterpartyInput"}
"""Types of what users send."""

_NOT_IN_THE_SANDBOX = {
    *("OrderFee", "PaymentMethodAccount", "StatusClientInfo", "StatusSystemInfo"),
    "SyncSessionPerformance",
}
"""Types of what some servers send, or what is None in the sample."""


@pytest.fixture(scope="module")
def samples() -> dict[str, Any]:
    place = ROOT / "docs" / "reference" / "samples.py"
    specification = importlib.util.spec_from_file_location("samples", place)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    made: dict[str, Any] = module.make_samples()
    return made


def test_every_sample_fits_its_type_and_every_type_has_a_sample(samples: dict[str, Any]) -> None:
    reached: set[str] = set()
    for name, sample in samples.items():
        _check(sample, getattr(tesote_sdk.types, name), name, reached)

    types = {name for name in tesote_sdk.types.__all__ if _is_typed_dict(name)}
    assert types - reached == _SENT | _NOT_IN_THE_SANDBOX


def _is_typed_dict(name: str) -> bool:
    return hasattr(getattr(tesote_sdk.types, name), "__required_keys__")


def _check(sample: Any, kind: Any, where: str, reached: set[str]) -> None:
    """Compare a sample with the TypedDict that an annotation is, or holds."""
    if sample is None:
        return
    if not hasattr(kind, "__required_keys__"):
        for member in get_args(kind):
            for each in sample if isinstance(sample, list) else [sample]:
                _check(each, member, where, reached)
        return
    if not isinstance(sample, dict):
        return
    reached.add(kind.__name__)
    hints = get_type_hints(kind)
    assert kind.__required_keys__ <= sample.keys() <= hints.keys(), where
    for name, value in sample.items():
        _check(value, hints[name], f"{where}.{name}", reached)
