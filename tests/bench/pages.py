"""The pages: a long ticket's first page on the server, its end in a browser, and what Lighthouse thinks."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from playwright.async_api import Browser, Page, async_playwright

from tests.bench import aims, chatting, past, results, wrk
from tests.bench.scene import Scene
from tests.browser import chromium
from tests.support.walking import walk

_ENTRIES = 5_000
_LONG = "P5000"
_SECONDS = 5.0
_JUDGE = Path(__file__).with_name("lighthouse")
_JUDGED = ("performance", "accessibility", "best-practices")
_SCROLLED = """
async () => {
  const tasks = [];
  const observer = new PerformanceObserver(list => tasks.push(...list.getEntries()));
  observer.observe({ entryTypes: ["longtask"] });
  const begun = performance.now();
  const all = () => document.querySelectorAll("[role=article], article").length;
  let seen = 0, still = 0;
  while (still < 200) {
    window.scrollTo(0, document.documentElement.scrollHeight);
    await new Promise(requestAnimationFrame);
    const now = all();
    still = now === seen ? still + 1 : 0;
    seen = now;
  }
  observer.disconnect();
  return { entries: seen, seconds: (performance.now() - begun) / 1000,
           longest_task_ms: Math.max(0, ...tasks.map(task => task.duration)) };
}
"""


async def measure(scene: Scene) -> results.Page:
    """Time and size of the first page, scrolling to the oldest entry, a line of chat, the judge's scores."""
    await past.settled(scene, {_LONG: _ENTRIES})
    portal, page = scene.addresses["portal-query"], f"/desk/tickets/{_LONG}"
    targets = _targets(scene, page)
    await wrk.run("get.lua", targets, portal, clients=16, seconds=2)  # each connection makes its plans once
    # What sixteen had asked when their time was up is still being answered: one who comes next waits for it.
    await wrk.run("get.lua", targets, portal, clients=1, seconds=1)
    before = _scheduled(scene.pids["portal-query"])
    load = await wrk.run("get.lua", targets, portal, clients=1, seconds=_SECONDS)
    worked, waited = (
        (after - start) / (load.rate * _SECONDS)
        for start, after in zip(before, _scheduled(scene.pids["portal-query"]), strict=True)
    )
    sizes = {coding: len(await _raw(scene, page, coding)) / 1024 for coding in ("identity", "gzip", "zstd")}
    async with _session(scene, "carlos", "/desk") as executor, _session(scene, "ana", "/portal") as requester:
        scores = {
            "desk": await _judged(scene, "/desk", executor),
            "ticket": await _judged(scene, "/desk/tickets/1001", executor),
            "portal": await _judged(scene, "/portal", requester),
        }
    async with _browser() as browser:
        scrolling = await _scrolled(scene, browser, page)
        chat_ms, chat_slowest_ms = await chatting.lines(scene, browser)
    return results.Page(
        entries=_ENTRIES,
        p50_ms=load.p50_ms,
        p99_ms=load.p99_ms,
        worked_ms=round(worked, 1),
        waited_for_a_processor_ms=round(waited, 1),
        kb={coding: round(size, 1) for coding, size in sizes.items()},
        scrolling=scrolling,
        lighthouse=scores,
        chat_ms=chat_ms,
        chat_slowest_ms=chat_slowest_ms,
        ratio=round(load.p99_ms / aims.LONG_P99_MS, 3),
    )


def _scheduled(pid: int) -> tuple[float, float]:
    """Milliseconds that a main thread ran, and that it waited for a processor (proc(5), schedstat)."""
    ran, waited, _slices = Path(f"/proc/{pid}/schedstat").read_text().split()
    return int(ran) / 1e6, int(waited) / 1e6


def _targets(scene: Scene, path: str) -> Path:
    targets = scene.work / "page"
    tokens = [scene.company.tokens[each] for each in scene.company.executors[:100]]
    targets.write_text("".join(f"{path} {token}\n" for token in tokens))
    return targets


async def _raw(scene: Scene, path: str, coding: str) -> bytes:
    """The page's bytes as they travel from the front door."""
    headers = scene.as_executor | {"Accept-Encoding": coding, "Accept": "text/html"}
    async with scene.stack.http.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200, answer.status_code
        return b"".join([part async for part in answer.aiter_raw()])


@asynccontextmanager
async def _session(scene: Scene, person_id: str, address: str) -> AsyncIterator[str]:
    """A browser's cookie for somebody who has signed in."""
    async with httpx.AsyncClient(base_url=scene.front_door, timeout=30, trust_env=False) as browser:
        begun = await browser.get(f"/login?next={address}")
        await walk(browser, begun, f"{scene.front_door}{address}", person_id=person_id)
        yield "; ".join(f"{name}={value}" for name, value in browser.cookies.items())


@asynccontextmanager
async def _browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium.executable(), args=chromium.ARGUMENTS
        )
        yield browser
        await browser.close()


async def _scrolled(scene: Scene, browser: Browser, path: str) -> results.Scrolling:
    """Down to the oldest entry in a real browser: how long, and the longest time that it did not answer."""
    context = await browser.new_context(extra_http_headers=scene.as_executor)
    page: Page = await context.new_page()
    await page.goto(f"{scene.addresses['portal-query']}{path}")
    found: dict[str, float] = await page.evaluate(_SCROLLED)
    await context.close()
    return results.Scrolling.model_validate({name: round(value, 1) for name, value in found.items()})


async def _judged(scene: Scene, path: str, cookie: str) -> dict[str, int]:
    """What Lighthouse gives a page, of 100 each."""
    home = await _installed()
    headers, report = scene.work / "headers.json", scene.work / "report.json"
    headers.write_text(json.dumps({"Cookie": cookie}))
    flags = " ".join(["--headless=new", *chromium.ARGUMENTS])
    process = await asyncio.create_subprocess_exec(
        *("node", str(home / "node_modules/lighthouse/cli/index.js"), f"{scene.front_door}{path}"),
        *("--quiet", "--output=json", f"--output-path={report}", f"--extra-headers={headers}"),
        *("--preset=desktop", f"--only-categories={','.join(_JUDGED)}", f"--chrome-flags={flags}"),
        env=os.environ | {"CHROME_PATH": chromium.executable()},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"lighthouse failed:\n{output.decode()[-2000:]}")
    found = json.loads(report.read_text())
    assert found["finalDisplayedUrl"].endswith(path), found["finalDisplayedUrl"]
    return {name: round(found["categories"][name]["score"] * 100) for name in _JUDGED}


class NoJudge(Exception):
    """Lighthouse needs Node.js 20 or newer with npm, and the npm registry."""


async def _installed() -> Path:
    if shutil.which("npm") is None:
        raise NoJudge((NoJudge.__doc__ or "").strip())
    if not (_JUDGE / "node_modules").is_dir():
        process = await asyncio.create_subprocess_exec("npm", "ci", "--no-audit", "--no-fund", cwd=_JUDGE)
        if await process.wait() != 0:
            raise NoJudge((NoJudge.__doc__ or "").strip())
    return _JUDGE
