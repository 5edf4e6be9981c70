"""The page of a ticket's whole history says what each fact changed, and which note it is about."""

import re

from relato_contracts import notes

from tests.integration.portal_query.conftest import Portal
from tests.integration.portal_query.test_pages import page
from tests.support.projection import (
    accepted,
    corrected,
    messaged,
    recorded,
    release,
    solved,
    visibility,
)
from tests.support.world import OPENED_AT

HISTORY = "/desk/tickets/1001/history"


def plain(html: str) -> str:
    """What stands on a page, without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


async def facts(portal: Portal, query: str = "") -> list[str]:
    """The entries as they read, newest first."""
    html = (await page(portal, "carlos", HISTORY + query)).text
    return [plain(each).strip() for each in re.findall(r"<article.*?</article>", html, re.DOTALL)]


async def test_a_correction_says_what_stood_in_each_field_and_what_stands_there_now(portal: Portal) -> None:
    note = recorded(time_spent_minutes=30)
    nothing = {"description_html": None, "description_text": None}
    await portal.history.tell(
        note,
        solved(note, solution_html="<p>Reinicie</p>"),
        corrected(note, solution_html="<p>Placa nova</p>", **nothing),
        corrected(note, time_spent_minutes=90, occurred_at="2026-11-01T12:00:00Z", **nothing),
    )
    time, solution, solving, now, *_ = await facts(portal)
    assert "Tempo gasto: 40 min → 1 h 30 min" in time
    assert re.search(r"Data e hora: 2 de nov\., \S+ → 1 de nov\., 09:00", time)
    assert "Solução Reinicie Placa nova" in solution, "the earlier one is still there to be read"
    assert "Tempo gasto: 30 min → 40 min" in solving
    assert "Reinicie" not in now


async def test_shown_and_hidden_differ_in_words_and_name_the_note(portal: Portal) -> None:
    note, held = recorded(), recorded()
    await portal.history.tell(
        note,
        visibility(note, True),
        visibility(note, False),
        held,
        visibility(held, False, release=release()),
        visibility(held, True, reason="shown", release_outcome="shown"),
    )
    shown_later, ordered, _, hidden, shown, *_ = await facts(portal)
    assert "mostrou uma nota ao solicitante" in shown_later
    assert "mandou mostrar uma nota ao solicitante" in ordered
    assert "ocultou uma nota do solicitante" in hidden
    assert "mostrou uma nota ao solicitante" in shown
    assert "Sobre: nota de Carlos, 2 de nov." in shown
    html = (await page(portal, "carlos", HISTORY)).text
    assert f'href="#entry-{note.occurrence_id}"' in html
    assert f'id="entry-{note.occurrence_id}"' in html
    alone = (await page(portal, "carlos", HISTORY + "?kind=action")).text
    assert f'href="/desk/tickets/1001#entry-{note.occurrence_id}"' in alone, "which is not on this page"


async def test_what_became_of_a_mail_names_what_it_was_about(portal: Portal) -> None:
    note, message = recorded(visible_to_requester=True), messaged()
    assert isinstance(message, notes.RequesterMessaged)
    await portal.history.tell(
        note,
        message,
        accepted(note.occurrence_id, OPENED_AT),
        accepted(message.message_id, OPENED_AT),
    )
    about_message, about_note = await facts(portal, "?kind=mail")
    assert "Sobre: mensagem de Carlos, 2 de nov." in about_message
    assert "Sobre: nota de Carlos, 2 de nov." in about_note
