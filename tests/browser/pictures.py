"""The README's pictures, of a stack of their own: ``python -m tests.browser.pictures``."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from playwright.async_api import async_playwright, expect
from relato.demo.content import organisation

from tests.browser import chromium
from tests.browser.people import WIDE, Person, person
from tests.support.stack import Stack, running_stack
from tests.support.waiting import until

_PICTURES = Path(__file__).parents[2] / "docs"
_TICKET = "1001"
_SHOWN = {
    "description_html": "<p>O ponto de rede foi religado. <strong>Consegue imprimir agora?</strong></p>",
    "solution_html": "<p>Ponto de rede reativado e filas de impressão limpas; a página de teste saiu.</p>",
    "time_spent_minutes": 20,
    "category_id": "cat-solucao",
    "visible_to_requester": True,
    "notify_by_email": True,
}
_INTERNAL = {
    "description_html": "<p>O switch foi trocado na sexta; pedi a <em>redes</em> a lista das portas.</p>",
    "time_spent_minutes": 15,
    "category_id": "cat-diagnostico",
}


async def main() -> None:
    """Both sides of one ticket, as wide windows show them in the light theme."""
    async with running_stack() as stack, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium.executable(), args=chromium.ARGUMENTS
        )
        version = 0
        for body in (_INTERNAL, _SHOWN):
            version = await _record(stack, body)
        await _mailed(stack, version)
        origin = str(stack.http.base_url).rstrip("/")
        for person_id, address, name in (
            ("carlos", f"/desk/tickets/{_TICKET}", "ticket"),
            ("ana", f"/portal/requests/{_TICKET}", "request"),
        ):
            who = await person(browser, origin, person_id)
            await who.sign_in(organisation().people[person_id].name, address)
            await _take(who, name)
            await who.context.close()
        await browser.close()


async def _record(stack: Stack, body: dict[str, object]) -> int:
    now = {"occurred_at": datetime.now(UTC).isoformat(), "channel": "execution"}
    answer = await stack.post("carlos", f"/tickets/{_TICKET}/occurrences", now | body)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["version"])


async def _mailed(stack: Stack, version: int) -> None:
    async def told() -> bool:
        answer = await stack.get("carlos", f"/tickets/{_TICKET}/history")
        return any(each["version"] == version and each.get("emails") for each in answer.json()["items"])

    await until(told, what="the mail's outcome in the history")


async def _take(who: Person, name: str) -> None:
    await expect(who.page.get_by_role("article").first).to_be_visible()
    await who.page.emulate_media(color_scheme="light", reduced_motion="reduce")
    await who.page.set_viewport_size({"width": WIDE[0], "height": 860})
    await who.page.screenshot(path=_PICTURES / f"{name}.png")


if __name__ == "__main__":
    asyncio.run(main())
