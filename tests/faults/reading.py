"""What people read through the front door once a fault is over."""

from typing import Any

import httpx

from tests.faults.site import Site


async def answer(site: Site, person: str, path: str, *statuses: int, **query: str) -> httpx.Response:
    """One answer, which has to be 200 or one of the statuses."""
    found = await site.clients.get(path, params=query, headers={"Authorization": site.bearer(person)})
    assert found.status_code in (statuses or (200,)), f"{path}: {found.status_code} {found.text}"
    return found


async def items(site: Site, person: str, path: str) -> list[dict[str, Any]]:
    """All pages of something of the portal's."""
    listed: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await answer(site, person, f"/api/portal{path}", **cursor)).json()
        listed += page["items"]
        if page["next_cursor"] is None:
            return listed
        cursor = {"cursor": page["next_cursor"]}
