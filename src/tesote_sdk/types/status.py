"""Health of the API and identity of an API key.

Source: https://equipo.tesote.com/api/docs?version=v2, "Status".
"""

from typing import Literal, Union

from tesote_sdk.types._typed_dict import TypedDict

# The rate limit tiers: 200, 500 and 1000 requests a minute.
RateLimitTier = Union[Literal["standard", "premium", "enterprise"], str]

# Whom an API key speaks for.
WhoAmIClientType = Union[Literal["workspace", "user"], str]


class StatusClientInfo(TypedDict, total=False):
    """What the API knows of the caller. Every key may be missing.

    Attributes:
        id: UUID of the client.
        tier: The rate limit tier.
        rate_limit_quota: Requests a minute.
    """

    id: str
    tier: RateLimitTier
    rate_limit_quota: int


class StatusSystemInfo(TypedDict, total=False):
    """How the API fares, as text. Every key may be missing.

    Attributes:
        uptime: A percentage, such as `"99.95%"`.
        response_time_avg: Milliseconds with their unit, such as `"62ms"`.
    """

    uptime: str
    response_time_avg: str


class _StatusRequired(TypedDict):
    status: str


class Status(_StatusRequired, total=False):
    """Health of the API.

    Attributes:
        status: `ok`, as a rule.
        authenticated: True when the request carried a key that the API accepts.
        version: The API's own version. v2 only.
        client_info: What the API knows of the caller. v2 only.
        system_info: How the API fares. v2 only.
    """

    authenticated: bool
    version: str
    client_info: StatusClientInfo
    system_info: StatusSystemInfo


class WhoAmIClient(TypedDict):
    """Whom an API key speaks for.

    Attributes:
        id: UUID of the workspace or user.
        name: Display name.
        type: `workspace` or `user`.
    """

    id: str
    name: str
    type: WhoAmIClientType


class WhoAmI(TypedDict, total=False):
    """Identity of an API key, in either documented form: `client`, or all the other keys.

    Attributes:
        client: Whom the key speaks for.
        id: UUID of the key.
        workspace_id: UUID of the key's workspace.
        workspace_name: Display name of the key's workspace.
        api_key_name: The name that the key was given in the dashboard.
        permissions: What the key may do, such as `accounts.read` or `transactions.sync`.
    """

    client: WhoAmIClient
    id: str
    workspace_id: str
    workspace_name: str
    api_key_name: str
    permissions: list[str]
