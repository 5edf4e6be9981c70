"""What the services write down about what they do."""

import json

from tests.support.journey import Ticket

SAID = "Segredo do cofre: alho-poró azul"


async def test_logs_are_json_lines_without_texts_addresses_or_tokens(
    ticket: Ticket, ana_address: str, carlos_address: str
) -> None:
    await ticket.record(
        description_html=f"<p>{SAID}</p>",
        solution_html=f"<p>Solução: {SAID}</p>",
        visible_to_requester=True,
        notify_by_email=True,
    )
    await ticket.done("ana", "/messages", {"text_html": f"<p>{SAID}</p>"})
    said = await ticket.done("carlos", "/chat", {"text": SAID})
    await ticket.refused("carlos", "/occurrences", {"description_html": SAID, "occurred_at": SAID})
    await ticket.mail(ana_address)
    await ticket.mail(carlos_address)
    await ticket.mine(said["version"])
    tokens = [await ticket.stack.bearer(person) for person in ("ana", "carlos", "davi")]
    secrets = [SAID, ana_address, carlos_address, *(token["Authorization"][7:] for token in tokens)]
    services = ("notes", "notifier", "history-projector", "portal-query")
    for service in services:
        log = (ticket.stack.home / "logs" / f"{service}.log").read_text()
        assert log, service
        for line in log.splitlines():
            assert json.loads(line)["service"] == service, line
        for secret in secrets:
            assert secret not in log, (service, secret)
