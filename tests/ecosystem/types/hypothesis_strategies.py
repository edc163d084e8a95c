# needs: hypothesis
"""hypothesis makes examples of every type of the SDK, once it is told what `Any` may be."""

from collections.abc import Mapping
from typing import Any, get_args

import hypothesis
from hypothesis import HealthCheck, given, settings, strategies

import tesote_sdk.types
from tesote_sdk.types import Account, Transaction

quick = settings(
    max_examples=20, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)


def values_of_json(kind: Any) -> strategies.SearchStrategy[Any]:
    """Return a strategy for a dict: hypothesis makes none of `Any`, such as metadata has."""
    _, value = get_args(kind)
    values = strategies.none() | strategies.booleans() | strategies.integers() | strategies.text()
    return strategies.dictionaries(
        strategies.text(), values if value is Any else strategies.from_type(value), max_size=3
    )


def check_type(kind: Any) -> None:
    """The examples of a type have its required keys, and none that it does not list."""

    @quick
    @given(strategies.from_type(kind))
    def check(example: Any) -> None:
        if hasattr(kind, "__required_keys__"):
            assert kind.__required_keys__ <= example.keys()
            assert example.keys() <= kind.__required_keys__ | kind.__optional_keys__

    check()


@quick
@given(...)
def check_a_function(account: Account, transactions: list[Transaction]) -> None:
    """The examples are made from the annotations of the test itself."""
    assert isinstance(account["data"]["currency"], str)
    assert all(isinstance(each["data"]["amount_cents"], int) for each in transactions)


if __name__ == "__main__":
    strategies.register_type_strategy(dict, values_of_json)
    strategies.register_type_strategy(Mapping, values_of_json)
    for name in tesote_sdk.types.__all__:
        check_type(getattr(tesote_sdk.types, name))
    check_a_function()
    print(f"held: hypothesis {hypothesis.__version__} makes examples of all types")
