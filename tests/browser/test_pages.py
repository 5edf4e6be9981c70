"""What people do on the pages, in a real browser."""

import re

from playwright.async_api import expect

from tests.browser.conftest import SignedIn, on_both_screens
from tests.browser.people import HUGE
from tests.support.journey import Ticket, record_many

pytestmark = on_both_screens


async def test_after_signing_in_one_is_at_the_address_first_asked_for(
    window: SignedIn, ticket: Ticket
) -> None:
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    await expect(carlos.page).to_have_url(re.compile(f"/desk/tickets/{ticket.id}$"))
    await expect(carlos.page.get_by_role("heading", level=1)).to_have_text("Notebook não acessa a rede")


async def test_everyone_is_led_to_their_own_part_and_signs_out(window: SignedIn, ticket: Ticket) -> None:
    carlos, ana = await window("carlos", "/"), await window("ana", "/")
    await expect(carlos.page).to_have_url(re.compile("/desk$"))
    await expect(ana.page).to_have_url(re.compile("/portal$"))
    await expect(ana.page.get_by_role("link", name="Atendimento")).to_have_count(0)
    await ana.page.get_by_role("button", name="Sair").click()
    await expect(ana.page.get_by_role("link", name="Entrar")).to_be_visible()


async def test_an_executor_records_an_internal_note_by_keyboard_alone(
    window: SignedIn, ticket: Ticket
) -> None:
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    keyboard = carlos.page.keyboard
    await keyboard.press("n")
    await expect(carlos.page.get_by_role("textbox", name="O que aconteceu")).to_be_focused()
    await expect(carlos.page.get_by_role("button", name="Salvar nota interna")).to_be_visible()
    await keyboard.type("Troquei o cabo ")
    await keyboard.press("Control+b")
    await keyboard.type("de rede")
    await keyboard.press("Control+b")
    await keyboard.type(".")
    spent = carlos.page.get_by_label("Tempo gasto")
    for _ in range(10):  # past the parts of date and time
        await keyboard.press("Tab")
        if await spent.evaluate("field => field === document.activeElement"):
            break
    await keyboard.type("1h30")
    await keyboard.press("Control+Enter")
    note = carlos.page.get_by_role("article")
    await expect(note).to_contain_text("Troquei o cabo de rede.")
    await expect(note.locator("strong")).to_have_text("de rede")
    await expect(note).to_contain_text("Interna; só a equipe vê")
    await expect(note).to_contain_text("1 h 30 min")
    await expect(carlos.page.get_by_role("dialog")).to_have_count(0)


async def test_ana_sees_what_is_shown_to_her_without_reloading_and_never_what_is_internal(
    window: SignedIn, ticket: Ticket
) -> None:
    ana = await window("ana", f"/portal/requests/{ticket.id}")
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    await ticket.record(description_html="<p>Senha do roteador: 1234</p>")
    page = carlos.page
    await expect(page.get_by_role("article")).to_contain_text("Senha do roteador")
    await page.get_by_role("button", name="Adicionar nota").last.click()
    await page.get_by_role("textbox", name="O que aconteceu").fill("A rede voltou.")
    await page.get_by_label("Visível ao solicitante").check()
    await page.get_by_label("Enviar ao e-mail").check()
    await page.get_by_role("button", name=re.compile("^Salvar e enviar para ana")).click()
    seen = ana.page.get_by_role("article")
    await expect(seen).to_have_count(1, timeout=20_000)  # once it can no longer be undone
    await expect(seen).to_contain_text("A rede voltou.")
    await expect(ana.page.locator("[aria-live=polite]")).to_contain_text("A rede voltou.")
    await expect(ana.page.locator("body")).not_to_contain_text("roteador")
    shown = page.get_by_role("article").first
    await expect(shown).to_contain_text("A rede voltou.")
    await expect(shown).to_contain_text("aceito às", timeout=15_000)
    await carlos.look("ticket", HUGE)
    await ana.look("request", HUGE)


async def test_what_cannot_be_saved_is_said_beside_its_field(window: SignedIn, ticket: Ticket) -> None:
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    page = carlos.page
    await page.get_by_role("button", name="Adicionar nota").last.click()
    await page.get_by_label("Tempo gasto").fill("muito")
    await page.get_by_role("button", name="Salvar nota interna").click()
    await expect(page.get_by_role("textbox", name="O que aconteceu")).to_have_accessible_description(
        "Escreva o que aconteceu."
    )
    await expect(page.get_by_label("Tempo gasto")).to_have_accessible_description(
        re.compile("Escreva o tempo")
    )
    await carlos.look("composer")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_a_requester_adds_a_note_that_the_team_sees_as_theirs(window: SignedIn, ticket: Ticket) -> None:
    ana = await window("ana", f"/portal/requests/{ticket.id}")
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    await ana.page.get_by_role("button", name="Adicionar nota").click()
    await ana.page.get_by_role("textbox", name="O que aconteceu").fill("Ainda sem rede.")
    await ana.look("own-note")
    await ana.page.get_by_role("button", name="Enviar nota").click()
    await expect(ana.page.get_by_role("article")).to_contain_text("Escrita por você")
    await expect(carlos.page.get_by_role("article")).to_contain_text("Do solicitante")


async def test_lists_and_refusals_are_free_of_findings(window: SignedIn, ticket: Ticket) -> None:
    stranger = await window()
    await stranger.page.goto("/desk?q=vpn")
    await expect(stranger.page).to_have_url(re.compile(r"/login\?next="))
    await stranger.look("login")
    carlos = await window("carlos", "/desk")
    await carlos.look("desk", HUGE)
    await carlos.page.get_by_label("Procurar").fill("nada disto existe")
    await carlos.page.get_by_role("button", name="Procurar").click()
    await carlos.look("desk-empty")
    carlos.expected.append("status of 404")
    await carlos.page.goto("/desk/tickets/nothing")
    await carlos.look("not-found")
    ana = await window("ana", "/portal")
    await ana.look("portal", HUGE)
    ana.expected.append("status of 403")
    await ana.page.goto("/desk")
    await expect(ana.page.get_by_role("heading", level=1)).to_have_text("Esta página não é para você")


async def test_a_long_history_comes_as_one_scrolls(window: SignedIn, ticket: Ticket) -> None:
    await record_many(ticket, 55)
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    await expect(carlos.page.get_by_role("article")).to_have_count(50)
    await carlos.page.mouse.wheel(0, 100_000)
    await expect(carlos.page.get_by_role("article")).to_have_count(55)
    await expect(carlos.page.get_by_role("article").last).to_contain_text("Passo 0")
