"""The TypedDict that the types are made with.

Below Python 3.12 pydantic refuses `typing.TypedDict` and takes that of `typing_extensions`. So that
one is used where it is installed, as it is wherever pydantic is; the SDK itself does without it.
"""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING or sys.version_info >= (3, 12):
    from typing import TypedDict
else:
    try:
        from typing_extensions import TypedDict
    except ImportError:
        from typing import TypedDict

__all__ = ["TypedDict"]
