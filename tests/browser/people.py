"""People at their browsers: each has a context of their own, watched for what must not happen."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request

Scheme = Literal["light", "dark"]
Size = tuple[int, int]
WIDE: Size = (1280, 800)
NARROW: Size = (360, 740)
HUGE: Size = (1920, 1080)
SCREENSHOTS = Path("build/screenshots")
# Where axe is asked, which takes most of the time: in each scheme about colours, at each size about places.
_ASKED = {(WIDE, "light"), (NARROW, "dark"), (HUGE, "light")}
_AXE = Path(__file__).with_name("vendor") / "axe.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass(frozen=True)
class Screen:
    """What somebody has before them."""

    size: Size
    scheme: Scheme


DESK = Screen(WIDE, "light")
POCKET = Screen(NARROW, "dark")


@dataclass
class Person:
    """Somebody before a page."""

    id: str
    page: Page
    context: BrowserContext
    screen: Screen = DESK
    wrong: list[str] = field(default_factory=list)
    """What the browser complained about, and requests that left the origin."""
    expected: list[str] = field(default_factory=list)
    """Parts of complaints that a test provokes."""

    def watch(self, origin: str) -> None:
        """Take note of everything that must not happen."""

        def on_console(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"}:
                self.wrong.append(f"console {message.type}: {message.text}")

        def on_request(request: Request) -> None:
            if urlsplit(request.url).scheme in {"http", "https"} and not request.url.startswith(origin + "/"):
                self.wrong.append(f"request to {request.url}")

        self.context.on("console", on_console)
        self.context.on("weberror", lambda error: self.wrong.append(f"page error: {error.error}"))
        self.context.on("request", on_request)

    def complaints(self) -> list[str]:
        """What went wrong and was not provoked."""
        return [each for each in self.wrong if not any(part in each for part in self.expected)]

    async def sign_in(self, name: str, address: str = "/") -> None:
        """Through the login's page and the local issuer's."""
        await self.page.goto(address)
        await self.page.get_by_role("link", name="Entrar").click()
        await self.page.get_by_role("button", name=name).click()
        await self.page.wait_for_url(lambda url: urlsplit(url).path not in {"/login", "/callback"})

    async def axe(self) -> list[str]:
        """What axe finds on the page as it is: the rule and where."""
        # By the debugging protocol, which the page's policy does not bind.
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(_AXE.read_text("utf-8") + "; undefined")
        options = json.dumps({"runOnly": _RULES, "resultTypes": ["violations"]})
        found: dict[str, Any] = await self.page.evaluate(f"axe.run(document, {options})")
        return [
            f"{rule['id']} ({rule['help']}): {', '.join(str(node['target']) for node in rule['nodes'])}"
            for rule in found["violations"]
        ]

    async def look(self, name: str, *sizes: Size) -> None:
        """Screenshots of the page as it is, at both widths and these, light and dark; axe finds nothing.

        Where a journey is made on a small screen, the same state was photographed and asked about before.
        """
        if self.screen != DESK:
            await self._inspect(f"{name}, on a small screen", asking=False)
            return
        schemes: tuple[Scheme, ...] = ("light", "dark")
        for width, height in (WIDE, NARROW, *sizes):
            await self.page.set_viewport_size({"width": width, "height": height})
            for scheme in schemes:
                await self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                await self.page.screenshot(path=SCREENSHOTS / f"{name}-{width}-{scheme}.png", full_page=True)
                await self._inspect(
                    f"{name} at {width}, {scheme}", asking=((width, height), scheme) in _ASKED
                )
        await self.page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})

    async def look_as_it_is(self, name: str) -> None:
        """The same of what closes when the window changes its size: at this screen alone."""
        path = SCREENSHOTS / f"{name}-{self.screen.size[0]}-{self.screen.scheme}.png"
        await self.page.screenshot(path=path)
        await self._inspect(name)

    async def _inspect(self, what: str, *, asking: bool = True) -> None:
        found = await self.axe() if asking else []
        assert found == [], f"{what}: {found}"
        wider = await self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, f"{what}: {wider} px wider than the window"


async def person(
    browser: Browser, origin: str, person_id: str, screen: Screen = DESK, **settings: Any
) -> Person:
    """A new browser's window for somebody."""
    context = await browser.new_context(
        base_url=origin,
        viewport={"width": screen.size[0], "height": screen.size[1]},
        color_scheme=screen.scheme,
        locale="pt-BR",
        timezone_id="America/Sao_Paulo",
        **settings,
    )
    made = Person(person_id, await context.new_page(), context, screen)
    made.watch(origin)
    return made
