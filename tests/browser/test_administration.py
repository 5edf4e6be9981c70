"""What administrators do on their pages, and what others then see."""

import re

from playwright.async_api import Page, expect
from relato.demo.facts import address

from tests.browser.conftest import SignedIn
from tests.browser.people import HUGE
from tests.support.journey import GROUP, Ticket, parameter, switched

SAVED = "Salvo."


async def switch_off(page: Page, name: str, consequence: str) -> None:
    """Turn a switch off, having read what that takes away."""
    await page.get_by_role("switch", name=name, exact=True).click()
    await expect(page.get_by_role("dialog")).to_contain_text(consequence)
    await page.get_by_role("button", name="Confirmar").click()
    await saved(page)
    await expect(page.get_by_role("switch", name=name, exact=True)).not_to_be_checked()


async def saved(page: Page) -> None:
    """Wait until what was saved counts."""
    await expect(page.get_by_text(SAVED, exact=True)).to_be_visible(timeout=20_000)


async def test_what_an_administrator_switches_off_is_gone_for_the_requester_at_once(
    window: SignedIn, ticket: Ticket
) -> None:
    await ticket.record(description_html="<p>A rede voltou.</p>", visible_to_requester=True)
    ana = await window("ana", f"/portal/requests/{ticket.id}")
    await expect(ana.page.get_by_role("article")).to_contain_text("A rede voltou.")
    davi = await window("davi", "/admin")
    page = davi.page
    await davi.look("admin-parameters", HUGE)
    async with switched(ticket.stack, 298, "S", "S"), switched(ticket.stack, 316, "S", "S"):
        await page.reload()
        await page.get_by_role("switch", name="Ocorrências", exact=True).click()
        await davi.look("admin-question")
        await page.get_by_role("button", name="Cancelar").click()
        await expect(page.get_by_role("switch", name="Ocorrências", exact=True)).to_be_checked()
        await switch_off(page, "Ocorrências", "os solicitantes deixam de vê-las")
        await expect(page.get_by_role("row", name=re.compile("^298"))).to_contain_text("Davi Sampaio")
        await expect(ana.page.get_by_role("article")).to_have_count(0)  # she writes nothing: it loads anew
        await page.get_by_role("switch", name="Ocorrências", exact=True).click()
        await saved(page)
        await expect(ana.page.get_by_role("article")).to_have_count(1)
        await switch_off(page, "Chat", "conversar por chat")
        assert (await ticket.stack.get("davi", "/admin/parameters/316")).json()["value"] == "N"


async def test_without_a_template_the_executor_reads_that_no_mail_goes_out(
    window: SignedIn, ticket: Ticket
) -> None:
    davi = await window("davi", "/admin/parameters")
    page = davi.page
    async with (
        switched(ticket.stack, 251, parameter(251), parameter(251)),
        switched(ticket.stack, 253, parameter(253), parameter(253)),
    ):
        await page.reload()
        for name in ("Modelo de e-mail ao solicitante", "Modelo de e-mail ao responsável"):
            await page.get_by_role("combobox", name=name).select_option(label="Nenhum")
            await page.get_by_role("button", name=f"Salvar {name}").click()
            await page.get_by_role("button", name="Confirmar").click()
            await saved(page)
        carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
        await carlos.page.get_by_role("button", name="Adicionar nota").last.click()
        await expect(carlos.page.get_by_text("não há modelo configurado (parâmetro 251)")).to_be_visible()
        await carlos.look("composer-no-mail")


async def test_whoever_is_no_administrator_is_refused(window: SignedIn, ticket: Ticket) -> None:
    for person_id in ("carlos", "ana"):
        person = await window(person_id, "/")
        await expect(person.page.get_by_role("link", name="Administração")).to_have_count(0)
        person.expected.append("status of 403")
        await person.page.goto("/admin/parameters")
        await expect(person.page.get_by_text("Só administradores veem a administração.")).to_be_visible()


async def test_a_template_is_tried_before_it_is_saved(window: SignedIn, ticket: Ticket) -> None:
    davi = await window("davi", "/admin/email-templates")
    page = davi.page
    await davi.look("admin-templates")
    await page.get_by_role("link", name="Nota ao solicitante").click()
    variant = page.get_by_role("group", name="Português")
    subject = variant.get_by_role("textbox", name="Assunto")
    before = await subject.input_value()
    shown = page.frame_locator("iframe[title='Prévia: Português']")
    await expect(shown.get_by_text("Troquei o certificado").first).to_be_visible()
    await ticket.record(description_html="<p>Segredo da equipe.</p>")
    note = await ticket.record(description_html="<p>Refiz o cabeamento.</p>", visible_to_requester=True)
    await ticket.history(note["version"])
    await page.get_by_label("Ocorrências reais do chamado").fill(ticket.id)
    await page.get_by_role("button", name="Buscar").click()
    await expect(shown.get_by_text("Refiz o cabeamento.").first).to_be_visible()
    await expect(page.get_by_role("option", name=re.compile("Segredo"))).to_have_count(0)
    await davi.look("admin-template")
    davi.expected.append("status of 422")
    await subject.fill("Chamado {{ nada }}")
    await expect(subject).to_have_accessible_description("Linha 1: não existe a variável nada.")
    await page.get_by_role("button", name="Salvar").click()
    await expect(subject).to_be_focused()
    await davi.look("admin-template-error")
    await subject.fill("Novidade no chamado ")
    await page.get_by_role("button", name=re.compile("^ticket_id")).click()
    await expect(variant.get_by_text(f"Novidade no chamado {ticket.id}")).to_be_visible()
    await page.get_by_label("O que aconteceu", exact=True).select_option(label="Ocorrência")
    await expect(variant.get_by_text("Novidade no chamado 1001")).to_be_visible()
    await variant.get_by_role("button", name="Enviar teste para mim").click()
    await expect(variant.get_by_text("O servidor de e-mail aceitou o teste")).to_be_visible(timeout=20_000)
    [mail] = [each for each in ticket.mailbox.to(address("davi") or "") if "Novidade" in str(each["Subject"])]
    assert mail["Subject"] == "[Teste] Novidade no chamado 1001"
    for text in ("Novidade no chamado {{ ticket_id }}", before):  # and back, since others go on with it
        await subject.fill(text)
        await page.get_by_role("button", name="Salvar").click()
        await saved(page)
        known = (await ticket.stack.get("davi", "/admin/email-templates/nota-ao-solicitante")).json()
        assert known["variants"][0]["subject"] == text


async def test_a_template_begins_anew_and_learns_a_language(window: SignedIn, ticket: Ticket) -> None:
    davi = await window("davi", "/admin/new/email-templates")
    page, template = davi.page, f"modelo-{ticket.id}"
    await page.get_by_label("Identificador").fill(template)
    await page.get_by_label("Nome", exact=True).fill("Aviso de plantão")
    portuguese = page.get_by_role("group", name="Português", exact=True)
    await portuguese.get_by_role("textbox", name="Assunto").fill("Chamado {{ ticket_id }}")
    await portuguese.get_by_role("textbox", name="Texto").fill("{% if text %}")
    await page.get_by_role("button", name="Acrescentar idioma Inglês").click()
    english = page.get_by_role("group", name="Inglês", exact=True)
    await expect(english.get_by_role("textbox", name="Assunto")).to_have_value("Chamado {{ ticket_id }}")
    await english.get_by_role("textbox", name="Texto").fill("{{ text }}")
    davi.expected += ["status of 404", "status of 422"]
    await page.get_by_role("button", name="Salvar").click()
    text = portuguese.get_by_role("textbox", name="Texto")
    await expect(text).to_have_accessible_description(
        re.compile("^Linha 1: algo que foi aberto não é fechado")
    )
    await text.fill("{{ text }}")
    await davi.look("admin-template-new")
    await page.get_by_role("button", name="Salvar").click()
    await expect(page).to_have_url(re.compile(f"/admin/email-templates/{template}$"), timeout=20_000)
    await english.get_by_role("button", name="Remover idioma").click()
    await page.get_by_role("button", name="Salvar").click()
    await saved(page)
    known = (await ticket.stack.get("davi", f"/admin/email-templates/{template}")).json()
    assert (known["name"], known["languages"]) == ("Aviso de plantão", ["pt-BR"])


async def test_what_is_wrong_with_a_new_thing_is_said_beside_its_fields(
    window: SignedIn, ticket: Ticket
) -> None:
    davi = await window("davi", "/admin/people?q=carlos")
    page = davi.page
    await expect(page.get_by_role("link", name="Carlos Eduardo Nunes")).to_be_visible()
    await davi.look("admin-people")
    await page.get_by_role("link", name="Nova pessoa", exact=True).click()
    await page.get_by_label("Identificador").fill(f"nova pessoa {ticket.id}")
    await page.get_by_role("button", name="Salvar").click()
    await expect(page.get_by_label("Identificador")).to_have_accessible_description(re.compile("^De 1 a 64"))
    await page.get_by_label("Identificador").fill(f"pessoa-{ticket.id}")
    await page.get_by_label("Nome").fill("Nova Pessoa")
    await page.get_by_label("E-mail").fill("não é")
    davi.expected += ["status of 422", "status of 404"]
    await page.get_by_role("button", name="Salvar").click()
    await expect(page.get_by_label("E-mail")).to_have_accessible_description(
        re.compile("^Escreva um endereço")
    )
    await davi.look("admin-person-error")
    await page.get_by_label("E-mail").fill("nova@empresa.example")
    await page.get_by_role("button", name="Salvar").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Nova Pessoa", timeout=20_000)
    await page.get_by_label("Em uso").uncheck()
    await page.get_by_role("button", name="Salvar").click()
    await saved(page)
    await page.get_by_role("link", name="Categorias").click()
    await expect(page.get_by_role("link", name="Visita presencial")).to_be_visible()
    await davi.look("admin-categories")


async def test_members_and_permissions_of_a_group_count_as_soon_as_they_are_saved(
    window: SignedIn, ticket: Ticket
) -> None:
    davi = await window("davi", "/admin/groups")
    page = davi.page
    await davi.look("admin-groups")
    await page.get_by_role("link", name="Novo grupo").click()
    await page.get_by_label("Identificador").fill(f"grupo-{ticket.id}")
    await page.get_by_label("Nome", exact=True).fill("Plantão")
    await page.get_by_label("E-mails").fill("plantao@empresa.example\nnão é")
    person = page.get_by_label("Pessoa a incluir")
    davi.expected += ["status of 404", "status of 422"]
    await person.fill("ninguém")
    await page.get_by_role("button", name="Incluir pessoa").click()
    await expect(person).to_have_accessible_description(re.compile("^Escreva o identificador"))
    await person.fill("olga")
    await person.press("Enter")
    await page.get_by_label("Grupo a incluir").select_option(GROUP)
    await page.get_by_role("button", name="Incluir grupo").click()
    await page.get_by_role("button", name="Salvar").click()
    await expect(page.get_by_label("E-mails")).to_have_accessible_description(
        re.compile("Escreva um endereço por linha")
    )
    await davi.look("admin-group-error")
    await page.get_by_label("E-mails").fill("plantao@empresa.example")
    await page.get_by_role("button", name="Salvar").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Plantão", timeout=20_000)
    olga = await window("olga", f"/desk/tickets/{ticket.id}")
    await expect(olga.page.get_by_role("heading", level=1)).to_have_text("Notebook não acessa a rede")
    permission = page.get_by_role("group", name="Suporte de Campo e Impressão")
    await expect(permission.get_by_label("Comentar")).to_be_checked()
    await page.get_by_role("button", name="Remover Olga").click()
    await page.get_by_role("button", name="Salvar").click()
    await saved(page)
    olga.expected.append("status of 404")
    await olga.page.reload()
    await expect(olga.page.get_by_role("heading", level=1)).not_to_have_text("Notebook não acessa a rede")


async def test_a_ticket_that_is_handed_on_is_on_the_desk_with_its_new_title(
    window: SignedIn, ticket: Ticket
) -> None:
    davi = await window("davi", f"/admin/tickets?q={ticket.id}")
    page = davi.page
    await page.get_by_role("link", name="Notebook não acessa a rede").click()
    await page.get_by_label("Título").fill("")
    davi.expected.append("status of 422")
    await page.get_by_role("button", name="Salvar").click()
    await expect(page.get_by_label("Título")).to_have_accessible_description(
        "Escreva um título de uma linha."
    )
    await davi.look("admin-ticket-error")
    await page.get_by_label("Título").fill("Notebook trocado")
    await page.get_by_label("Responsável").fill("marina")
    await page.get_by_role("button", name="Salvar").click()
    await saved(page)
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    await expect(carlos.page.get_by_role("heading", level=1)).to_have_text("Notebook trocado")
