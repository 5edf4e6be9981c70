"""`relato itsm put`: an administrator publishes what no ITSM does."""

import json
from pathlib import Path

from relato.demo.load import standing
from relato_contracts.itsm import CategorySaved, OriginSaved, TicketSaved

from tests.integration.relato.conftest import Installation

_TICKET = {
    "ticket_id": "9001",
    "title": "Cadeira sem rodinha",
    "status": "open",
    "requester_id": "ana",
    "group_id": "estacoes",
    "opened_at": "2026-11-20T12:00:00Z",
}


async def test_a_fact_of_a_file_stands_on_its_topic(installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "ticket.json"
    file.write_text(json.dumps(_TICKET), encoding="utf-8")
    ended = await installation.relato("itsm", "put", "tickets", str(file), "--json")
    assert ended.document == {"kind": "tickets", "ids": ["9001"], "dry_run": False}
    assert (TicketSaved, "9001") in await standing(installation.settings)


async def test_a_list_is_read_from_standard_input(installation: Installation) -> None:
    facts = [{"category_id": f"cat-{each}", "name": each, "active": True} for each in ("obra", "mudanca-2")]
    ended = await installation.relato("itsm", "put", "categories", "-", given=json.dumps(facts))
    assert ended.code == 0, ended.errors
    found = await standing(installation.settings)
    assert {(CategorySaved, "cat-obra"), (CategorySaved, "cat-mudanca-2")} <= set(found)


async def test_a_dry_run_publishes_nothing(installation: Installation) -> None:
    fact = {"origin_id": "ori-whatsapp", "name": "WhatsApp", "active": True}
    arguments = ("itsm", "put", "origins", "-", "--dry-run", "--json")
    ended = await installation.relato(*arguments, given=json.dumps(fact))
    assert ended.document == {"kind": "origins", "ids": ["ori-whatsapp"], "dry_run": True}
    assert (OriginSaved, "ori-whatsapp") not in await standing(installation.settings)


async def test_a_wrong_fact_is_refused_with_the_place_of_each_mistake(installation: Installation) -> None:
    ended = await installation.relato(
        "itsm", "put", "tickets", "-", given=json.dumps(_TICKET | {"status": "?"})
    )
    assert (ended.code, ended.output) == (1, "")
    assert ended.errors.startswith("/status: ")


async def test_a_file_that_is_not_there_is_refused_with_a_sentence(installation: Installation) -> None:
    ended = await installation.relato("itsm", "put", "people", "/nowhere/people.json", "--json")
    assert (ended.code, ended.output) == (1, "")
    assert "No such file" in ended.errors


async def test_an_unknown_kind_is_wrong_usage(installation: Installation) -> None:
    ended = await installation.relato("itsm", "put", "machines", "-")
    assert ended.code == 2
