"""Value: the one way in which this package writes an immutable value."""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar


class Value:
    """A value: its attributes are its slots, in the order of its constructor's arguments.

    Two are equal that are of one class and have equal attributes. A changed copy is made by
    `replace`, which checks it as the constructor does.
    """

    __slots__ = ()

    def _set(self, **attributes: Any) -> None:
        """Set the attributes, from the constructor alone."""
        for name, value in attributes.items():
            object.__setattr__(self, name, value)

    def replace(self: Self, **changes: Any) -> Self:
        """Return a copy with other values for some attributes.

        Args:
            changes: Keyword arguments of the constructor.

        Raises:
            ConfigError: As the constructor.
        """
        return type(self)(**{**self._attributes(), **changes})

    def _attributes(self) -> dict[str, Any]:
        names: tuple[str, ...] = self.__slots__
        return {name: getattr(self, name) for name in names}

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a {type(self).__name__} cannot be changed: use replace({name}=...)")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a {type(self).__name__} does not change")

    def __eq__(self, other: object) -> bool:
        if not (isinstance(other, Value) and type(other) is type(self)):
            return NotImplemented
        return self._attributes() == other._attributes()

    def __hash__(self) -> int:
        return hash(tuple(self._attributes().values()))

    def __repr__(self) -> str:
        shown = ", ".join([f"{name}={value!r}" for name, value in self._attributes().items()])
        return f"{type(self).__name__}({shown})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(self._attributes().values())


Self = TypeVar("Self", bound=Value)
