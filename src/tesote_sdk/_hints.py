"""What annotations name that no client needs, loaded when somebody reads the annotations.

`typing.get_type_hints` looks a name up in the module of the function. The types of the API alone
take as long to load as a third of a client, and with typing_extensions as long as all of it. So
what stands in those modules is a stand-in, which loads the module with the first look into it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime as datetime
    import hmac as hmac
    import logging as logging
    import pathlib as pathlib
    import ssl as ssl

    from typing_extensions import Unpack as Unpack

    import tesote_sdk.v2.export

    from . import types as types
    from ._error_base import ErrorAttributes as ErrorAttributes

    files = tesote_sdk.v2.export
else:

    class _Later:
        """A module that is loaded when something in it is asked for."""

        def __init__(self, name: str) -> None:
            self._name = name

        def __getattr__(self, attribute: str) -> Any:
            if attribute.startswith("__"):  # inspect and copy ask any object for these
                raise AttributeError(attribute)
            from importlib import import_module

            return getattr(import_module(self._name), attribute)

    datetime = _Later("datetime")
    files = _Later("tesote_sdk.v2.export")
    hmac = _Later("hmac")
    logging = _Later("logging")
    pathlib = _Later("pathlib")
    ssl = _Later("ssl")
    types = _Later("tesote_sdk.types")

    class Unpack:
        """Keyword arguments are of any type where they are read at run time: 3.9 has no Unpack."""

        def __class_getitem__(cls, keywords: object) -> Any:
            return Any

    ErrorAttributes = Any
