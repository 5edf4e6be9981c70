"""What executors do to entries that are there: correcting, solving, retracting, showing and hiding."""

import asyncio
import re
from datetime import datetime
from zoneinfo import ZoneInfo

from playwright.async_api import Locator, Page, Route, expect

from tests.browser.conftest import SignedIn, on_both_screens
from tests.browser.network import network
from tests.browser.people import HUGE
from tests.support.journey import Ticket

pytestmark = on_both_screens


async def choose(entry: Locator, name: str) -> Locator:
    """The dialog that an entry's menu leads to."""
    await entry.get_by_role("button", name=re.compile("^Opções da nota")).click()
    await entry.page.get_by_role("menuitem", name=name).click()
    dialog = entry.page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    return dialog


async def paste(text: Locator, what: str) -> None:
    """Paste into an editor, which takes that for itself: no input is told of."""
    await text.evaluate(
        """(element, what) => {
            const clipboardData = new DataTransfer();
            clipboardData.setData("text/plain", what);
            const told = {clipboardData, bubbles: true, cancelable: true};
            element.dispatchEvent(new ClipboardEvent("paste", told));
        }""",
        what,
    )


async def offered(page: Page, entry: Locator) -> list[str]:
    """What an entry's menu offers."""
    await entry.get_by_role("button", name=re.compile("^Opções da nota")).click()
    names = await page.get_by_role("menuitem").all_inner_texts()
    await page.keyboard.press("Escape")
    return [name.strip() for name in names]


async def test_two_who_correct_the_same_note_lose_nothing(window: SignedIn, ticket: Ticket) -> None:
    note = await ticket.record(description_html="<p>Troquei o cabo.</p>", time_spent_minutes=30)
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    page = carlos.page
    entry = page.get_by_role("article")
    assert await offered(page, entry) == ["Corrigir", "Solucionar", "Mostrar ao solicitante", "Retratar"]

    dialog = await choose(entry, "Corrigir")
    text = dialog.get_by_role("textbox", name="O que aconteceu")
    await expect(text).to_be_focused()
    await expect(text).to_have_text("Troquei o cabo.")
    await expect(dialog.get_by_label("Tempo gasto")).to_have_value("30")
    await text.fill("Troquei a placa.")
    await page.keyboard.press("Control+Enter")
    await expect(dialog.get_by_label("Motivo")).to_have_accessible_description(re.compile("Escreva o motivo"))
    # Meanwhile somebody else corrects it: what was typed stays, and is saved over what one then has seen.
    other = f"/occurrences/{note['occurrence_id']}/corrections"
    await ticket.done("marina", other, {"description_html": "<p>Troquei o conector.</p>", "reason": "Nome"})
    await expect(entry).to_contain_text("Troquei o conector.")
    await dialog.get_by_label("Motivo").fill("Era a placa")
    carlos.expected.append("status of 412")
    await page.keyboard.press("Control+Enter")
    await expect(dialog.get_by_role("alert")).to_contain_text("Outra pessoa mudou esta nota")
    await expect(dialog.locator("[data-about]")).to_contain_text("Troquei o conector.")
    await expect(text).to_have_text("Troquei a placa.")
    await carlos.look("correct-conflict")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(entry).to_contain_text("Corrigida; ver as 2 versões anteriores")
    await expect(entry).to_be_focused()


async def test_a_note_is_solved_shown_and_retracted_each_with_its_reason(
    window: SignedIn, ticket: Ticket
) -> None:
    await ticket.record(description_html="<p>Troquei a placa.</p>", time_spent_minutes=30)
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    ana = await window("ana", f"/portal/requests/{ticket.id}")
    page = carlos.page
    entry = page.get_by_role("article")
    dialog = await choose(entry, "Solucionar")
    await dialog.get_by_role("textbox", name="Solução").fill("Placa nova, de garantia.")
    await dialog.get_by_label("Tempo gasto a mais").fill("1h")
    await dialog.get_by_label("Motivo").fill("Pronto")
    await carlos.look("solve")
    await dialog.get_by_role("button", name="Salvar solução").click()
    await expect(entry).to_contain_text("Placa nova, de garantia.")
    await expect(page.locator(".facts")).to_contain_text("1 h 30 min")

    dialog = await choose(entry, "Mostrar ao solicitante")
    await expect(dialog).to_contain_text("Ana Beatriz")
    await expect(dialog).to_contain_text("passa a ver esta nota no portal")
    await expect(dialog.locator("[data-about]")).to_contain_text("Troquei a placa.")
    await dialog.get_by_label("Motivo").fill("Ela pediu")
    await carlos.look("show")
    await dialog.get_by_label("Enviar ao e-mail").check()
    await dialog.get_by_role("button", name=re.compile("^Mostrar e enviar para ana")).click()
    await expect(entry).to_contain_text("Visível ao solicitante", timeout=20_000)
    await expect(ana.page.get_by_role("article")).to_contain_text("Troquei a placa.", timeout=20_000)
    assert await offered(page, entry) == ["Corrigir", "Solucionar", "Ocultar do solicitante", "Retratar"]

    dialog = await choose(entry, "Retratar")
    await dialog.get_by_label("Motivo").fill("Outro chamado")
    await carlos.look("retract")
    await dialog.get_by_role("button", name="Retratar").click()
    await expect(entry.locator("del")).to_contain_text("Troquei a placa.")
    await expect(entry).to_contain_text("Motivo: Outro chamado")
    await expect(entry.get_by_role("button", name="Opções")).to_have_count(0)
    await carlos.look("ticket-retracted")
    await expect(ana.page.get_by_role("article")).to_have_count(0)
    await expect(ana.page.get_by_role("status").filter(has_text="Uma nota foi retirada.")).to_have_count(1)
    await expect(ana.page.locator("main")).not_to_contain_text("placa")
    await ana.look("request-gone")


async def test_what_is_taken_from_requesters_leaves_their_open_page_also_while_the_network_is_away(
    window: SignedIn, ticket: Ticket
) -> None:
    notes = [
        await ticket.record(description_html=f"<p>{text}</p>", visible_to_requester=True)
        for text in ("Senha: 1234", "Troquei o cabo.")
    ]
    await ticket.mine(notes[1]["version"])
    hidden, kept = (f"/occurrences/{each['occurrence_id']}" for each in notes)
    async with network(ticket.stack.port) as between:
        ana = await window("ana", f"/portal/requests/{ticket.id}", proxy=between.proxy)
        ana.expected += ["net::ERR", "[object Event]", "htmx:sendError", "htmx:afterRequest"]
        entries = ana.page.get_by_role("article")
        await expect(entries).to_have_text([re.compile("Troquei o cabo."), re.compile("1234")])
        await ticket.done(
            "carlos", kept + "/corrections", {"description_html": "<p>Troquei a placa.</p>", "reason": "Nome"}
        )
        await expect(entries).to_have_text([re.compile("Troquei a placa."), re.compile("1234")])
        await between.go()
        await expect(ana.page.get_by_text("Reconectando…")).to_be_visible()
        visibility = {"visible_to_requester": False, "notify_by_email": False, "reason": "Interna"}
        await ticket.done("carlos", hidden + "/visibility", visibility)
        await between.come()
        await expect(entries).to_have_text([re.compile("Troquei a placa.")], timeout=15_000)
        await expect(ana.page.locator("main")).not_to_contain_text("1234")
        await ticket.done("carlos", hidden + "/visibility", visibility | {"visible_to_requester": True})
        await expect(entries).to_have_count(2)
        await expect(ana.page.locator(".entry-gone")).to_have_count(0)


async def test_a_page_that_was_read_before_a_note_was_taken_back_does_not_show_it(
    window: SignedIn, ticket: Ticket
) -> None:
    first = await ticket.record(description_html="<p>Senha: 1234</p>", visible_to_requester=True)
    for number in range(50):
        who = ("carlos", "marina")[number % 2]  # nobody may ask so often in one second
        last = await ticket.record(who, description_html=f"<p>Passo {number}</p>", visible_to_requester=True)
    await ticket.mine(last["version"])
    ana = await window("ana")
    page = ana.page
    read, handed_on = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        answer = await route.fetch()
        assert "1234" in await answer.text()
        read.set()
        await handed_on.wait()
        await route.fulfill(response=answer)

    await page.route("**/entries?cursor=*", late)
    await ana.sign_in("Ana Beatriz Moreira", f"/portal/requests/{ticket.id}")
    await page.get_by_role("link", name="Mostrar mais").scroll_into_view_if_needed()
    await read.wait()
    await ticket.done("carlos", f"/occurrences/{first['occurrence_id']}/retraction", {"reason": "Senha"})
    await ticket.record(description_html="<p>Depois</p>", visible_to_requester=True)
    await expect(page.get_by_role("article").first).to_contain_text(
        "Depois"
    )  # and so what was before it came
    handed_on.set()
    await expect(page.get_by_text("Uma nota foi retirada.")).to_have_count(1)
    await expect(page.locator("main")).not_to_contain_text("1234")
    await expect(page.get_by_role("article")).to_have_count(51)


async def test_a_ticket_that_closes_while_it_is_open_offers_only_what_it_still_takes(
    window: SignedIn, ticket: Ticket
) -> None:
    await ticket.record(visible_to_requester=True)
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    page = carlos.page
    await expect(page.get_by_role("button", name="Adicionar nota")).to_have_count(2)
    await ticket.save(status="closed")
    await expect(page.locator(".ticket-head")).to_contain_text("Fechado", timeout=20_000)
    await expect(page.get_by_role("button", name="Adicionar nota")).to_have_count(0)
    entry = page.get_by_role("article")
    assert await offered(page, entry) == ["Ocultar do solicitante", "Retratar"]
    dialog = await choose(entry, "Ocultar do solicitante")
    await carlos.context.clear_cookies()
    await dialog.get_by_label("Motivo").fill("Fechado por engano")
    carlos.expected.append("status of 401")
    await dialog.get_by_role("button", name="Ocultar do solicitante").click()
    await expect(dialog.get_by_role("link", name="entre de novo em outra aba")).to_be_visible()
    await carlos.look("signed-out")
    await expect(dialog.get_by_label("Motivo")).to_have_value("Fechado por engano")


async def test_a_request_that_is_closed_while_it_is_open_takes_nothing_more(
    window: SignedIn, ticket: Ticket
) -> None:
    ana = await window("ana", f"/portal/requests/{ticket.id}")
    page = ana.page
    await page.get_by_role("button", name="Chat", exact=True).click()
    await expect(page.get_by_role("textbox", name="Mensagem do chat")).to_be_visible()
    await ticket.save(status="closed")
    await expect(page.locator(".ticket-head")).to_contain_text("Fechado", timeout=20_000)
    await expect(page.get_by_role("textbox", name="Mensagem do chat")).to_have_count(0)
    await expect(page.get_by_text("a conversa pode ser lida e não continua")).to_be_visible()
    for name in ("Adicionar nota", "Mensagem ao atendente"):
        await expect(page.get_by_role("button", name=name)).to_have_count(0)


async def test_what_is_shown_late_stands_where_it_was_recorded(window: SignedIn, ticket: Ticket) -> None:
    await ticket.record(description_html="<p>Primeira</p>", visible_to_requester=True)
    note = await ticket.record(description_html="<p>Segunda</p>")
    last = await ticket.record(description_html="<p>Terceira</p>", visible_to_requester=True)
    await ticket.mine(last["version"])
    ana = await window("ana", f"/portal/requests/{ticket.id}")
    entries = ana.page.get_by_role("article")
    await expect(entries).to_have_count(2)
    shown = {"visible_to_requester": True, "notify_by_email": False, "reason": "Ela pediu"}
    await ticket.done("carlos", f"/occurrences/{note['occurrence_id']}/visibility", shown)
    await expect(entries).to_contain_text(["Terceira", "Segunda", "Primeira"])
    await expect(ana.page.get_by_role("status").filter(has_text="Segunda")).to_have_count(1)


async def test_each_note_keeps_what_was_begun_about_it(window: SignedIn, ticket: Ticket) -> None:
    for said in ("Cabo", "Placa"):
        note = await ticket.record(description_html=f"<p>{said}</p>")
    await ticket.history(note["version"])
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    page = carlos.page
    for entry, expected, more in (
        ("Cabo", "Cabo", ", novo"),
        ("Placa", "Placa", ""),
        ("Cabo", "Cabo, novo", ""),
    ):
        dialog = await choose(page.get_by_role("article").filter(has_text=entry), "Corrigir")
        text = dialog.get_by_role("textbox", name="O que aconteceu")
        await expect(text).to_have_text(expected)
        await page.keyboard.press("End")
        if more:
            await paste(text, more)
            await expect(text).to_have_text(expected + more)
        await page.keyboard.press("Escape")


async def test_who_closes_the_tab_over_a_correction_is_asked(window: SignedIn, ticket: Ticket) -> None:
    note = await ticket.record(description_html="<p>Cabo</p>")
    await ticket.history(note["version"])
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    page = carlos.page
    dialog = await choose(page.get_by_role("article"), "Corrigir")
    await paste(dialog.get_by_role("textbox", name="O que aconteceu"), ", novo")
    await page.keyboard.press("Escape")
    async with page.expect_event("dialog") as asked:
        await page.close(run_before_unload=True)
    question = await asked.value
    assert question.type == "beforeunload"
    await question.dismiss()
    dialog = await choose(page.get_by_role("article"), "Corrigir")
    await expect(dialog.get_by_role("textbox", name="O que aconteceu")).to_have_text("Cabo, novo")
    await dialog.get_by_label("Motivo").fill("Faltava")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_role("article")).to_contain_text("Cabo, novo")
    async with page.expect_event("close"):  # nothing is left to ask about
        await page.close(run_before_unload=True)


async def test_the_history_says_every_fact_also_as_it_once_stood(window: SignedIn, ticket: Ticket) -> None:
    note = await ticket.record(description_html="<p>Troquei o cabo.</p>")
    moment = (
        datetime.now(ZoneInfo("America/Sao_Paulo")).replace(tzinfo=None).isoformat(timespec="milliseconds")
    )
    path = f"/occurrences/{note['occurrence_id']}/corrections"
    await ticket.done("carlos", path, {"description_html": "<p>Troquei a placa.</p>", "reason": "Nome"})
    await ticket.save(responsible_id="marina", status="suspended")
    said = await ticket.done("carlos", "/chat", {"text": "Olá, Ana"})
    await ticket.chat(said["version"])
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    page = carlos.page
    await page.keyboard.press("h")
    await expect(page.get_by_role("tab", name="Ticket")).to_have_attribute("aria-selected", "true")
    panel = page.get_by_role("tabpanel")
    await expect(panel).to_contain_text("Motivo: Nome")
    await expect(panel).to_contain_text(re.compile("Carlos Eduardo Nunes → Marina"))
    await expect(panel).to_contain_text("Em andamento → Suspenso")
    await carlos.look("history", HUGE)
    await page.get_by_label("Tipo").select_option(label="Notas")
    await page.get_by_role("button", name="Mostrar", exact=True).click()
    await expect(panel.get_by_role("article")).to_have_count(1)
    await page.get_by_label("Autor").select_option(label="Carlos Eduardo Nunes")
    await page.get_by_role("button", name="Mostrar", exact=True).click()
    await expect(panel.get_by_role("article")).to_have_count(1)
    await page.goto(f"/desk/tickets/{ticket.id}/history?as_of={moment}")
    await expect(panel).to_contain_text("Troquei o cabo.")
    await expect(panel).not_to_contain_text("placa")
    await page.get_by_role("tab", name="Chat").click()
    await expect(panel).to_contain_text("Olá, Ana")
    await carlos.look("history-chat")


async def test_keys_are_explained_and_can_be_switched_off(window: SignedIn, ticket: Ticket) -> None:
    for _ in range(2):
        note = await ticket.record()
    await ticket.history(note["version"])
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    page = carlos.page
    for key, nth in (("j", 0), ("j", 1), ("k", 0)):
        await page.keyboard.press(key)
        await expect(page.get_by_role("article").nth(nth)).to_be_focused()
    await page.keyboard.press("?")
    await carlos.look("keys")
    await page.get_by_label("Usar teclas de uma letra").uncheck()
    await page.get_by_role("button", name="Fechar").click()
    await page.reload()
    await page.keyboard.press("j")
    await expect(page.get_by_role("article").first).not_to_be_focused()
