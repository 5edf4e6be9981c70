"""The operators' API is spread over the services, and has one document.

``python -m tests.e2e.test_operators_document`` writes it anew.
"""

import asyncio
from importlib.resources import files
from pathlib import Path

import httpx

from tests.support.operators_document import OPERATE, merged, written
from tests.support.stack import Stack, running_stack

_DOCUMENT = Path(str(files("portal_query"))) / "operators.openapi.json"
_PREFIXES = {
    "notes": "/api/notes",
    "notifier": "/api/notifier",
    "history-projector": "/api/operate",
    "portal-query": "/api/portal",
}


async def document(stack: Stack) -> str:
    """What the services themselves say, put together."""
    services = (await stack.places())["services"]
    addresses = {each["name"]: each["address"] for each in services}
    async with httpx.AsyncClient(trust_env=False) as client:
        answers = [
            await client.get(f"{addresses[name]}{prefix}/openapi.json") for name, prefix in _PREFIXES.items()
        ]
    return written(merged(each.raise_for_status().json() for each in answers))


async def test_one_document_says_what_the_services_say_of_the_operators_api(stack: Stack) -> None:
    assert _DOCUMENT.read_text("utf-8") == await document(stack)
    served = await stack.http.get(f"{OPERATE}openapi.json")
    assert served.json()["info"]["title"] == "Relato operators' API"
    assert {f"{OPERATE}projections/{{name}}/{{verb}}", f"{OPERATE}services/notes"} < served.json()[
        "paths"
    ].keys()


async def _write() -> None:
    async with running_stack() as stack:
        _DOCUMENT.write_text(await document(stack), "utf-8")


if __name__ == "__main__":
    asyncio.run(_write())
