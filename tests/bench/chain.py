"""What chains cost: commands of a notes service, beside one that is the same without them, in turn."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from statistics import median

import httpx
import psutil
from relato.stack.ports import free
from relato_runtime import kafka

from tests.bench import results, wrk
from tests.bench.company import GROUP, REQUESTER
from tests.bench.scene import Scene, connected
from tests.support import world
from tests.support.waiting import until

_CLIENTS = 16
_SECONDS = 4.0
_ROUNDS = 16
_TICKETS = 250


async def measure(scene: Scene) -> results.Chain:
    """Commands a second of both, the median of several rounds; the stack's own notes relays meanwhile.

    Each writes on tickets of its own: what is not chained would be chained by the other's next command.
    """
    modules = ("notes", "tests.bench.unchained")
    rates: dict[str, list[float]] = {module: [] for module in modules}
    worked: dict[str, list[float]] = {module: [] for module in modules}
    async with AsyncExitStack() as stack:
        load = {
            module: await _beginning(scene, stack, module, letter)
            for module, letter in zip(modules, "KL", strict=True)
        }
        await stack.enter_async_context(scene.alone("notes"))
        for number in range(_ROUNDS):
            for module in modules[:: 1 - 2 * (number % 2)]:  # so that no round favours who comes second
                before = _processor_seconds(module)
                rate = (await load[module](_SECONDS)).rate
                worked[module].append((_processor_seconds(module) - before) / (rate * _SECONDS) * 1e6)
                rates[module].append(rate)
                await scene.relayed()
    await _forget_what_never_was(scene)
    rate, limit = (median(taken) for taken in rates.values())
    work, work_without = (round(median(taken), 1) for taken in worked.values())
    return results.Chain(
        rate=round(rate),
        limit=round(limit),
        ratio=round(median(mine / bare for mine, bare in zip(*rates.values(), strict=True)), 3),
        worked_us=work,
        worked_us_without=work_without,
    )


def _processor_seconds(module: str) -> float:
    """What the service's process has worked so far: that depends less on who else works here."""
    (service,) = (each for each in psutil.Process().children() if each.cmdline()[1:] == ["-m", module])
    spent = service.cpu_times()
    return float(spent.user + spent.system)


async def _beginning(
    scene: Scene, stack: AsyncExitStack, module: str, letter: str
) -> Callable[[float], Awaitable[wrk.Load]]:
    """A service that is warm, with tickets of its own: what puts it under load for so many seconds."""
    targets = scene.work / f"{letter}-targets"
    tickets = await _tickets(scene, letter)
    targets.write_text("".join(f"{each} {_token(scene, number)}\n" for number, each in enumerate(tickets)))
    address = await _service(scene, stack, module)

    async def load(seconds: float) -> wrk.Load:
        return await wrk.run("record.lua", targets, address, clients=_CLIENTS, seconds=seconds)

    await load(3)
    return load


def _token(scene: Scene, number: int) -> str:
    executors = scene.company.executors
    return scene.company.tokens[executors[number % len(executors)]]


async def _tickets(scene: Scene, letter: str) -> list[str]:
    """New ones, which the stack's notes knows."""
    tickets = [f"{letter}{number}" for number in range(_TICKETS)]
    facts = [
        world.ticket(each, requester_id=REQUESTER, group_id=GROUP, responsible_id=None) for each in tickets
    ]
    async with kafka.producing(scene.kafka, linger_ms=5) as producer:
        await kafka.send(producer, [world.record(scene.kafka, fact) for fact in facts])
    async with connected(scene.database("notes")) as log:

        async def known() -> bool:
            asked = "SELECT count(*) FROM tickets WHERE ticket_id = ANY($1)"
            return bool(await log.fetchval(asked, tickets) == _TICKETS)

        await until(known, within=60, what="tickets")
    return tickets


async def _service(scene: Scene, stack: AsyncExitStack, module: str) -> str:
    port = free()
    address = f"http://127.0.0.1:{port}"
    given = {"HTTP_PORT": str(port), "OIDC_ISSUER": f"{scene.front_door}/issuer"}
    running = scene.process(module, "", scene.database("notes"), **given, REQUESTS_PER_SECOND="1000000")
    await stack.enter_async_context(running)
    async with httpx.AsyncClient(base_url=address, trust_env=False) as client:

        async def ready() -> bool:
            try:
                return (await client.get("/readyz")).status_code == 200
            except httpx.HTTPError:
                return False

        await until(ready, within=60, what=f"{module} to be ready")
    return address


async def _forget_what_never_was(scene: Scene) -> None:
    """What was recorded without a chain is as what an older release has recorded, and gets one like that."""
    async with connected(scene.database("notes")) as log:
        await log.execute("UPDATE streams SET chained = 0, head = NULL WHERE ticket_id LIKE 'L%'")
