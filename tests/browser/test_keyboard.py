"""What is done without a mouse."""

import re

from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import SignedIn, on_both_screens
from tests.support.journey import Ticket

pytestmark = on_both_screens


async def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until something has the focus."""
    for _ in range(60):
        if await target.evaluate("element => element === document.activeElement"):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {target}")


async def test_a_note_is_filed_solved_shown_and_mailed(window: SignedIn, ticket: Ticket) -> None:
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    page, keyboard = carlos.page, carlos.page.keyboard
    await keyboard.press("n")
    await expect(page.get_by_role("textbox", name="O que aconteceu")).to_be_focused()
    await expect(page.get_by_role("checkbox", name="Enviar ao e-mail")).to_be_in_viewport(ratio=1)
    await keyboard.type("Troquei o cabo.")
    category = page.get_by_label("Categoria")
    await tab_to(page, category)
    await keyboard.type("Diag")
    filed = await category.evaluate("each => each.selectedOptions[0].textContent")
    assert filed.startswith("Diag")
    await tab_to(page, page.get_by_label("Solução"))
    await keyboard.type("Cabo novo.")
    for switch in ("Visível ao solicitante", "Enviar ao e-mail"):
        await tab_to(page, page.get_by_role("checkbox", name=switch))
        await keyboard.press("Space")
    save = page.get_by_role("button", name=re.compile("^Salvar e enviar para ana"))
    await tab_to(page, save)
    assert await save.evaluate("each => each.scrollWidth <= each.clientWidth"), "all of its words are on it"
    await keyboard.press("Enter")
    note = page.get_by_role("article")
    for text in ("Troquei o cabo.", "Cabo novo.", filed, "Ainda pode ser desfeita"):
        await expect(note).to_contain_text(text)


async def test_an_entrys_menu_opens_chooses_and_gives_the_focus_back(
    window: SignedIn, ticket: Ticket
) -> None:
    note = await ticket.record(visible_to_requester=True)
    await ticket.history(note["version"])
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    page, keyboard = carlos.page, carlos.page.keyboard
    await keyboard.press("j")
    button = page.get_by_role("button", name=re.compile("^Opções da nota"))
    await tab_to(page, button)
    await keyboard.press("Enter")
    await expect(page.get_by_role("menuitem", name="Corrigir")).to_be_focused()
    await carlos.look_as_it_is("entry-menu")
    await keyboard.press("Escape")
    await expect(button).to_be_focused()
    await keyboard.press("Enter")
    await keyboard.press("End")
    await keyboard.press("ArrowUp")
    await expect(page.get_by_role("menuitem", name="Ocultar do solicitante")).to_be_focused()
    await keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Ocultar do solicitante")
    await expect(dialog.get_by_label("Motivo")).to_be_focused()
    await keyboard.type("Era interna")
    await carlos.look("hide")
    await keyboard.press("Control+Enter")
    await expect(page.get_by_role("article")).to_contain_text("Interna; só a equipe vê")
    await expect(page.get_by_role("article")).to_be_focused()


async def test_a_chat_is_opened_written_and_closed(window: SignedIn, ticket: Ticket) -> None:
    for person_id, address in (("carlos", "/desk/tickets/"), ("ana", "/portal/requests/")):
        person = await window(person_id, address + ticket.id)
        await person.page.keyboard.press("c")
        await expect(person.page.get_by_role("textbox", name="Mensagem do chat")).to_be_focused()
        await person.page.keyboard.type(f"Aqui {person_id}")
        await person.page.keyboard.press("Enter")
        await expect(person.page.locator(".line").last).to_contain_text(f"Aqui {person_id}")
        await person.page.keyboard.press("Escape")
        await expect(person.page.get_by_role("button", name="Chat", exact=True)).to_be_focused()


async def test_requesters_find_out_about_keys_and_switch_them_off(window: SignedIn, ticket: Ticket) -> None:
    ana = await window("ana", f"/portal/requests/{ticket.id}")
    page = ana.page
    await page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Teclas")
    await expect(dialog).to_contain_text("Mensagem ao atendente")
    await expect(dialog).not_to_contain_text("Desfazer")
    await ana.look("keys-portal")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Teclas").click()
    await dialog.get_by_label("Usar teclas de uma letra").uncheck()
    await dialog.get_by_role("button", name="Fechar").click()
    await page.keyboard.press("n")
    await page.keyboard.press("?")
    await expect(dialog).to_be_visible()
    await expect(page.get_by_role("dialog")).to_have_count(1)
    await dialog.get_by_label("Usar teclas de uma letra").check()
    await page.keyboard.press("Escape")
    await page.keyboard.press("n")
    await expect(page.get_by_role("textbox", name="O que aconteceu")).to_be_focused()
