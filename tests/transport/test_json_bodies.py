"""JSON, as it is believed where Python sets no limits of its own."""

from __future__ import annotations

import sys
from decimal import Decimal

import pytest

from tesote_sdk.transport.json_bodies import json_decoder


@pytest.fixture(params=["limited", "unlimited"])
def _digits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with the limit that Python has, and as where it is older or somebody turned it off."""
    if request.param == "unlimited":
        monkeypatch.setattr(sys, "get_int_max_str_digits", lambda: 0, raising=False)


@pytest.mark.usefixtures("_digits")
def test_a_whole_number_of_a_million_digits_is_refused_at_once() -> None:
    decode = json_decoder(float)
    assert decode("[12, -7]") == [12, -7]
    assert decode("9" * 4300) == 10**4300 - 1
    for digits in ("9" * 4301, "-" + "9" * 1_000_000):
        with pytest.raises(ValueError, match=r"limit|out of range"):
            decode(digits)


def test_a_number_is_as_long_and_its_exponent_as_large_as_400_and_no_more() -> None:
    """Beyond, arithmetic with a Decimal may never end, be it huge or tiny."""
    decode = json_decoder(Decimal)
    longest = "0." + "1" * 398
    for text in (longest, "1e400", "1E-400"):
        assert decode(text) == Decimal(text)
    for text in (longest + "1", "1e401", "1E-401", "1e-999999999"):
        with pytest.raises(ValueError, match="out of range"):
            decode(text)
