"""What people write is kept while they write, can be undone once sent, and goes where its button says."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from playwright.async_api import Page, Route, expect

from tests.browser.conftest import SignedIn, on_both_screens
from tests.support.journey import Ticket

pytestmark = on_both_screens

SAVED = re.compile(r"Rascunho salvo às \d\d:\d\d")


async def write(page: Page, text: str) -> None:
    """Begin a note."""
    await page.keyboard.press("n")
    await expect(page.get_by_role("textbox", name="O que aconteceu")).to_be_focused()
    await page.keyboard.type(text)


async def mail_it(page: Page) -> None:
    """Send the note that is being written, to the requester and by mail."""
    await page.get_by_label("Visível ao solicitante").check()
    await page.get_by_label("Enviar ao e-mail").check()
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_role("dialog")).to_have_count(0)


def refusing(status: int) -> Callable[[Route], Awaitable[None]]:
    """The front door's answer while what lies behind it is not reached."""

    async def refuse(route: Route) -> None:
        await route.fulfill(status=status, content_type="application/problem+json", body="{}")

    return refuse


async def test_a_draft_outlives_the_browser_and_a_session_that_ended(
    window: SignedIn, ticket: Ticket
) -> None:
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    await write(carlos.page, "Liguei para o fabricante")
    await carlos.page.get_by_label("Tempo gasto").fill("1h30")
    await expect(carlos.page.get_by_text(SAVED)).to_be_visible()
    await carlos.context.close()

    other = await window("carlos", f"/desk/tickets/{ticket.id}")
    page = other.page
    await page.wait_for_load_state("networkidle")
    await write(page, ", que respondeu")
    text = page.get_by_role("textbox", name="O que aconteceu")
    await expect(text).to_have_text("Liguei para o fabricante, que respondeu")
    await expect(page.get_by_label("Tempo gasto")).to_have_value("1h30")
    await expect(page.get_by_text(SAVED)).to_be_visible()
    await other.look("draft")
    await other.context.clear_cookies()
    other.expected.append("status of 401")
    await page.get_by_role("textbox", name="O que aconteceu").press_sequentially(" hoje")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text("o que escrevia está guardado")).to_be_visible()
    await other.look("login-interrupts")
    await page.get_by_role("link", name="Entrar").click()
    await page.get_by_role("button", name="Carlos Eduardo Nunes").click()
    await expect(page).to_have_url(re.compile(f"/desk/tickets/{ticket.id}$"))
    await expect(text).to_have_text("Liguei para o fabricante, que respondeu hoje")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_role("article")).to_contain_text("que respondeu hoje")
    await page.reload()
    await page.wait_for_load_state("networkidle")
    await page.keyboard.press("n")
    await expect(text).to_have_text("")


async def test_when_a_draft_was_saved_is_said_as_its_reader_writes_it(
    window: SignedIn, ticket: Ticket
) -> None:
    await ticket.save(requester_id="emily")  # who reads English
    await ticket.stack.level()
    emily = await window("emily", f"/portal/requests/{ticket.id}")
    page = emily.page
    said = page.locator("#note [data-draft-state]")
    await page.keyboard.press("n")
    await expect(page.locator("#note [role=textbox]")).to_be_focused()
    await page.keyboard.type("The cable")
    await expect(said).to_have_text(re.compile(r"^Draft saved at \d{1,2}:\d\d\s[AP]M$"))
    await page.clock.install(time=datetime.now(UTC) + timedelta(days=1))
    await page.reload()
    await page.keyboard.press("n")
    await expect(said).to_have_text(
        re.compile(r"^Draft of \d{1,2}/\d{1,2}/\d\d, \d{1,2}:\d\d\s[AP]M recovered$")
    )


async def test_a_draft_in_two_tabs_is_sent_once_and_neither_tab_loses_what_is_newer(
    window: SignedIn, ticket: Ticket
) -> None:
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    one, two = carlos.page, await carlos.context.new_page()
    carlos.expected += ["status of 412", "status of 422"]
    for page in (one, two):
        await page.goto(f"/desk/tickets/{ticket.id}")
        await page.wait_for_load_state("networkidle")

    async def text(page: Page, expected: str) -> None:
        await expect(page.get_by_role("textbox", name="O que aconteceu")).to_have_text(expected)

    async def looked_at(page: Page) -> None:
        await page.evaluate("dispatchEvent(new Event('focus'))")

    await write(one, "Cabo")
    await expect(one.get_by_text(SAVED)).to_be_visible()
    await write(two, "")
    await text(two, "Cabo")  # opening the composer takes over what another tab wrote
    await two.keyboard.type(" trocado")
    await expect(two.get_by_text(SAVED)).to_be_visible()
    await looked_at(one)
    await text(one, "Cabo trocado")

    # Both write without looking at the other: nothing is replaced, and both texts can be joined.
    await one.keyboard.type(" hoje")
    await expect(one.get_by_text(SAVED)).to_be_visible()
    await two.keyboard.type(" ontem")
    await expect(two.get_by_text("Este rascunho mudou em outra aba")).to_be_visible()
    carlos.page = two
    await carlos.look("draft-elsewhere")
    await two.get_by_role("button", name="Juntar os dois textos").click()
    await text(two, "Cabo trocado hojeCabo trocado ontem")
    await expect(two.get_by_text(SAVED)).to_be_visible()

    async def send(page: Page) -> None:
        await page.keyboard.press("Control+Enter")
        await expect(page.get_by_role("dialog")).to_have_count(0)

    # One sends what it has; the other may not send what stands on it without being told.
    await send(one)
    await expect(one.get_by_role("article")).to_contain_text("Cabo trocado hoje")
    await two.keyboard.press("Control+Enter")
    await expect(two.get_by_text("Isto já foi salvo")).to_be_visible()
    await text(two, "Cabo trocado hojeCabo trocado ontem")
    await expect(two.get_by_role("article")).to_have_count(1)
    await send(two)  # on purpose
    await expect(two.get_by_role("article")).to_have_count(2)

    # What was not changed since it was sent elsewhere is not there to be sent again.
    await write(one, "Pronto")
    await expect(one.get_by_text(SAVED)).to_be_visible()
    await write(two, "")
    await text(two, "Pronto")
    await send(one)
    await expect(one.get_by_role("article")).to_have_count(3)
    await two.keyboard.press("Control+Enter")
    await expect(two.get_by_text("foi enviado ou apagado em outra aba")).to_be_visible()
    await text(two, "")
    await expect(two.get_by_role("article")).to_have_count(3)


async def test_what_was_sent_can_be_undone_and_its_text_is_back(window: SignedIn, ticket: Ticket) -> None:
    ana = await window("ana", f"/portal/requests/{ticket.id}")
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    page = carlos.page
    for again in (False, True):
        if not again:
            await write(page, "Senha nova: 1234")
        await page.get_by_label("Visível ao solicitante").check()
        await page.get_by_label("Enviar ao e-mail").check()
        await page.get_by_role("button", name=re.compile("^Salvar e enviar para ana")).click()
        await expect(page.get_by_text(re.compile(r"^Vai para ana.* em (10|[1-9]) s$"))).to_be_visible()
        await expect(page.get_by_text("Ainda pode ser desfeita")).to_be_visible()
        if again:
            await page.reload()
            await expect(page.get_by_text(re.compile(r"^Vai para ana"))).to_be_visible()
            await page.get_by_role("button", name="Desfazer").click()
        else:
            await page.keyboard.press("z")
        await expect(page.get_by_role("textbox", name="O que aconteceu")).to_have_text("Senha nova: 1234")
        await expect(page.get_by_role("button", name=re.compile("^Salvar e enviar para ana"))).to_be_visible()
        await expect(page.get_by_text("Envio desfeito por Carlos")).to_have_count(2 if again else 1)
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Desfazer")).to_be_hidden()
    await expect(ana.page.get_by_role("article")).to_have_count(0)
    assert [
        each for each in ticket.mailbox.to("ana@empresa.example") if ticket.id in str(each["List-Id"])
    ] == []
    await write(page, "")
    await page.get_by_label("Visível ao solicitante").check()
    await page.get_by_label("Enviar ao e-mail").check()
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_role("button", name="Desfazer")).to_be_visible()
    await carlos.look("undo")


async def test_what_was_sent_is_undone_although_that_was_refused_at_first(
    window: SignedIn, ticket: Ticket
) -> None:
    ana = await window("ana", f"/portal/requests/{ticket.id}")
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    carlos.expected += ["status of 401", "status of 503"]
    page = carlos.page
    unavailable, ended = refusing(503), refusing(401)
    await page.route("**/undo", unavailable)
    await page.route("**/undo", ended)  # is asked first
    await write(page, "Senha nova: 1234")
    await mail_it(page)
    said = page.locator("[data-undo-lines] [data-undo-text]")
    await page.keyboard.press("z")  # once
    await expect(said).to_have_text("Sua sessão terminou; entre de novo para desfazer.")
    await expect(page.get_by_role("alert").filter(has_text="Entre de novo")).to_be_visible()
    await page.unroute("**/undo", ended)
    await expect(said).to_have_text(re.compile(r"^Ainda não foi desfeito; tentando de novo por \d+ s$"))
    await page.unroute("**/undo", unavailable)
    await expect(page.get_by_role("textbox", name="O que aconteceu")).to_have_text("Senha nova: 1234")
    await expect(page.get_by_text("Envio desfeito por Carlos")).to_have_count(1)
    await expect(said).to_have_count(0)
    await expect(ana.page.get_by_role("article")).to_have_count(0)


async def test_each_of_two_that_were_sent_can_be_undone(window: SignedIn, ticket: Ticket) -> None:
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    page = carlos.page
    for text in ("Um", "Dois"):
        await write(page, text)
        await mail_it(page)
    await expect(page.get_by_role("button", name="Desfazer")).to_have_count(2)
    await write(page, "Só para a equipe. ")
    await page.keyboard.press("Escape")
    await page.keyboard.press("z")  # the latest
    await expect(page.get_by_role("textbox", name="O que aconteceu")).to_have_text("DoisSó para a equipe. ")
    await expect(page.get_by_role("button", name="Salvar nota interna")).to_be_visible()
    await expect(page.get_by_role("button", name="Desfazer")).to_have_count(1)


async def test_what_was_sent_is_undone_from_what_is_written_next(window: SignedIn, ticket: Ticket) -> None:
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    page = carlos.page
    note = page.get_by_role("dialog", name="Nova nota")
    text = note.get_by_role("textbox", name="O que aconteceu")
    message = page.get_by_role("dialog", name="Mensagem ao solicitante").get_by_role("textbox")
    await write(page, "Um")
    await mail_it(page)
    await write(page, "Dois")
    await expect(note.get_by_role("button", name="Salvar nota interna")).to_be_in_viewport(ratio=1)
    await note.get_by_role("button", name="Desfazer").click()
    await expect(text).to_have_text("UmDois")
    await expect(text).to_be_focused()
    await mail_it(page)
    await page.keyboard.press("m")
    await expect(message).to_be_focused()
    await page.keyboard.type("Vou aí às 15h.")
    await page.get_by_role("dialog").get_by_role("button", name="Desfazer").click()
    await expect(text).to_have_text("UmDois")  # before the message, which is there again afterwards
    await page.keyboard.press("Escape")
    await expect(note).to_have_count(0)
    await expect(message).to_have_text("Vou aí às 15h.")
    await expect(message).to_be_focused()
    await expect(page.get_by_text("Envio desfeito por Carlos")).to_have_count(2)
    await page.keyboard.press("Escape")
    await write(page, "")
    await mail_it(page)
    await write(page, "Três")
    await carlos.look_as_it_is("undo-while-writing")


async def test_what_was_sent_can_be_undone_from_the_desk(window: SignedIn, ticket: Ticket) -> None:
    ana = await window("ana", f"/portal/requests/{ticket.id}")
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    page = carlos.page
    await write(page, "Senha nova: 1234")
    await mail_it(page)
    await page.goto(f"/desk?q={ticket.id}")
    said = page.locator("[data-undo-lines] [data-undo-text]")
    await expect(said).to_have_text(re.compile(rf"^{ticket.id}: Vai para ana.* em \d+ s$"))
    await page.get_by_role("button", name="Desfazer").click()
    await expect(said).to_have_text(f"{ticket.id}: Envio desfeito; o texto espera no editor do chamado.")
    await carlos.look("desk-undone")
    await page.get_by_role("link", name="Abrir o chamado").click()
    await expect(page.get_by_role("textbox", name="O que aconteceu")).to_have_text("Senha nova: 1234")
    await expect(page.get_by_text("Envio desfeito por Carlos")).to_have_count(1)
    await expect(said).to_have_count(0)
    await expect(ana.page.get_by_role("article")).to_have_count(0)


async def test_who_writes_is_told_that_the_network_is_away(window: SignedIn, ticket: Ticket) -> None:
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    carlos.expected += ["net::ERR", "[object Event]", "htmx:sendError", "htmx:afterRequest"]
    page = carlos.page
    await write(page, "Cabo")
    reconnecting = page.get_by_role("dialog").get_by_text("Reconectando…")
    await carlos.context.set_offline(True)
    try:
        await expect(reconnecting).to_be_in_viewport(ratio=1)
        await carlos.look_as_it_is("reconnecting-while-writing")
        await page.keyboard.press("Escape")
        await expect(page.get_by_text("Reconectando…")).to_be_visible()
        await expect(reconnecting).to_have_count(0)
    finally:
        await carlos.context.set_offline(False)
    await expect(page.get_by_text("Reconectando…")).to_have_count(0, timeout=15_000)


async def test_the_time_of_a_note_follows_the_clock_until_somebody_sets_it(
    window: SignedIn, ticket: Ticket
) -> None:
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    page = carlos.page
    await page.clock.install()
    await page.reload()
    await write(page, "Cabo")
    happened = page.get_by_label("Data e hora")
    opened = await happened.input_value()
    await page.clock.fast_forward("30:00")
    await expect(happened).not_to_have_value(opened)
    await happened.fill(opened)
    await page.keyboard.press("Tab")
    await page.clock.fast_forward("30:00")
    await expect(happened).to_have_value(opened)


async def test_a_key_typed_right_after_a_dialog_was_closed_is_a_key_of_the_page(
    window: SignedIn, ticket: Ticket
) -> None:
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    page = carlos.page
    await write(page, "Cabo")
    # In one task: nothing was drawn in between, and nothing told about what happened.
    assert await page.evaluate(
        """() => {
            const type = key => document.activeElement.dispatchEvent(
                new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
            type("Escape");
            const left = document.querySelectorAll("dialog").length;
            type("m");
            return [left, ...[...document.querySelectorAll("dialog[open]")].map(each => each.id)];
        }"""
    ) == [0, "message"]
    await expect(page.get_by_role("textbox", name="Mensagem")).to_be_focused()
    await page.keyboard.press("Escape")
    button = page.get_by_role("button", name="Mensagem ao solicitante")
    await button.click()
    await page.keyboard.press("Escape")
    await expect(button).to_be_focused()


async def test_a_message_says_where_it_goes_and_goes_there(window: SignedIn, ticket: Ticket) -> None:
    ana = await window("ana", f"/portal/requests/{ticket.id}")
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    page = carlos.page
    for mailed in (False, True):
        await page.keyboard.press("m")
        dialog = page.get_by_role("dialog", name="Mensagem ao solicitante")
        await expect(dialog.get_by_role("textbox", name="Mensagem")).to_be_focused()
        await page.keyboard.type("Pode reiniciar?" if mailed else "Vou aí às 15h.")
        if mailed:
            await dialog.get_by_label("Enviar ao e-mail").check()
            await expect(
                dialog.get_by_role("button", name=re.compile("^Enviar ao portal e para ana@"))
            ).to_be_visible()
            await carlos.look("message")
        else:
            await expect(dialog.get_by_role("button", name="Enviar mensagem ao portal")).to_be_visible()
        await page.keyboard.press("Control+Enter")
        await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(ana.page.get_by_role("article")).to_have_count(2)
    await expect(page.get_by_role("article").first).to_contain_text("Mensagem ao solicitante")
    await expect(page.get_by_role("article").first).to_contain_text("aceito às", timeout=15_000)
