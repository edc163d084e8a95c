"""The ids of the API's objects, as arguments."""

from typing import Union
from uuid import UUID

# An id as the API sent it, or as a UUID. In results it is always a str.
Id = Union[str, UUID]
