"""Payment methods: the accounts that money is paid from, and those that it is paid to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional, Union

from .._arguments import cursor_text, only_given, optional_id, whole_number
from .._error_base import operation
from .._hints import types
from .._resource import Resource, unwrapped
from ..errors import InvalidArgumentError
from ..page_styles import Offsets
from ..pagination import Page
from ..transport.encoding import path_segment
from ..transport.messages import Response

_PATH = "/v2/payment_methods"
_NAME = "payment_method"


class PaymentMethods(Resource):
    """The payment methods of a workspace."""

    @operation
    def list(
        self,
        *,
        limit: Optional[int] = None,
        offset: Optional[int] = None,
        cursor: Optional[str] = None,
        method_type: Optional[types.PaymentMethodType] = None,
        currency: Optional[str] = None,
        counterparty_id: Optional[str] = None,
        verified: Optional[bool] = None,
        cache_ttl: Optional[float] = None,
    ) -> Page[types.PaymentMethod]:
        """List the payment methods; deleted ones are left out.

        Args:
            limit: Methods per page, at least 1. Default: 50; the server has its own maximum.
            offset: How many methods to skip. Default: 0.
            cursor: Where to resume, from `Page.next_params` of a server that pages by cursor.
            method_type: Only those of one type, such as `bank_account`.
            currency: Only those in one currency.
            counterparty_id: Only those with this counterparty.
            verified: Only those that are verified, or that are not.
            cache_ttl: Seconds for which the response may answer a repeat. None always asks the
                server.

        Raises:
            InvalidArgumentError: An argument cannot be sent; nothing was.
            InvalidLimitError: `limit` is above the server's maximum.
            ApiError: The server refused.
            TransportError: No usable answer came back.
        """
        return self._list(
            _PATH,
            ("items", "payment_methods", "data"),
            Offsets,
            position={
                "offset": whole_number("offset", offset, 0),
                "cursor": cursor_text("cursor", cursor),
            },
            cache_ttl=cache_ttl,
            filters={
                "limit": whole_number("limit", limit, 1),
                "method_type": method_type,
                "currency": currency,
                "counterparty_id": optional_id("counterparty_id", counterparty_id),
                "verified": verified,
            },
            operation="payment_methods.list",
        )

    @operation
    def get(
        self, payment_method_id: types.Id, *, cache_ttl: Optional[float] = None
    ) -> types.PaymentMethod:
        """Get one payment method.

        Args:
            payment_method_id: Its id.
            cache_ttl: Seconds for which the response may answer a repeat. None always asks the
                server.

        Raises:
            InvalidArgumentError: The id is empty or not a str; nothing was sent.
            PaymentMethodNotFoundError: No such method, or it was deleted.
            ApiError: The server refused.
            TransportError: No usable answer came back.
        """
        return self._call(
            "GET",
            _method(payment_method_id),
            unwrapped(_NAME, asked=payment_method_id),
            cache_ttl=cache_ttl,
            operation="payment_methods.get",
        )

    @operation
    def create(
        self,
        *,
        method_type: types.PaymentMethodType,
        currency: str,
        details: Optional[Mapping[str, Any]] = None,
        label: Optional[str] = None,
        counterparty_id: Optional[str] = None,
        counterparty: Optional[types.CounterpartyInput] = None,
        tesote_account_id: Optional[str] = None,
        idempotency_key: Optional[str] = None,
    ) -> types.PaymentMethod:
        """Create a payment method.

        Args:
            method_type: Its type, such as `bank_account` or `pago_movil`.
            currency: The code of its currency, such as `USD`.
            details: What the type needs: `bank_code`, `account_number`, `holder_name` and so on.
            label: A name for people.
            counterparty_id: Whom the method belongs to, if you pay money to it; this or
                `counterparty`.
            counterparty: A new counterparty, `{"name": ...}`, created with the method.
            tesote_account_id: Your account behind the method, if you pay money from it.
            idempotency_key: Names this creation. None makes a UUIDv4.

        Raises:
            InvalidArgumentError: Both `counterparty_id` and `counterparty` were passed, or an
                argument cannot be sent; nothing was.
            ValidationError: The server rejected the method.
            ApiError: The server refused.
            TransportError: No usable answer came back; see `outcome_unknown`.
        """
        fields = only_given(
            method_type=method_type,
            currency=currency,
            details=details,
            label=label,
            tesote_account_id=tesote_account_id,
            **_party(counterparty_id, counterparty),
        )
        return self._call(
            "POST",
            _PATH,
            unwrapped(_NAME),
            body={"payment_method": fields},
            idempotency_key=idempotency_key,
            operation="payment_methods.create",
        )

    @operation
    def update(
        self,
        payment_method_id: types.Id,
        *,
        method_type: Optional[types.PaymentMethodType] = None,
        currency: Optional[str] = None,
        details: Optional[Mapping[str, Any]] = None,
        label: Optional[str] = None,
        counterparty_id: Optional[str] = None,
        counterparty: Optional[types.CounterpartyInput] = None,
        tesote_account_id: Optional[str] = None,
        idempotency_key: Optional[str] = None,
    ) -> types.PaymentMethod:
        """Change a payment method; what is None stays as it is.

        Args:
            payment_method_id: Its id.
            method_type: As for `create`; the server may allow no change of it.
            currency: As for `create`; the server may allow no change of it.
            details: As for `create`.
            label: A name for people.
            counterparty_id: As for `create`; the server may allow no change of it.
            counterparty: As for `create`; the server may allow no change of it.
            tesote_account_id: As for `create`; the server may allow no change of it.
            idempotency_key: Names this change. None makes a UUIDv4.

        Raises:
            InvalidArgumentError: Nothing is to be changed, or an argument cannot be sent; nothing
                was.
            ValidationError: The server rejected the change.
            PaymentMethodNotFoundError: No such method, or it was deleted.
            ApiError: The server refused.
            TransportError: No usable answer came back; see `outcome_unknown`.
        """
        fields = only_given(
            method_type=method_type,
            currency=currency,
            details=details,
            label=label,
            tesote_account_id=tesote_account_id,
            **_party(counterparty_id, counterparty),
        )
        if not fields:
            raise InvalidArgumentError("pass at least one field to change")
        return self._call(
            "PATCH",
            _method(payment_method_id),
            unwrapped(_NAME, asked=payment_method_id),
            body={"payment_method": fields},
            idempotency_key=idempotency_key,
            operation="payment_methods.update",
        )

    @operation
    def delete(self, payment_method_id: types.Id, *, idempotency_key: Optional[str] = None) -> None:
        """Delete a payment method.

        Args:
            payment_method_id: Its id.
            idempotency_key: Names this deletion. None makes a UUIDv4.

        Raises:
            InvalidArgumentError: The id is empty or not a str; nothing was sent.
            ValidationError: Live payment orders use it (`http_status` is 409).
            PaymentMethodNotFoundError: No such method, or it was deleted before.
            ApiError: The server refused.
            TransportError: No usable answer came back; see `outcome_unknown`.
        """
        path = _method(payment_method_id)
        return self._call(
            "DELETE",
            path,
            _nothing,
            idempotency_key=idempotency_key,
            operation="payment_methods.delete",
        )


def _method(payment_method_id: types.Id) -> str:
    return f"{_PATH}/{path_segment('payment_method_id', payment_method_id)}"


def _party(
    counterparty_id: Optional[str], counterparty: Optional[types.CounterpartyInput]
) -> dict[str, Union[str, types.CounterpartyInput, None]]:
    if counterparty_id is not None and counterparty is not None:
        raise InvalidArgumentError("pass either counterparty_id or counterparty, not both")
    return {
        "counterparty_id": optional_id("counterparty_id", counterparty_id),
        "counterparty": counterparty,
    }


def _nothing(response: Response) -> None:
    return None
