"""How money is typed: what the server sends, and what an amount argument may be."""

from decimal import Decimal
from typing import Union

# An amount argument, in currency units ("1530.25" is one thousand five hundred and thirty, and 25
# cents). No float: 0.1 has no exact binary form, and a payment must be exact.
Amount = Union[str, int, Decimal]

# A JSON number in a result. Whole numbers are int; the others are what the client's `parse_float`
# makes of them: float, or Decimal where exactness matters.
JSONNumber = Union[int, float, Decimal]

# An amount of an order or a fee in a result, in currency units. The API documents a number, and
# has been seen to send a decimal string; `Decimal(str(amount))` reads both.
ReceivedAmount = Union[int, float, str, Decimal]
