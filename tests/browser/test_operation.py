"""What an operator sees and does on the pages of operation."""

import re
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaProducer
from playwright.async_api import Page, Route, expect
from relato_contracts.topics import CATALOG

from tests.browser.conftest import SignedIn
from tests.support.journey import Ticket
from tests.support.stack import Stack

_PATIENCE = 40_000
_DRAWN = """() => [...document.querySelectorAll("[data-plot='lag'] canvas")].some(each => {
    const [red, green, blue] = getComputedStyle(each).outlineColor.match(/[0-9.]+/g).map(Number);
    const drawn = each.getContext("2d").getImageData(0, 0, each.width, each.height).data;
    for (let place = 0; place < drawn.length; place += 4) {
        const [r, g, b, a] = drawn.subarray(place, place + 4);
        if (a && Math.abs(r - red) + Math.abs(g - green) + Math.abs(b - blue) < 30) return true;
    }
    return false;
})"""


async def confirm(page: Page, reason: str, said: str = "Feito.") -> None:
    """Say why, and do it."""
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("textbox", name="Motivo").fill(reason)
    await dialog.get_by_role("button", name="Confirmar").click()
    await expect(dialog).to_have_count(0, timeout=_PATIENCE)
    await expect(page.get_by_role("status").filter(has_text=said)).to_be_visible(timeout=_PATIENCE)


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
    await olga.page.route("**/api/operate/services/*", lambda route: route.abort())
    olga.expected.append("net::ERR_FAILED")
    await olga.page.reload()
    await expect(olga.page.get_by_role("alert").filter(has_text="O Relato não responde")).to_be_visible()
    assert await olga.page.evaluate(_DRAWN), "what was measured before is still shown"


def _lag(consumer: str, value: int) -> dict[str, Any]:
    labels = {"consumer": consumer, "topic": "relato.notes", "partition": "0"}
    return {"name": "relato_consumer_lag", "labels": labels, "value": value}


_BEHIND = {
    "notifier": [_lag("notifier", 500)],
    "history-projector": [
        {"name": "relato_live_generation", "labels": {}, "value": 7},
        _lag("history/7", 3),
        _lag("history/8", 1_000_000),
    ],
}
"""As in a rebuild of what takes longer to record than a test may."""


async def test_a_rebuild_hides_neither_the_history_that_is_read_nor_the_notifier(window: SignedIn) -> None:
    async def tell(route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        now = datetime.now(UTC).isoformat()
        process = {"service": name, "instance": name, "started_at": now, "at": now, "ready": True}
        rest = {"missing": {}, "remarks": {}, "samples": _BEHIND.get(name, [])}
        await route.fulfill(json=process | rest)

    olga = await window("olga", "/ops/audit")
    await olga.page.route("**/api/operate/services/*", tell)
    await olga.page.goto("/ops")
    for plot, behind in (("Por ler: histórico em uso", "3"), ("Por ler: outros leitores", "500")):
        now = olga.page.get_by_role("figure", name=plot).get_by_role("status")
        await expect(now).to_have_text(behind, timeout=_PATIENCE)


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
    question = page.get_by_role("dialog")
    await made.get_by_role("button", name="Pôr em uso").click()
    await expect(question).to_contain_text("Nenhuma comparação recente diz se ela é igual")
    await question.get_by_role("button", name="Cancelar").click()
    await made.get_by_role("button", name="Comparar").click()
    await confirm(page, "antes de trocar")
    await expect(page.get_by_text(re.compile("comparou a geração .* Diferenças: 0"))).to_be_visible(
        timeout=_PATIENCE
    )
    await made.get_by_role("button", name="Pôr em uso").click()
    await expect(question).to_contain_text("Diferenças: 0.")
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


async def test_a_rebuild_is_paused_goes_on_and_is_given_up(window: SignedIn) -> None:
    olga = await window("olga", "/ops/projections")
    page = olga.page
    await page.get_by_role("button", name="Reconstruir").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Confirmar").click()
    await expect(dialog.get_by_role("alert").filter(has_text="Diga o motivo.")).to_be_visible()
    await confirm(page, "um ensaio")
    made = page.get_by_role("row", name=re.compile("Em construção"))
    paused = page.get_by_role("row", name=re.compile("Parada"))
    await made.get_by_role("button", name="Pausar").click(timeout=_PATIENCE)
    await confirm(page, "o banco está ocupado")
    await expect(paused).to_have_count(1)
    await olga.look("ops-projections-paused")
    await paused.get_by_role("button", name="Continuar").click()
    await confirm(page, "o banco está livre")
    await expect(made).to_have_count(1)
    await made.get_by_role("button", name="Pausar").click()
    await confirm(page, "não vale a pena")
    await expect(paused.get_by_role("button", name="Remover")).to_have_count(0)
    await paused.get_by_role("button", name="Desistir").click()
    await confirm(page, "fica para outro dia")
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


async def test_an_operator_stops_all_sending_and_what_was_written_meanwhile_goes_out_afterwards(
    window: SignedIn, ticket: Ticket
) -> None:
    olga = await window("olga", "/ops/mails")
    page = olga.page
    await page.get_by_role("button", name="Parar todos os envios").click()
    await confirm(page, "servidor em manutenção")
    try:
        stopped = page.get_by_role("status").filter(has_text="Olga Kowalski parou os envios")
        await expect(stopped).to_contain_text("servidor em manutenção")
        await ticket.record(visible_to_requester=True, notify_by_email=True)
        await page.get_by_role("combobox", name="Situação").select_option(label="Por enviar")
        waiting = page.get_by_role("row", name=re.compile("ana@"))
        await expect(waiting.first).to_contain_text("por enviar", timeout=_PATIENCE)
        await olga.look("ops-mails-stopped")
    finally:
        await page.get_by_role("button", name="Retomar os envios").click()
        await confirm(page, "voltou")
    await page.get_by_role("combobox", name="Situação").select_option(label="Aceitos pelo servidor")
    await page.get_by_role("searchbox", name="Chamado").fill(ticket.id)
    await page.get_by_role("button", name="Procurar").click()
    accepted = page.get_by_role("row", name=re.compile("ana@"))
    await expect(accepted.first).to_contain_text("aceito pelo servidor", timeout=_PATIENCE)
    await accepted.first.get_by_role("button", name="Ver").click()
    await expect(page.get_by_role("dialog")).to_contain_text("Troquei o cabo de rede.")
    await olga.look("ops-mail")


async def test_an_operator_verifies_everything_and_publishes_a_ticket_again(
    window: SignedIn, ticket: Ticket
) -> None:
    await ticket.record(description_html="<p>A rede voltou.</p>")
    olga = await window("olga", "/ops/events")
    page = olga.page
    await page.get_by_role("button", name="Verificar tudo").click()
    await confirm(page, "rotina")
    await expect(page.get_by_text("Tudo certo")).to_have_count(3, timeout=60_000)
    await page.get_by_role("textbox", name="Chamado").fill(ticket.id)
    await page.get_by_role("button", name="Publicar de novo").click()
    await page.get_by_role("button", name="Simular").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Registros para relato.notes: 1. E-mails: 0.")
    await expect(dialog).to_contain_text("relato.notifier")
    await olga.look("ops-events-question")
    await confirm(page, "um leitor novo", "e-mails")
    await expect(page.get_by_text("Olga Kowalski: 1 de 1 publicados.")).to_be_visible(timeout=_PATIENCE)
    await olga.look("ops-events")


async def test_an_operator_looks_at_what_a_requester_could_see(window: SignedIn, ticket: Ticket) -> None:
    await ticket.record(description_html="<p>Rede no ar.</p>", visible_to_requester=True)
    internal = await ticket.record(description_html="<p>Senha trocada.</p>")
    await ticket.stack.get("carlos", f"/tickets/{ticket.id}/history", min_version=internal["version"])
    olga = await window("olga", f"/ops/history?ticket={ticket.id}")
    await expect(olga.page.get_by_role("article").filter(has_text="Senha trocada.")).to_be_visible()
    await olga.look("ops-history")
    await olga.page.get_by_role("combobox", name="Visto por").select_option(label="Solicitante")
    await olga.page.get_by_role("button", name="Mostrar", exact=True).click()
    await expect(olga.page.get_by_role("article")).to_have_count(1)
    await expect(olga.page.get_by_role("article")).to_contain_text("Rede no ar.")


async def test_whoever_is_no_operator_is_refused(window: SignedIn) -> None:
    davi = await window("davi", "/")
    davi.expected.append("403")
    await expect(davi.page.get_by_role("link", name="Operação")).to_have_count(0)
    answer = await davi.page.goto("/ops")
    assert answer is not None
    assert answer.status == 403
