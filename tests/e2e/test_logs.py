"""What the stack writes down about what it does, and what it does not."""

import json
from pathlib import Path

import pytest
from relato.stack import databases, state
from relato.stack.home import Home

from tests.support import said
from tests.support.journey import Ticket
from tests.support.stack import Stack

SAID = "Segredo do cofre: alho-poró azul"
SERVICES = ("notes", "notifier", "history-projector", "portal-query")


async def test_services_log_lines_of_json(ticket: Ticket, ana_address: str, carlos_address: str) -> None:
    await ticket.record(
        description_html=f"<p>{SAID}</p>",
        solution_html=f"<p>Solução: {SAID}</p>",
        visible_to_requester=True,
        notify_by_email=True,
    )
    await ticket.done("ana", "/messages", {"text_html": f"<p>{SAID}</p>"})
    message = await ticket.done("carlos", "/chat", {"text": SAID})
    await ticket.refused("carlos", "/occurrences", {"description_html": SAID, "occurred_at": SAID})
    await ticket.mail(ana_address)
    await ticket.mail(carlos_address)
    await ticket.mine(message["version"])
    for service in SERVICES:
        log = (ticket.stack.home / "logs" / f"{service}.log").read_text()
        assert log, service
        for line in log.splitlines():
            assert json.loads(line)["service"] == service, line


@pytest.mark.last
async def test_no_log_has_anything_that_is_secret_or_that_people_wrote(stack: Stack) -> None:
    """After all other tests: of every process, and of all that was done with this stack."""
    home = Home(stack.home)
    now = state.read(home)
    assert now is not None
    await stack.bearer("ana")
    written = await said.recorded(databases.address(now.postgres, "notes"))
    texts, secrets, addresses = (
        written.lines | stack.written.lines,
        said.secrets(home.secrets),
        said.addresses(),
    )
    assert min(len(texts), 10 * len(secrets), len(addresses)) >= 30, "there is something to look for"
    logs = {path.name for path in home.logs.iterdir()}
    assert {
        f"{name}.log" for name in (*SERVICES, "caddy", "issuer", "postgres", "kafka", "supervisor")
    } <= logs
    assert said.leaks(home.logs, {*texts, *secrets, *addresses, *stack.tokens.values()}) == []


def test_what_stands_in_a_log_is_found_however_it_was_written(tmp_path: Path) -> None:
    written = said.Written()
    written.add(
        {"description_html": f"<p>{SAID}</p>", "channel": "execution", "parts": [{"text": "linha longa"}]}
    )
    assert written.lines == {SAID, "linha longa"}
    wrong = {
        "plain.log": f"said {SAID} aloud",
        "json.log": json.dumps({"event": f"a linha longa, {SAID}"}),
        "token.log": "Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbmEifQ.c2lnbmF0dXJl",
        "cookie.log": "Cookie: relato_session=x",
        "session.log": "id 7Jx2kLmN0pQrStUvWxYz1234567890AbCdEfGhIjKl-",
    }
    for name, line in wrong.items():
        (tmp_path / name).write_text(f"before\n{line}\nafter\n")
    (tmp_path / "good.log").write_text(
        '{"event": "mail", "mail_id": "0190c2f0-1111-7000-8000-000000000001"}\n'
    )
    found = said.leaks(tmp_path, written.lines)
    assert {each.partition(" ")[0] for each in found} == set(wrong)
