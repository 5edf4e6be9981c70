"""What a page looks like in states that people rarely see, or do not look at for long."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from playwright.async_api import Route, expect
from portal_query.pages.reader import Reader
from portal_query.pages.render import Pages
from portal_query.static import Static

from tests.browser.conftest import SignedIn
from tests.browser.people import HUGE
from tests.support.journey import Ticket, switched


async def test_the_theme_is_the_systems_until_one_chooses(window: SignedIn, ticket: Ticket) -> None:
    carlos = await window("carlos", "/desk")
    page = carlos.page
    paper = "getComputedStyle(document.body).backgroundColor"
    light = await page.evaluate(paper)
    switch = page.get_by_role("button", name="Tema escuro")
    await page.emulate_media(color_scheme="dark")
    await expect(switch).to_have_attribute("aria-pressed", "true")
    assert await page.evaluate(paper) != light
    await switch.click()
    await expect(switch).to_have_attribute("aria-pressed", "false")
    assert await page.evaluate(paper) == light
    await page.reload()
    await expect(switch).to_have_attribute("aria-pressed", "false")
    assert await page.evaluate(paper) == light, "what one chose here outlives the page"


async def test_signing_in_and_what_is_refused(window: SignedIn, ticket: Ticket) -> None:
    stranger = await window()
    await stranger.page.goto("/login")
    await stranger.page.get_by_role("link", name="Entrar").click()
    await expect(stranger.page.get_by_role("button", name="Carlos Eduardo Nunes")).to_be_visible()
    await stranger.look("issuer")
    ana = await window("ana", "/portal")
    ana.expected += ["status of 403", "status of 503"]
    for path, name in (("/desk", "forbidden"), ("/ops", "forbidden-ops")):
        await ana.page.goto(path)
        await expect(ana.page.get_by_role("heading", level=1)).to_have_text("Esta página não é para você")
        await ana.look(name)

    # The service's own page, without making it fail for everybody else.
    reader = Reader("pt-BR", person_id="ana", name="Ana Beatriz Moreira")
    away = Pages(Static(), 10).fragment(reader, "error.html", here="/portal", status_code=503)

    async def unavailable(route: Route) -> None:
        await route.fulfill(status=503, content_type="text/html", body=away)

    await ana.page.route("**/portal", unavailable)
    await ana.page.goto("/portal")
    await expect(ana.page.get_by_role("heading", level=1)).to_have_text("Voltamos em instantes")
    await ana.look("unavailable")


async def test_a_history_is_searched_and_read_as_it_stood(window: SignedIn, ticket: Ticket) -> None:
    note = await ticket.record(description_html="<p>Troquei o cabo.</p>", solution_html="<p>Cabo novo.</p>")
    said = await ticket.done("carlos", "/messages", {"text_html": "<p>Pode reiniciar?</p>"})
    await ticket.history(said["version"])
    moment = datetime.now(ZoneInfo("America/Sao_Paulo")).replace(tzinfo=None)
    change = {
        "description_html": "<p>Troquei a placa.</p>",
        "solution_html": "<p>Placa nova.</p>",
        "time_spent_minutes": 95,
        "category_id": "cat-diagnostico",
        "reason": "Nome",
    }
    path = f"/occurrences/{note['occurrence_id']}"
    await ticket.done("carlos", path + "/corrections", change)
    shown = {"visible_to_requester": True, "notify_by_email": False, "reason": "Ela pediu"}
    done = await ticket.done("carlos", path + "/visibility", shown)
    await ticket.history(done["version"])
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}/history")
    page = carlos.page
    panel = page.get_by_role("tabpanel")
    correction = panel.get_by_role("article").filter(has_text="corrigiu uma nota")
    await expect(correction).to_contain_text("0 min → 1 h 35 min")
    await expect(correction.locator("del")).to_have_text(["Troquei o cabo.", "Cabo novo."])
    visible = panel.get_by_role("article").filter(has_text="mostrou uma nota ao solicitante")
    await visible.get_by_role("link", name=re.compile("^nota de Carlos")).click()
    await expect(page).to_have_url(re.compile(f"#entry-{note['occurrence_id']}$"))
    await carlos.look("history-changes", HUGE)

    await page.get_by_label("Como estava em").fill(moment.isoformat(timespec="milliseconds"))
    await page.get_by_role("button", name="Mostrar", exact=True).click()
    await expect(panel).to_contain_text("Troquei o cabo.")
    await expect(panel).not_to_contain_text("placa")
    await carlos.look("history-as-of")
    await page.get_by_label("Como estava em").fill("")
    await page.get_by_label("Texto").fill("REINICIAR")
    await page.get_by_role("button", name="Mostrar", exact=True).click()
    await expect(panel.get_by_role("article")).to_have_count(1)
    await expect(panel).to_contain_text("Pode reiniciar?")
    await page.get_by_label("Texto").fill("nada disto")
    await page.get_by_role("button", name="Mostrar", exact=True).click()
    await expect(panel).to_contain_text("Nada foi encontrado.")
    await carlos.look("history-empty")


async def test_earlier_versions_and_what_a_correction_keeps(window: SignedIn, ticket: Ticket) -> None:
    rich = "<h2>Rede</h2><p>O <u>cabo</u> caiu.</p>"
    note = await ticket.record(description_html=rich)
    change = {"description_html": rich.replace("caiu", "quebrou"), "reason": "Nome"}
    done = await ticket.done("carlos", f"/occurrences/{note['occurrence_id']}/corrections", change)
    await ticket.history(done["version"])
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    page = carlos.page
    await page.get_by_text("Corrigida; ver a versão anterior").click()
    await expect(page.locator(".earlier section")).to_contain_text("O cabo caiu.")
    await carlos.look("earlier-versions")
    await page.get_by_role("button", name=re.compile("^Opções da nota")).click()
    await page.get_by_role("menuitem", name="Corrigir").click()
    text = page.get_by_role("textbox", name="O que aconteceu")
    await text.press("End")
    await text.press_sequentially(" Troquei.")
    await page.get_by_label("Motivo").fill("Mais")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_role("article")).to_contain_text("Troquei.")
    now = page.get_by_role("article").locator("[data-text]")
    await expect(now.locator("h2")).to_have_text("Rede")
    await expect(now.locator("u")).to_have_text("cabo")


async def test_a_composer_that_shows_mails_and_links(window: SignedIn, ticket: Ticket) -> None:
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    page = carlos.page
    await page.keyboard.press("n")
    await page.keyboard.type("O manual")
    await page.keyboard.press("Control+a")
    await page.get_by_role("button", name="Link").first.click()
    await page.get_by_label("Endereço do link").fill("https://empresa.example/manual")
    await carlos.look("composer-link")
    await page.get_by_role("button", name="Aplicar").click()
    await page.get_by_label("Visível ao solicitante").check()
    await page.get_by_label("Enviar ao e-mail").check()
    await carlos.look("composer-mailed")


async def test_a_closed_tickets_chat_is_read_and_does_not_go_on(window: SignedIn, ticket: Ticket) -> None:
    said = await ticket.done("carlos", "/chat", {"text": "Até logo, Ana."})
    await ticket.chat(said["version"])
    await ticket.save(status="closed")
    await ticket.stack.level()
    for person_id, address, name in (
        ("carlos", "/desk/tickets/", "chat-closed"),
        ("ana", "/portal/requests/", "chat-closed-portal"),
    ):
        person = await window(person_id, address + ticket.id)
        await person.page.get_by_role("button", name="Chat", exact=True).click()
        chat = person.page.get_by_role("region", name="Chat")
        await expect(chat).to_contain_text("a conversa pode ser lida e não continua")
        await expect(chat.get_by_role("textbox")).to_have_count(0)
        await expect(chat.get_by_role("log")).to_be_focused()
        await person.look(name)


async def test_a_new_category_is_there_for_the_next_note_and_named_after_it_went(
    window: SignedIn, ticket: Ticket
) -> None:
    marina = await window("marina", f"/desk/tickets/{ticket.id}")
    await expect(marina.page.get_by_text("não está aqui agora")).to_have_count(1)  # her stream is open
    davi = await window("davi", "/admin/origins")
    page, category = davi.page, f"cat-{ticket.id}"
    await davi.look("admin-origins")
    await page.goto("/admin/new/tickets")
    await davi.look("admin-new-ticket")
    await page.goto("/admin/tickets")
    await davi.look("admin-tickets")
    await page.get_by_role("link", name="Categorias").click()
    await page.get_by_role("link", name="Nova categoria").click()
    await davi.look("admin-new-category")
    await page.get_by_label("Identificador").fill(category)
    await page.get_by_label("Nome", exact=True).fill(f"Vistoria {ticket.id}")
    davi.expected.append("status of 404")
    await page.get_by_role("button", name="Salvar").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Vistoria", timeout=20_000)
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    await carlos.page.keyboard.press("n")
    await carlos.page.keyboard.type("Vistoriei a sala.")
    await carlos.page.get_by_label("Categoria").select_option(label=f"Vistoria {ticket.id}")
    await carlos.page.keyboard.press("Control+Enter")
    entry = carlos.page.get_by_role("article")
    for each in (entry, marina.page.get_by_role("article")):
        await expect(each).to_contain_text(f"Vistoria {ticket.id}")

    await page.get_by_label("Em uso").uncheck()
    await page.get_by_role("button", name="Salvar").click()
    await expect(page.get_by_text("Salvo.", exact=True)).to_be_visible(timeout=20_000)
    await carlos.page.reload()
    await entry.get_by_role("button", name=re.compile("^Opções da nota")).click()
    await carlos.page.get_by_role("menuitem", name="Corrigir").click()
    chosen = carlos.page.get_by_label("Categoria")
    assert await chosen.evaluate("each => each.selectedOptions[0].textContent") == f"Vistoria {ticket.id}"
    await carlos.page.keyboard.press("Escape")
    await carlos.page.keyboard.press("n")
    await expect(carlos.page.get_by_label("Categoria")).not_to_contain_text(f"Vistoria {ticket.id}")


async def test_the_history_has_a_tab_for_chat_only_while_chat_is_on(window: SignedIn, ticket: Ticket) -> None:
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}/history")
    page = carlos.page
    await expect(page.get_by_role("tab")).to_have_text(["Ticket", "Chat"])
    async with switched(ticket.stack, 316, "N", "S"):
        await page.reload()
        await expect(page.get_by_role("tab")).to_have_text(["Ticket"])
