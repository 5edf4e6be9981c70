"""An operator stops what takes long, watches the log, takes it out, and tries to bring it in."""

import json
import re
from pathlib import Path

from playwright.async_api import expect

from tests.browser.conftest import SignedIn
from tests.browser.test_operation import confirm
from tests.support.journey import Ticket

_PATIENCE = 40_000


async def test_what_takes_long_is_stopped(window: SignedIn) -> None:
    olga = await window("olga", "/ops/events")
    page = olga.page
    await page.get_by_role("spinbutton", name="Por segundo, no máximo").fill("1")
    await page.get_by_role("button", name="Publicar de novo").click()
    await confirm(page, "devagar", "e-mails")
    stop = page.get_by_role("button", name="Parar o que está em andamento")
    await expect(page.get_by_role("progressbar")).to_have_count(1)
    await olga.look("ops-events-running")
    await stop.click()
    await confirm(page, "basta")
    await expect(stop).to_have_count(0)
    await expect(page.get_by_role("progressbar")).to_have_count(0)
    await expect(page.get_by_text("Feito.", exact=True)).to_have_count(0)  # it stands before what is below


async def test_an_operator_watches_the_log_takes_it_out_and_fills_nothing_that_has_events(
    window: SignedIn, ticket: Ticket, tmp_path: Path
) -> None:
    olga = await window("olga", "/ops/log")
    olga.expected.append("409")  # nothing is imported
    page = olga.page
    ways = page.get_by_role("button", name="Ver")
    await expect(ways).to_have_count(20)  # so that what is below is near
    await page.get_by_role("button", name="Mostrar mais").click()
    await expect(ways).to_have_count(100)
    await expect(ways.nth(20)).to_be_focused()
    await page.get_by_role("searchbox", name="Chamado").fill(ticket.id)
    await page.get_by_role("searchbox", name="Chamado").blur()
    await expect(page.get_by_text("Nada foi encontrado.")).to_be_visible()
    await ticket.record(description_html="<p>A rede voltou.</p>")
    fact = page.get_by_role("row", name=re.compile("relato.OccurrenceRecorded.v1"))
    await expect(fact).to_contain_text("carlos", timeout=_PATIENCE)
    await olga.look("ops-log")
    await fact.get_by_role("button", name="Ver").click()
    await expect(page.get_by_role("dialog")).to_contain_text("A rede voltou.")
    await olga.look("ops-log-fact")
    await page.get_by_role("button", name="Fechar").click()

    await page.get_by_role("textbox", name="Chamado").fill(ticket.id)
    await page.get_by_role("textbox", name="Motivo").fill("para o auditor")
    async with page.expect_download() as downloading:
        await page.get_by_role("button", name="Exportar").click()
    whole = tmp_path / (await downloading.value).suggested_filename
    await (await downloading.value).save_as(whole)
    assert json.loads(whole.read_text("utf-8"))["subject"] == ticket.id
    await expect(page.get_by_text("Não vem o que foi feito dos e-mails")).to_be_visible()
    await page.get_by_label("Arquivo").set_input_files(whole)
    await page.get_by_role("button", name="Importar").click()
    refused = page.get_by_role("alert").filter(has_text="an import fills an empty one")
    await expect(refused).to_be_visible()
    await olga.look("ops-log-refused")
    await page.get_by_role("link", name="Quem fez o quê").click()
    await expect(page.get_by_role("row", name=re.compile("export")).first).to_contain_text("para o auditor")
