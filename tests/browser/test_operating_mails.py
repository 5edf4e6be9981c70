"""An operator decides about mails and about refused records on their pages, one by one and many at once."""

import re
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer
from playwright.async_api import Page, expect
from relato.stack import databases, state
from relato.stack.home import Home
from relato_contracts.topics import CATALOG

from tests.browser.conftest import SignedIn
from tests.browser.test_operation import confirm
from tests.support.journey import Ticket, parameter, switched
from tests.support.stack import Stack
from tests.support.waiting import until

_PATIENCE = 40_000
_TOLD: dict[str, Any] = {"visible_to_requester": True, "notify_by_email": True, "hold_seconds": 0}


async def _of(page: Page, ticket: Ticket, state: str) -> None:
    """Look at the mails of a ticket in a state."""
    await page.get_by_role("combobox", name="Situação").select_option(label=state)
    await page.get_by_role("searchbox", name="Chamado").fill(ticket.id)
    await page.get_by_role("button", name="Procurar").click()


async def test_mails_are_tried_again_sent_again_released_and_dropped(
    window: SignedIn, ticket: Ticket, ana_address: str
) -> None:
    ticket.mailbox.answers[ana_address] = ["refuse 550 no", "refuse 550 no", "cut"]
    for number in range(3):
        note = await ticket.record(description_html=f"<p>Passo {number}.</p>", **_TOLD)
        await ticket.outcomes(note["version"])
    async with switched(ticket.stack, 297, "S", parameter(297)):
        for number in range(3, 6):
            note = await ticket.record(description_html=f"<p>Passo {number}.</p>", **_TOLD)
            await ticket.outcomes(note["version"])
    olga = await window("olga", "/ops/mails")
    page = olga.page
    rows = page.get_by_role("row", name=re.compile(ana_address))

    await _of(page, ticket, "Recusados pelo servidor")
    await expect(rows).to_have_count(2, timeout=_PATIENCE)
    await olga.look("ops-mails-many")
    await page.get_by_role("button", name="Tentar já: todos").click()
    await page.get_by_role("button", name="Simular").click()
    await expect(page.get_by_role("dialog")).to_contain_text("2 de 2 com êxito.")
    await olga.look("ops-mails-question")
    await confirm(page, "a caixa existe de novo", "2 de 2 com êxito.")
    await expect(rows).to_have_count(0, timeout=_PATIENCE)

    await _of(page, ticket, "Incertos")
    again = page.get_by_role("button", name=re.compile("^Enviar de novo \\("))
    await expect(rows).to_have_count(1, timeout=_PATIENCE)
    await expect(again).to_be_disabled()
    await rows.get_by_role("checkbox").check()
    await again.click()
    await confirm(page, "ela não recebeu", "1 de 1 com êxito.")

    await _of(page, ticket, "Não enviados")
    await page.get_by_role("searchbox", name="Razão").fill("disabled")
    await page.get_by_role("button", name="Procurar").click()
    await expect(rows).to_have_count(3, timeout=_PATIENCE)
    await rows.first.get_by_role("button", name="Enviar mesmo assim").click()
    await confirm(page, "voltou a enviar", "1 de 1 com êxito.")
    await expect(rows).to_have_count(2, timeout=_PATIENCE)
    await rows.first.get_by_role("button", name="Nunca enviar").click()
    await confirm(page, "passou da hora", "1 de 1 com êxito.")
    await expect(rows).to_have_count(1, timeout=_PATIENCE)
    await page.get_by_role("button", name="Nunca enviar: todos").click()
    await confirm(page, "passou da hora", "1 de 1 com êxito.")
    await expect(rows).to_have_count(0, timeout=_PATIENCE)
    await page.get_by_role("searchbox", name="Razão").fill("")
    await _of(page, ticket, "Aceitos pelo servidor")
    await expect(rows).to_have_count(4, timeout=_PATIENCE)


async def test_a_mail_that_waits_for_a_person_is_counted_until_somebody_has_decided(
    window: SignedIn, ticket: Ticket, ana_address: str
) -> None:
    olga = await window("olga", "/ops")
    page = olga.page
    number = page.get_by_role("listitem").filter(has_text="E-mails incertos").get_by_role("status")
    await expect(number).to_have_text(re.compile("^[0-9]+$"), timeout=_PATIENCE)
    before = int(await number.inner_text())
    ticket.mailbox.answers[ana_address] = ["cut"]
    note = await ticket.record(description_html="<p>Troquei o cabo.</p>", **_TOLD)
    await ticket.outcomes(note["version"])
    await expect(number).to_have_text(str(before + 1), timeout=_PATIENCE)
    await olga.look("ops-now-somebody")
    assert (await ticket.stack.json("status"))["waiting"]["mails_uncertain"] == before + 1

    await page.get_by_role("link", name="E-mails incertos").click()
    await expect(page.get_by_role("combobox", name="Situação")).to_have_value("uncertain")
    row = page.get_by_role("row", name=re.compile(ana_address))
    await row.get_by_role("button", name="Nunca enviar").click(timeout=_PATIENCE)
    await confirm(page, "ela já leu no portal", "1 de 1 com êxito.")
    await page.get_by_role("link", name="Agora").click()
    await expect(number).to_have_text(str(before), timeout=_PATIENCE)
    await page.get_by_role("link", name="E-mails desistidos").click()
    await expect(page.get_by_role("combobox", name="Situação")).to_have_value("dead")


async def test_a_history_leads_to_the_mail_that_was_written(window: SignedIn, ticket: Ticket) -> None:
    note = await ticket.record(description_html="<p>Troquei o cabo.</p>", **_TOLD)
    await ticket.outcomes(note["version"])
    olga = await window("olga", f"/ops/history?ticket={ticket.id}")
    await olga.page.get_by_role("link", name="O que foi escrito").first.click()
    dialog = olga.page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Troquei o cabo.", timeout=_PATIENCE)
    await olga.page.get_by_role("button", name="Fechar").click()
    olga.expected.append("404")
    await olga.page.goto("/ops/mails?mail=00000000-0000-0000-0000-000000000000")
    absent = olga.page.get_by_role("alert").filter(has_text="Este e-mail não existe.")
    await expect(absent).to_be_visible(timeout=_PATIENCE)


async def test_a_record_that_can_be_read_by_now_is_taken_in(window: SignedIn, stack: Stack) -> None:
    bootstrap = (await stack.json("status"))["kafka"]["bootstrap"]
    running = state.read(Home(stack.home))
    assert running is not None
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        await producer.send_and_wait(CATALOG.name, b"{", b"balcao-2", headers=_headers("balcao-2"))
    notes = await asyncpg.connect(databases.address(running.postgres, "notes"))
    try:
        mended = "UPDATE dead_letters SET value = $1 WHERE key = 'balcao-2'"
        readable = b'{"origin_id": "balcao-2", "name": "Balc\xc3\xa3o", "active": true}'

        async def arrived() -> bool:
            return str(await notes.execute(mended, readable)) == "UPDATE 1"

        await until(arrived, what="the dead letter")  # by now the program can read it
    finally:
        await notes.close()
    olga = await window("olga", "/ops/dead-letters")
    page = olga.page
    await page.get_by_role("combobox", name="Leitor").select_option("notes-reference", timeout=_PATIENCE)
    refused = page.get_by_role("row", name=re.compile("balcao-2"))
    await expect(refused).to_have_count(1, timeout=_PATIENCE)
    await olga.look("ops-dead-letters-of-one")
    await refused.get_by_role("checkbox").check()
    await page.get_by_role("button", name="Tentar de novo (1)").click()
    await confirm(page, "o programa já sabe ler", "1 de 1 com êxito.")
    await expect(refused).to_have_count(0, timeout=_PATIENCE)
    await page.get_by_role("combobox", name="Situação").select_option(label="Lidos depois")
    await expect(refused).to_contain_text("o programa já sabe ler", timeout=_PATIENCE)
    await page.get_by_role("combobox", name="Situação").select_option(label="Esperando")
    await page.get_by_role("combobox", name="Leitor").select_option(label="Todos")
    await expect(refused).to_have_count(1, timeout=_PATIENCE)
    await refused.get_by_role("checkbox").check()
    await page.get_by_role("button", name="Descartar (1)").click()
    await confirm(page, "só num serviço", "1 de 1 com êxito.")


def _headers(origin_id: str) -> list[tuple[str, bytes]]:
    given = {
        "content-type": "application/json",
        "ce_specversion": "1.0",
        "ce_id": "0190a0a0-0000-7000-8000-000000000002",
        "ce_type": "itsm.OriginSaved.v1",
        "ce_source": "/itsm",
        "ce_partitionkey": origin_id,
    }
    return [(name, text.encode()) for name, text in given.items()]
