"""Reading works without scripts, and where one would write it is said that this needs them."""

import asyncio
import re
import sys
from pathlib import Path

from playwright.async_api import expect
from relato.demo.content import organisation

from tests.browser.conftest import SignedIn
from tests.support.journey import Ticket, record_many
from tests.support.samples import CONTRACTS

NEEDS = "Para escrever, ligue os scripts do navegador."


async def test_executors_search_and_read(window: SignedIn, ticket: Ticket) -> None:
    await record_many(ticket, 55)
    carlos = await window("carlos", "/desk", java_script_enabled=False)
    page = carlos.page
    await page.get_by_label("Procurar").fill(ticket.id)
    await page.get_by_role("button", name="Procurar").click()
    await page.get_by_role("link", name=re.compile(ticket.id)).click()
    await expect(page.get_by_role("article")).to_have_count(50)
    await expect(page.get_by_text(NEEDS)).to_be_visible()
    await expect(page.get_by_role("button", name="Adicionar nota")).to_have_count(0)
    await page.get_by_role("link", name="Mostrar mais").click()
    await expect(page.get_by_role("article")).to_have_count(5)


async def test_executors_read_history_and_chat(window: SignedIn, ticket: Ticket) -> None:
    await ticket.record(description_html="<p>Troquei o cabo.</p>")
    said = await ticket.done("ana", "/chat", {"text": "Ainda sem rede"})
    await ticket.chat(said["version"])
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}", java_script_enabled=False)
    page = carlos.page
    await expect(page.get_by_role("region", name="Chat")).to_contain_text("Ainda sem rede")
    await page.get_by_role("link", name="Histórico").click()
    await page.get_by_label("Texto").fill("cabo")
    await page.get_by_role("button", name="Mostrar", exact=True).click()
    await expect(page.get_by_role("article")).to_have_count(1)
    await expect(page.get_by_role("article")).to_contain_text("Troquei o cabo.")
    await page.get_by_role("tab", name="Chat").click()
    await expect(page.get_by_role("article")).to_contain_text("Ainda sem rede")


async def test_requesters_read_all_that_is_theirs(window: SignedIn, ticket: Ticket) -> None:
    await ticket.record(description_html="<p>A rede voltou.</p>", visible_to_requester=True)
    said = await ticket.done("carlos", "/chat", {"text": "Bom dia, Ana"})
    await ticket.my_chat(said["version"])
    ana = await window("ana", "/portal", java_script_enabled=False)
    page = ana.page
    await page.get_by_role("link", name=re.compile(ticket.id)).click()
    await expect(page.get_by_role("article").filter(has_text="A rede voltou.")).to_be_visible()
    await expect(page.get_by_role("region", name="Chat")).to_contain_text("Bom dia, Ana")
    await expect(page.get_by_text(NEEDS)).to_be_visible()
    await expect(page.get_by_role("button", name=re.compile("nota|Mensagem|Enviar"))).to_have_count(0)


async def test_requesters_take_home_what_they_see_with_its_proof(
    window: SignedIn, ticket: Ticket, tmp_path: Path
) -> None:
    await ticket.record(description_html="<p>Só entre nós.</p>")
    await ticket.record(description_html="<p>A rede voltou.</p>", visible_to_requester=True)
    ana = await window("ana", f"/portal/requests/{ticket.id}", java_script_enabled=False)
    async with ana.page.expect_download() as begun:
        await ana.page.get_by_role("link", name="Baixar o histórico com prova").click()
    file = tmp_path / "proof.json"
    await (await begun.value).save_as(file)
    assert "A rede voltou." in file.read_text()
    assert "Só entre nós." not in file.read_text()
    checked = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", str(CONTRACTS / "verify_export.py"), str(file)),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await checked.communicate()
    assert said.decode().startswith(f"verified: ticket {ticket.id}, events 1 to 2, 1 of them hidden")


async def test_administrators_read_how_it_is_set_up(window: SignedIn, ticket: Ticket) -> None:
    davi = await window("davi", "/admin", java_script_enabled=False)
    page = davi.page
    await expect(page.get_by_role("row", name=re.compile("^298"))).to_contain_text("Ligado")
    await expect(page.get_by_text("Para mudar alguma coisa, ligue os scripts")).to_be_visible()
    for part in ("Modelos de e-mail", "Categorias", "Grupos", "Pessoas", "Chamados"):
        await page.get_by_role("link", name=part).click()
        await page.locator("tbody a").first.click()
        await expect(page.get_by_text("Para mudar alguma coisa, ligue os scripts")).to_be_visible()
        await expect(page.get_by_role("button", name="Salvar")).to_have_count(0)


async def test_pages_without_scripts_are_free_of_findings(window: SignedIn, ticket: Ticket) -> None:
    said = await ticket.done("carlos", "/chat", {"text": "Bom dia, Ana"})
    await ticket.record(description_html="<p>Troquei o cabo.</p>", visible_to_requester=True)
    await ticket.my_chat(said["version"])
    for person_id, address, name in (
        ("carlos", f"/desk/tickets/{ticket.id}", "ticket"),
        ("ana", f"/portal/requests/{ticket.id}", "request"),
        ("davi", "/admin", "admin"),
    ):
        person = await window(person_id)
        # They do not arrive, rather than being off: axe is a script as well.
        await person.context.route("**/*.js", lambda route: route.abort())
        person.expected.append("net::ERR_FAILED")
        await person.sign_in(organisation().people[person_id].name, address)
        await person.look(f"{name}-no-scripts")
