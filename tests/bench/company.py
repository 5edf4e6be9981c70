"""Many people and tickets, and requests as each of them, for load that nobody's limit holds back."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from relato.issuer import keys
from relato_contracts import itsm
from relato_runtime import kafka
from relato_runtime.settings import KafkaSettings

from tests.support import world
from tests.support.stack import Stack

PEOPLE = 500
TICKETS = 1_000
GROUP = "bench"
REQUESTER = "bench-requester"


@dataclass(frozen=True)
class Company:
    """What was published: ids, and a token for each executor and the requester."""

    executors: list[str]
    tickets: list[str]
    tokens: dict[str, str]

    def write_targets(self, path: Path) -> Path:
        """One line a request: a ticket and the token of somebody who may work on it."""
        lines = (
            f"{ticket} {self.tokens[self.executors[n % len(self.executors)]]}"
            for n, ticket in enumerate(self.tickets)
        )
        path.write_text("\n".join(lines) + "\n")
        return path


def token(stack: Stack, person_id: str) -> str:
    """A token of the stack's issuer, signed here: a thousand calls of the command would take minutes."""
    issuer = f"http://127.0.0.1:{stack.port}/issuer"
    about: dict[str, str | list[str] | int] = {"name": person_id, "roles": []}
    return keys.sign(keys.key(stack.home / "secrets"), issuer, keys.AUDIENCE, person_id, about)


async def settle(stack: Stack) -> Company:
    """Publish the company and wait until all services know it."""
    status = await stack.json("status")
    settings = KafkaSettings(kafka_bootstrap=status["kafka"]["bootstrap"])
    executors = [f"bench-{n}" for n in range(PEOPLE)]
    tickets = [f"B{n}" for n in range(TICKETS)]
    now = datetime.now(UTC)
    facts = [
        *(world.person(each) for each in executors),
        world.person(REQUESTER),
        itsm.GroupSaved(group_id=GROUP, name="Bench", member_ids=tuple(executors), emails=(), permissions=()),
        *(
            world.ticket(each, requester_id=REQUESTER, group_id=GROUP, responsible_id=None, opened_at=now)
            for each in tickets
        ),
    ]
    async with kafka.producing(settings, linger_ms=5) as producer:
        await kafka.send(producer, [world.record(settings, fact) for fact in facts])
    await stack.level(within=120)
    return Company(executors, tickets, {each: token(stack, each) for each in (*executors, REQUESTER)})


def executor_note(text: str, **changes: object) -> dict[str, object]:
    """The body of a command that records an occurrence, shown to the requester."""
    return {
        "description_html": f"<p>{text}</p>",
        "occurred_at": "2026-01-05T10:00:00-03:00",
        "time_spent_minutes": 15,
        "channel": "execution",
        "visible_to_requester": True,
        "notify_by_email": False,
    } | changes
