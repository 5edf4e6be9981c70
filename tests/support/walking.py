"""A browser without scripts: follows redirects, fills in forms, as a person would who knows what to write."""

from collections.abc import Mapping
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx

_STEPS = 20


class _Form(HTMLParser):
    """The first form of a page, and the first link that is called *Entrar*."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.method = "get"
        self.values: dict[str, str] = {}
        self.names: set[str] = set()
        self.entrance: str | None = None
        self._link: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None:
            self.action, self.method = given.get("action", ""), given.get("method", "get").lower()
        elif tag in {"input", "button"} and given.get("name"):
            self.names.add(given["name"])
            if given.get("type") == "hidden":
                self.values[given["name"]] = given.get("value", "")
        elif tag == "a":
            self._link = given.get("href")

    def handle_data(self, data: str) -> None:
        if data.strip() == "Entrar" and self._link:
            self.entrance = self._link

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._link = None


async def walk(browser: httpx.AsyncClient, answer: httpx.Response, to: str, **knows: str) -> httpx.Response:
    """Go on from an answer until it leads to an address that begins with ``to``; gives that answer.

    ``knows`` are the values for fields and buttons, wherever a form asks for them.
    """
    seen = []
    for _ in range(_STEPS):
        here = str(answer.request.url)
        seen.append(f"{answer.status_code} {here}")
        if answer.is_redirect:
            address = urljoin(here, answer.headers["location"])
            if address.startswith(to):
                return answer
            answer = await browser.get(address)
            continue
        form = _Form(answer.text)
        if form.entrance is not None:
            answer = await browser.get(urljoin(here, form.entrance))
        elif form.action is not None:
            fields = form.values | {name: value for name, value in knows.items() if name in form.names}
            answer = await _send(browser, form, urljoin(here, form.action), fields)
        else:
            break
    raise AssertionError("\n".join([f"this does not lead to {to}:", *seen, answer.text[:2000]]))


async def _send(
    browser: httpx.AsyncClient, form: _Form, address: str, fields: Mapping[str, str]
) -> httpx.Response:
    if form.method == "post":
        return await browser.post(address, data=dict(fields))
    return await browser.get(address, params=dict(fields))
