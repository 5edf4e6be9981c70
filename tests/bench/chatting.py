"""From the key that sends a line of chat to its being on the other's page, in two real browsers."""

from statistics import median

from playwright.async_api import Browser, Page, expect
from relato.demo.content import organisation

from tests.bench import facts
from tests.bench.scene import Scene
from tests.browser.people import person
from tests.support import world
from tests.support.journey import GROUP

_TICKET = "CHAT"
_LINES = 30

# Both by the clock of the machine, which all pages have.
_WHEN_SENT = """() => addEventListener('keydown', event => {
    if (event.key === 'Enter') window.sent = performance.timeOrigin + event.timeStamp;
}, {capture: true})"""
_WHEN_CAME = """text => { window.came = new Promise(done => new MutationObserver(() => {
    const there = [...document.querySelectorAll('.line-text')].some(each => each.textContent === text);
    if (there) done(performance.timeOrigin + performance.now());
}).observe(document.body, {childList: true, subtree: true})); }"""


async def lines(scene: Scene, browser: Browser) -> tuple[float, float]:
    """Milliseconds: the median of some lines that an executor writes, and the slowest."""
    ticket = world.ticket(_TICKET, requester_id="ana", group_id=GROUP, responsible_id=None)
    await facts.publish(scene.kafka, [world.record(scene.kafka, ticket)])
    await scene.level()
    executor = await _page(scene, browser, "carlos", f"/desk/tickets/{_TICKET}")
    requester = await _page(scene, browser, "ana", f"/portal/requests/{_TICKET}")
    await executor.get_by_role("button", name="Chat", exact=True).click()
    await executor.evaluate(_WHEN_SENT)
    box = executor.get_by_role("textbox", name="Mensagem do chat")
    took: list[float] = []
    for number in range(_LINES):
        text = f"Linha {number} de {_LINES}"
        await requester.evaluate(_WHEN_CAME, text)
        await box.fill(text)
        await box.press("Enter")
        came: float = await requester.evaluate("window.came")
        took.append(came - await executor.evaluate("window.sent"))
        await expect(executor.locator(".line-text").last).to_have_text(text)
    return round(median(took), 1), round(max(took), 1)


async def _page(scene: Scene, browser: Browser, person_id: str, address: str) -> Page:
    somebody = await person(browser, scene.front_door, person_id)
    await somebody.sign_in(organisation().people[person_id].name)
    await somebody.page.goto(address)
    return somebody.page
