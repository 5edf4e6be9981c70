"""What an administrator does, through the front door."""

import asyncio
from uuid import uuid4

import httpx
from relato.demo.facts import address

from tests.support.journey import Ticket, switched
from tests.support.stack import Stack
from tests.support.waiting import until

DAVI = "davi"


async def tried(stack: Stack, what: str, person: str = DAVI, **changes: object) -> httpx.Response:
    """A template on trial."""
    body = {
        "language": "pt-BR",
        "subject": "Chamado {{ ticket_id }}",
        "text": "Olá, {{ recipient_name }}: {{ text }}",
        "html": "<p>{{ author_name }}</p>{{ text_html }}",
    }
    headers = await stack.bearer(person) | {"Idempotency-Key": str(uuid4())}
    return await stack.http.post(f"/api/notifier/{what}", json=body | changes, headers=headers)


async def test_what_an_administrator_changes_says_so(stack: Stack) -> None:
    async with switched(stack, 371, "N", "S"):

        async def seen() -> bool:
            found = (await stack.get(DAVI, "/admin/parameters/371")).json()
            return (found["value"], found["changed_by"]) == ("N", {"id": DAVI, "name": "Davi Sampaio"})

        await until(seen, what="the parameter")
    for kind in ("parameters", "email-templates", "categories", "origins", "groups", "people", "tickets"):
        answer = await stack.get(DAVI, f"/admin/{kind}")
        assert answer.status_code == 200, answer.text
        assert answer.json()["items"], kind
        assert (await stack.get("carlos", f"/admin/{kind}")).status_code == 403


async def test_a_template_is_tried_with_what_a_requester_sees(ticket: Ticket) -> None:
    stack = ticket.stack
    note = await ticket.record(description_html="<p>Troquei o cabo.</p>", visible_to_requester=True)
    internal = await ticket.record(description_html="<p>Senha trocada.</p>")

    async def chosen() -> list[str]:
        answer = await stack.http.get(
            "/api/notifier/occurrences", params={"ticket_id": ticket.id}, headers=await stack.bearer(DAVI)
        )
        return [each["occurrence_id"] for each in answer.json()["items"]]

    assert await until(chosen, what="the choice") == [note["occurrence_id"]]
    made = await tried(stack, "previews", occurrence_id=note["occurrence_id"])
    assert made.status_code == 200, made.text
    assert made.json()["subject"] == f"Chamado {ticket.id}"
    assert "Troquei o cabo." in made.json()["text"]
    for occurrence_id in (internal["occurrence_id"], str(uuid4())):
        assert (await tried(stack, "previews", occurrence_id=occurrence_id)).status_code == 404


async def test_a_test_mail_reaches_who_asked_for_it_and_nobody_else(ticket: Ticket) -> None:
    before = len(ticket.mailbox.to(address(DAVI) or ""))
    sent = await tried(ticket.stack, "test-mails")
    assert sent.status_code == 200, sent.text
    assert (sent.json()["outcome"], sent.json()["recipient"]) == ("accepted", address(DAVI))
    [mail] = ticket.mailbox.to(address(DAVI) or "")[before:]
    assert mail["Subject"] == "[Teste] Chamado 1001"
    answers = await asyncio.gather(
        *(tried(ticket.stack, "test-mails", person) for person in ("ana", "carlos"))
    )
    assert [each.status_code for each in answers] == [403, 403]


async def test_the_probes_of_the_notifier_stay_inside(stack: Stack) -> None:
    for path in ("/healthz", "/readyz", "/metrics", "/api/notifier/healthz"):
        assert (await stack.http.get(path)).status_code == 404
    document = (await stack.http.get("/api/notifier/openapi.json")).json()
    assert {path for path in document["paths"] if not path.startswith("/api/operate/")} == {
        f"/api/notifier/{each}"
        for each in ("variables", "occurrences", "previews", "test-mails", "mails/{mail_id}/decision")
    }
