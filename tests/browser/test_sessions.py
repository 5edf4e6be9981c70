"""What open pages do when the session behind them has ended, or is somebody else's."""

import re
from urllib.parse import urlsplit

from playwright.async_api import Request, expect
from portal_query.front_door import automatic

from tests.browser.conftest import SignedIn
from tests.browser.network import network
from tests.browser.test_changes import choose
from tests.browser.test_live import open_chat
from tests.support.journey import Ticket
from tests.support.waiting import until

ENDED = "Sua sessão terminou."


async def test_sessions_are_ended_everywhere_and_pages_that_are_open_elsewhere_say_so(
    window: SignedIn, ticket: Ticket
) -> None:
    here, there = await window("ana", "/portal"), await window("ana", f"/portal/requests/{ticket.id}")
    there.expected += ["status of 401", "[object Event]"]
    await expect(there.page.get_by_text("Ninguém do atendimento")).to_have_count(1)  # its stream is open
    await here.page.locator("summary").click()
    await here.look("account")
    await here.page.get_by_role("button", name="Encerrar minhas sessões").click()
    await expect(here.page.get_by_role("link", name="Entrar")).to_be_visible()
    await expect(there.page.get_by_role("alert").filter(has_text=ENDED)).to_be_visible(timeout=15_000)
    await expect(there.page.get_by_text("Reconectando…")).to_have_count(0)
    await there.look("session-ended")
    await there.page.get_by_role("link", name="Entre de novo").click()
    await expect(there.page.get_by_text("o que escrevia está guardado")).to_be_visible()


async def test_what_is_being_corrected_stays_when_the_session_has_ended(
    window: SignedIn, ticket: Ticket
) -> None:
    note = await ticket.record(description_html="<p>Troquei o cabo.</p>")
    await ticket.history(note["version"])
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    page = carlos.page
    dialog = await choose(page.get_by_role("article"), "Corrigir")
    text = dialog.get_by_role("textbox", name="O que aconteceu")
    await text.fill("Troquei a placa.")
    await carlos.context.clear_cookies()
    carlos.expected += ["status of 401", "Error Code 401"]
    await ticket.record("marina", description_html="<p>Outra.</p>")  # what comes asks for the ticket's head
    await expect(dialog.get_by_role("alert").filter(has_text=ENDED)).to_be_visible()
    await expect(text).to_have_text("Troquei a placa.")

    davi = await window("davi", "/admin/new/email-templates")
    name = davi.page.get_by_role("textbox", name="Nome", exact=True)
    await name.fill("Modelo novo")
    await davi.context.clear_cookies()
    davi.expected.append("status of 401")
    await davi.page.get_by_label("Assunto").first.fill("Olá")  # asks for a preview
    await expect(davi.page.get_by_role("alert").filter(has_text=ENDED)).to_be_visible()
    await expect(name).to_have_value("Modelo novo")


async def test_what_was_begun_elsewhere_on_the_page_stays_when_a_note_is_saved_after_the_session_ended(
    window: SignedIn, ticket: Ticket
) -> None:
    note = await ticket.record(description_html="<p>Troquei o cabo.</p>")
    await ticket.history(note["version"])
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    page = carlos.page
    entry = page.get_by_role("article")
    dialog = await choose(entry, "Corrigir")
    await dialog.get_by_role("textbox", name="O que aconteceu").fill("Troquei a placa.")
    await page.keyboard.press("Escape")
    await carlos.context.clear_cookies()
    carlos.expected += ["status of 401", "Error Code 401"]
    await page.keyboard.press("n")
    dialog = page.get_by_role("dialog", name="Nova nota")
    text = dialog.get_by_role("textbox", name="O que aconteceu")
    await expect(text).to_be_focused()
    await page.keyboard.type("Liguei para o fabricante")
    await page.keyboard.press("Control+Enter")
    await expect(dialog.get_by_role("alert").filter(has_text=ENDED)).to_be_visible()
    await expect(text).to_have_text("Liguei para o fabricante")
    await page.keyboard.press("Escape")
    dialog = await choose(entry, "Corrigir")
    await expect(dialog.get_by_role("textbox", name="O que aconteceu")).to_have_text("Troquei a placa.")


async def test_a_page_sends_nothing_in_the_name_of_whoever_logged_in_after_its_reader(
    window: SignedIn, ticket: Ticket
) -> None:
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    page, other = carlos.page, await carlos.context.new_page()
    carlos.expected += ["status of 401", "status of 409", "[object Event]"]
    await page.keyboard.press("n")
    await page.keyboard.type("Sou o Carlos")
    await other.goto("/desk")
    await other.get_by_role("button", name="Sair").click()
    carlos.page = other
    await carlos.sign_in("Marina Teixeira", "/desk")
    await page.keyboard.press("Control+Enter")
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("alert").filter(has_text="Outra pessoa entrou")).to_be_visible()
    async with page.expect_response("**/presence") as told:  # nor is she there, or writing
        await page.keyboard.type(" ainda")
    assert (await told.value).status == 409
    await expect(dialog.get_by_role("textbox", name="O que aconteceu")).to_have_text("Sou o Carlos ainda")
    await expect(page.get_by_text(re.compile("nada do que for feito nesta página é salvo"))).to_have_count(1)
    assert await ticket.history(0, kind="occurrence") == []


async def test_pages_that_nobody_touches_keep_no_session_from_being_idle(
    window: SignedIn, ticket: Ticket
) -> None:
    asked: list[tuple[str, str]] = []

    def note(request: Request) -> None:
        # Where a session begins and ends the front door asks nothing.
        if not urlsplit(request.url).path.startswith(("/session/", "/static/")):
            asked.append((request.method, request.url))

    async with network(ticket.stack.port) as between:
        ana = await window("ana", f"/portal/requests/{ticket.id}")
        carlos = await window("carlos", f"/desk/tickets/{ticket.id}", proxy=between.proxy)
        olga = await window("olga", "/ops/log")
        carlos.expected += ["net::ERR", "[object Event]", "htmx:sendError", "htmx:afterRequest"]
        await open_chat(carlos.page)
        await expect(carlos.page.get_by_text("Ana Beatriz Moreira está aqui.")).to_be_visible()
        for each in (ana, carlos, olga):
            each.page.on("request", note)
        await ticket.record(description_html="<p>A rede voltou.</p>", visible_to_requester=True)
        await ticket.done("ana", "/chat", {"text": "Voltou mesmo."})
        await expect(carlos.page.locator(".line-text")).to_have_text(["Voltou mesmo."])
        await expect(ana.page.get_by_role("article").filter(has_text="A rede voltou.")).to_have_count(1)
        reconnecting = carlos.page.get_by_text("Reconectando…")
        await between.go()
        await expect(reconnecting).to_be_visible()
        await between.come()
        await expect(reconnecting).to_have_count(0)

        async def missing() -> list[str]:
            endings = ("/stream", "/presence", "/head", "/views", "/chat/read", "/events/latest")
            paths = [urlsplit(url).path for _, url in asked]
            return [each for each in endings if not any(path.endswith(each) for path in paths)]

        async def everything() -> bool:
            return not await missing()

        await until(everything, what="all that pages ask by themselves")
    assert [each for each in asked if not automatic(*each)] == []


async def test_a_template_is_not_tried_in_the_name_of_whoever_logged_in_after_its_reader(
    window: SignedIn,
) -> None:
    davi = await window("davi", "/admin/new/email-templates")
    page, other = davi.page, await davi.context.new_page()
    davi.expected.append("status of 409")
    await other.goto("/admin")
    await other.get_by_role("button", name="Sair").click()
    davi.page = other
    await davi.sign_in("Carlos Eduardo Nunes", "/desk")
    async with page.expect_response("**/test-mails") as told:
        await page.get_by_role("button", name="Enviar teste para mim").click()
    assert (await told.value).status == 409
    await expect(page.get_by_role("alert").filter(has_text="Outra pessoa entrou")).to_be_visible()
    await expect(page.get_by_text("O teste não foi enviado.")).to_be_visible()
