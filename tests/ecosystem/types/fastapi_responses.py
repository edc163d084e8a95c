# needs: fastapi httpx
"""FastAPI sends results as they are typed, describes them in OpenAPI, and reads them as bodies."""

import asyncio
import json
from typing import Any

import fastapi
import httpx
from fastapi import FastAPI
from pydantic import ConfigDict, with_config

from tesote_sdk import V2Client
from tesote_sdk.sandbox import Sandbox
from tesote_sdk.types import Account, BatchOrder, Transaction


@with_config(ConfigDict(extra="allow"))
class WholeAccount(Account):
    """An account with all that the server sent, at every depth."""


def make_app(client: V2Client) -> FastAPI:
    """Return an application whose answers are what the SDK returned."""
    app = FastAPI()

    def with_news(account: Account) -> Any:
        return {**account, "news": 1, "data": {**account["data"], "news": 2}}

    @app.get("/accounts", response_model=list[Account])
    def accounts() -> Any:
        return client.accounts.list().data

    @app.get("/accounts/{account_id}", response_model=Account)
    def account(account_id: str) -> Any:
        return with_news(client.accounts.get(account_id))

    @app.get("/accounts/{account_id}/whole", response_model=WholeAccount)
    def whole_account(account_id: str) -> Any:
        return with_news(client.accounts.get(account_id))

    @app.get("/accounts/{account_id}/transactions")
    def transactions(account_id: str) -> list[Transaction]:
        return client.transactions.list_for_account(account_id).data

    @app.post("/orders")
    def echo(order: BatchOrder) -> BatchOrder:
        return order

    return app


async def main() -> None:
    with Sandbox() as sandbox:
        client = V2Client(sandbox.api_key, base_url=sandbox.url)
        transport = httpx.ASGITransport(app=make_app(client))
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as http:
            await check_answers(http, client)
            await check_bodies(http)
            check_description((await http.get("/openapi.json")).json())


async def check_answers(http: httpx.AsyncClient, client: V2Client) -> None:
    accounts = client.accounts.list().data
    assert (await http.get("/accounts")).json() == accounts
    # What the type does not list is dropped, but for a type that says otherwise.
    path = f"/accounts/{accounts[0]['id']}"
    assert (await http.get(path)).json() == accounts[0]
    whole = (await http.get(f"{path}/whole")).json()
    assert (whole["news"], whole["data"]["news"]) == (1, 2)
    listed = client.transactions.list_for_account(accounts[0]["id"]).data
    assert (await http.get(f"{path}/transactions")).json() == listed


async def check_bodies(http: httpx.AsyncClient) -> None:
    order = {"amount": "1530.25", "currency": "VES", "description": "Invoice 104"}
    assert (await http.post("/orders", json=order)).json() == order
    refused = await http.post("/orders", json={"amount": "1530.25"})
    assert refused.status_code == 422
    assert {each["loc"][-1] for each in refused.json()["detail"]} == {"currency", "description"}


def check_description(openapi: Any) -> None:
    schemas = openapi["components"]["schemas"]
    account = schemas["Account"]
    assert account["properties"]["data"] == {"$ref": "#/components/schemas/AccountData"}
    assert "balance_cents" in account["properties"]
    assert "balance_cents" not in account["required"]
    assert {"id", "name", "data", "bank"} <= set(account["required"])
    assert account["description"].startswith("A bank account.")
    # A value that the server adds tomorrow is no error, so that a status is any text.
    assert {"type": "string"} in schemas["Transaction"]["properties"]["status"]["anyOf"]
    assert "pending_confirmation" in json.dumps(schemas["Transaction"])


if __name__ == "__main__":
    asyncio.run(main())
    print(f"held: FastAPI {fastapi.__version__} answers with, describes and reads the types")
