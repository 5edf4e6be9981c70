"""What an operator sees and does on the pages of operation."""

import re

from aiokafka import AIOKafkaProducer
from playwright.async_api import Page, expect
from relato_contracts.topics import CATALOG

from tests.browser.conftest import SignedIn
from tests.support.journey import Ticket
from tests.support.stack import Stack

_PATIENCE = 30_000


async def confirm(page: Page, reason: str) -> None:
    """Say why, and do it."""
    await page.get_by_role("textbox", name="Motivo").fill(reason)
    await page.get_by_role("button", name="Confirmar").click()
    await expect(page.get_by_role("status").filter(has_text="Feito.")).to_be_visible(timeout=_PATIENCE)


async def test_an_operator_sees_what_happens_now(window: SignedIn, ticket: Ticket) -> None:
    olga = await window("olga", "/")
    await expect(olga.page).to_have_url(re.compile("/ops$"))
    for service in ("notes", "notifier", "history-projector", "portal-query"):
        await expect(olga.page.get_by_role("row", name=re.compile(f"^{service} Pronto"))).to_be_visible()
    facts = olga.page.get_by_role("figure", name="Fatos publicados")
    await expect(facts.get_by_role("status")).to_have_text("0 por segundo", timeout=_PATIENCE)
    await ticket.record(description_html="<p>A rede voltou.</p>")
    await expect(facts.get_by_role("status")).to_have_text(
        re.compile("^0,[1-9] por segundo$"), timeout=_PATIENCE
    )
    await olga.look("ops-now")


async def test_an_operator_rebuilds_compares_switches_and_goes_back(window: SignedIn, ticket: Ticket) -> None:
    olga = await window("olga", "/ops/projections")
    page = olga.page
    before = page.get_by_role("row", name=re.compile("Em uso"))
    live = (await before.get_by_role("rowheader").inner_text()).rpartition(" ")[2]
    await page.get_by_role("button", name="Reconstruir").click()
    await page.get_by_role("button", name="Simular").click()
    await expect(page.get_by_role("dialog")).to_contain_text("Pode ser feito.")
    await olga.look("ops-question")
    await expect(page.get_by_role("row", name=re.compile("history"))).to_have_count(1)
    await confirm(page, "novas colunas")
    made = page.get_by_role("row", name=re.compile("Em construção"))
    await expect(made.get_by_role("cell", name="0 s")).to_be_visible(timeout=_PATIENCE)
    await made.get_by_role("button", name="Comparar").click()
    await confirm(page, "antes de trocar")
    await expect(page.get_by_text(re.compile("comparou a geração .* 0 diferenças"))).to_be_visible(
        timeout=_PATIENCE
    )
    await made.get_by_role("button", name="Pôr em uso").click()
    await confirm(page, "está igual")
    reserve = page.get_by_role("row", name=re.compile("De reserva"))
    await expect(reserve.get_by_role("rowheader")).to_have_text(f"history · {live}")
    await olga.look("ops-projections")
    answer = await ticket.stack.get("carlos", f"/tickets/{ticket.id}/history")
    assert answer.status_code == 200, answer.text
    await reserve.get_by_role("button", name="Voltar a esta").click()
    await confirm(page, "só um ensaio")
    await expect(before.get_by_role("rowheader")).to_have_text(f"history · {live}")
    await reserve.get_by_role("button", name="Remover").click()
    await confirm(page, "não é mais precisa")
    await expect(page.get_by_role("row", name=re.compile("history"))).to_have_count(1, timeout=_PATIENCE)


async def test_an_operator_looks_at_refused_records_and_gives_them_up_for_a_reason(
    window: SignedIn, stack: Stack
) -> None:
    bootstrap = (await stack.json("status"))["kafka"]["bootstrap"]
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        await producer.send_and_wait(CATALOG.name, b"<origin/>", b"telefone-2")
    olga = await window("olga", "/ops/dead-letters")
    page = olga.page
    refused = page.get_by_role("row", name=re.compile("telefone-2"))
    await expect(refused).to_have_count(2, timeout=_PATIENCE)  # of notes and of the history
    await olga.look("ops-dead-letters")
    await refused.first.get_by_role("button", name="Ver").click()
    await expect(page.get_by_role("dialog")).to_contain_text("<origin/>")
    await olga.look("ops-dead-letter")
    await page.get_by_role("button", name="Fechar").click()
    for each in await refused.all():
        await each.get_by_role("checkbox").check()
    await page.get_by_role("button", name="Tentar de novo (2)").click()
    await page.get_by_role("button", name="Simular").click()
    await expect(page.get_by_role("dialog")).to_contain_text("0 de 2 com êxito.")
    await page.get_by_role("button", name="Cancelar").click()
    await page.get_by_role("button", name="Descartar (2)").click()
    await page.get_by_role("button", name="Confirmar").click()
    await expect(page.get_by_role("alert").filter(has_text="Diga o motivo.")).to_be_visible()
    await page.get_by_role("textbox", name="Motivo").fill("não é JSON")
    await page.get_by_role("button", name="Confirmar").click()
    await expect(refused).to_have_count(0)
    await page.get_by_role("combobox", name="Situação").select_option(label="Descartados")
    await expect(refused.first).to_contain_text("Olga Kowalski: não é JSON")
    await page.get_by_role("link", name="Quem fez o quê").click()
    done = page.get_by_role("row", name=re.compile("discard")).filter(has_text="não é JSON")
    await expect(done).to_have_count(2)
    await expect(done.first).to_contain_text("Olga Kowalski")
    await olga.look("ops-audit")


async def test_whoever_is_no_operator_is_refused(window: SignedIn) -> None:
    davi = await window("davi", "/")
    davi.expected.append("403")
    await expect(davi.page.get_by_role("link", name="Operação")).to_have_count(0)
    answer = await davi.page.goto("/ops")
    assert answer is not None
    assert answer.status == 403
