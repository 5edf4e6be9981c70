"""Pages as browsers ask for them: languages, refusals, headers, and nothing internal for requesters."""

import re

import httpx
import pytest
from portal_query.app import build
from portal_query.settings import PortalSettings
from relato_contracts import itsm
from relato_contracts.erasure import ERASED

from tests.integration.portal_query.conftest import Portal
from tests.support.issuer import Issuer
from tests.support.projection import chatted, corrected, messaged, recorded
from tests.support.reaching import reaching
from tests.support.serving import serving
from tests.support.waiting import until
from tests.support.world import parameter, person

HTML = {"Accept": "text/html"}


async def page(portal: Portal, person_id: str, path: str, **headers: str) -> httpx.Response:
    """A page as a signed-in browser gets it through the front door."""
    return await portal.http.get(path, headers=portal.issuer.bearer(person_id) | HTML | headers)


async def test_without_a_session_a_page_leads_to_the_login_and_back(portal: Portal) -> None:
    answer = await portal.http.get("/desk/tickets/1001?x=1", headers=HTML)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/desk/tickets/1001%3Fx%3D1")
    login = await portal.http.get(answer.headers["location"], headers=HTML)
    assert 'href="/login/start?next=/desk/tickets/1001%3Fx%3D1"' in login.text


async def test_each_is_led_to_their_own_part(portal: Portal) -> None:
    for person_id, address in (("carlos", "/desk"), ("ana", "/portal")):
        assert (await page(portal, person_id, "/")).headers["location"] == address


async def test_a_page_is_in_its_readers_language(portal: Portal) -> None:
    await portal.history.tell(person("ana", language="en", time_zone="Europe/London"))
    answer = await page(portal, "ana", "/portal", **{"Accept-Language": "es"})
    assert '<html lang="en" ' in answer.text
    assert "My requests" in answer.text
    assert '<html lang="es" ' in (await portal.http.get("/login", headers={"Accept-Language": "es"})).text


async def test_refusals_are_pages_for_people_and_problems_for_programs(portal: Portal) -> None:
    refused = await page(portal, "ana", "/desk")
    assert (refused.status_code, "Esta página não é para você" in refused.text) == (403, True)
    for person_id, path in (("ana", "/desk/tickets/1001"), ("carlos", "/portal/requests/1001")):
        missing = await page(portal, person_id, path)
        assert (missing.status_code, "não existe, ou não é sua" in missing.text) == (404, True)
    program = await portal.get("ana", "/tickets/1001", **HTML)
    assert program.headers["content-type"] == "application/problem+json"


async def test_an_open_page_says_that_its_ticket_is_no_longer_its_readers(portal: Portal) -> None:
    own = await page(portal, "carlos", "/desk/tickets/1001/head")
    assert "Ana" in own.text
    for ticket_id in ("1001", "nenhum"):
        lost = await page(portal, "ana", f"/desk/tickets/{ticket_id}/head")
        assert (lost.status_code, "não está mais entre os que você vê" in lost.text) == (200, True)
        assert "Ana" not in lost.text


async def test_a_history_goes_on_in_place_with_what_was_asked_for(portal: Portal) -> None:
    await portal.history.tell(*(recorded() for _ in range(60)))
    path = "/desk/tickets/1001/history?author=carlos&kind=occurrence"
    whole = (await page(portal, "carlos", path)).text
    assert re.search(r'<option value="carlos" selected>Carlos</option>', whole)
    assert "registrada <time" in whole, "it happened before it was recorded"
    (further,) = set(re.findall(r'hx-get="([^"]+)"', whole))
    address = further.replace("&amp;", "&")
    more = (await page(portal, "carlos", address, **{"HX-Request": "true"})).text
    assert (whole.count("<article"), more.count("<article"), "<html" in more) == (50, 10, False)
    assert "<html" in (await page(portal, "carlos", address)).text, "without scripts it is a page"


async def test_requesters_pages_hold_nothing_internal(portal: Portal) -> None:
    await portal.history.tell(
        recorded("1001", description_html="<p>Senha 1234</p>", description_text="Senha 1234"),
        recorded(
            "1001", description_html="<p>Voltou</p>", description_text="Voltou", visible_to_requester=True
        ),
    )
    desk = (await page(portal, "carlos", "/desk/tickets/1001")).text
    assert "Senha 1234" in desk
    assert "Interna; só a equipe vê" in desk
    mine = (await page(portal, "ana", "/portal/requests/1001")).text
    assert "Voltou" in mine
    assert "Senha" not in mine


INTERNAL = {
    "pt-BR": ("chamado", "intern", "equipe", "executor", "parâmetro", "ocorrência", "ticket"),
    "en": ("internal", "team", "executor", "parameter", "occurrence", "ticket"),
    "es": ("intern", "equipo", "ejecutor", "parámetro", "ocurrencia", "ticket"),
}
# What is no language: addresses, and names that scripts and styles find things by.
_CODE = re.compile(
    r"""\s(?:href|src|hx-\w+|sse-\w+|class|id|for|name|aria-\w+by|aria-controls|data-(?:views|presence|action|drafts|writes))="[^"]*"
    |"[a-z]+(?:-[a-z]+)*":""",
    re.VERBOSE,
)


@pytest.mark.parametrize("language", INTERNAL)
async def test_no_word_of_the_desk_is_in_the_source_of_a_requesters_page(
    portal: Portal, language: str
) -> None:
    shown = recorded(description_html="<p>A</p>", visible_to_requester=True, solution_html="<p>B</p>")
    await portal.history.tell(
        person("ana", language=language),
        shown,
        corrected(shown, description_html="<p>C</p>"),
        recorded(description_html="<p>D</p>", author_id="ana", visible_to_requester=True),
        messaged(),
        chatted(text="E"),
    )
    for path in ("", "/requests/1001", "/requests/1001/entries", "/requests/1001/chat", "/requests/nothing"):
        answer = await page(portal, "ana", f"/portal{path}")
        said = _CODE.sub("", answer.text).lower()
        assert [word for word in INTERNAL[language] if word in said] == [], path


async def test_whoever_may_only_chat_reads_that_writing_needs_scripts(portal: Portal) -> None:
    await portal.history.tell(parameter(252, "N"), parameter(299, "N"))
    mine = (await page(portal, "ana", "/portal/requests/1001")).text
    assert "Para escrever, ligue os scripts do navegador." in mine
    await portal.history.tell(parameter(316, "N"))
    mine = (await page(portal, "ana", "/portal/requests/1001")).text
    assert "Para escrever" not in mine, "there is nothing to be written"


async def test_whoever_may_only_comment_reads_the_chat_and_is_not_asked_to_write_in_it(
    portal: Portal,
) -> None:
    await portal.history.tell(chatted(text="Já vejo"))
    for person_id, writes in (("edu", False), ("carlos", True)):
        html = (await page(portal, person_id, "/desk/tickets/1001")).text
        assert "Já vejo" in html
        hidden = dict(
            re.findall(r'<(?:form|p) [^>]*data-(?:needs|lacks)="(say|listen|say listen)"( hidden)?', html)
        )
        assert {each: hidden[each] == "" for each in hidden} == {
            "say": writes,
            "listen": not writes,
            "say listen": False,
        }, "the form, that one may not write, that the ticket is closed"


@pytest.mark.parametrize("seconds", [0, 10])
async def test_how_long_sending_can_be_undone_is_a_setting(
    settings: PortalSettings, issuer: Issuer, seconds: int
) -> None:
    app = build(settings.model_copy(update={"hold_seconds": seconds}))
    async with serving(app) as address, reaching(address) as client:

        async def ready() -> bool:
            return (await client.get("/readyz")).status_code == 200

        await until(ready, what="readiness")
        html = (await client.get("/desk/tickets/1001", headers=issuer.bearer("carlos") | HTML)).text
    held = dict(re.findall(r'<dialog class="composer" id="(\w+)".*?data-hold="(\d+)"', html, re.DOTALL))
    assert (held["note"], held["show"], held["message"]) == (str(seconds), str(seconds), "0")


async def test_each_line_of_a_chat_says_who_sees_it(portal: Portal) -> None:
    await portal.history.tell(chatted())
    for person_id, path, words in (
        ("carlos", "/desk/tickets/1001", "O solicitante e a equipe veem"),
        ("ana", "/portal/requests/1001", "Você e o atendimento veem"),
    ):
        (line,) = re.findall(
            r'<article id="line-.*?</article>', (await page(portal, person_id, path)).text, re.DOTALL
        )
        assert words in line


@pytest.mark.parametrize(
    ("path", "roles"),
    [
        ("/desk/tickets/1001/history/chat", ()),
        ("/ops/history?ticket=1001&as_of=2100-01-01T00:00:00", ("operator",)),
    ],
)
async def test_a_historys_chat_is_drawn_as_it_was_typed_and_says_what_was_removed(
    portal: Portal, path: str, roles: tuple[str, ...]
) -> None:
    await portal.history.tell(chatted(text="Rede <b>\ncaiu"), chatted(text=ERASED))
    html = (await portal.http.get(path, headers=portal.issuer.bearer("carlos", *roles) | HTML)).text
    drawn = re.findall(r'<p class="line-text">(.*?)</p>', html, re.DOTALL)
    assert drawn == ["Texto removido", "Rede &lt;b&gt;\ncaiu"]


async def test_the_chats_badge_counts_what_its_requester_has_not_seen(portal: Portal) -> None:
    await portal.history.tell(chatted(), chatted(), chatted(author_id="ana"), chatted())
    mine = (await page(portal, "ana", "/portal/requests/1001")).text
    (badge,) = re.findall(r"<span[^>]* data-chat-count[^>]*>(\d+)</span>", mine)
    assert int(badge) == len(re.findall(r"<article[^>]* data-unseen>", mine)) == 3


async def test_a_refusal_says_for_whom_the_part_is(portal: Portal) -> None:
    for path, words in (
        ("/ops", "Só operadores"),
        ("/admin", "Só administradores"),
        ("/desk", "Só quem atende"),
    ):
        assert words in (await page(portal, "ana", path)).text


async def test_what_is_written_in_plain_text_stays_text(portal: Portal) -> None:
    title = "<script>alert(1)</script>"
    await portal.history.tell(
        itsm.TicketSaved.model_validate(
            {
                "ticket_id": "1002",
                "title": title,
                "status": "open",
                "requester_id": "ana",
                "group_id": "redes",
                "opened_at": "2026-11-02T09:30:00Z",
            }
        )
    )
    for person_id, path in (("carlos", "/desk"), ("carlos", "/desk/tickets/1002"), ("ana", "/portal")):
        text = (await page(portal, person_id, path)).text
        assert title not in text
        assert "&lt;script&gt;alert(1)" in text


async def test_no_page_has_an_inline_script_or_style(portal: Portal) -> None:
    for person_id, path in (
        ("carlos", "/desk"),
        ("carlos", "/desk/tickets/1001"),
        ("ana", "/portal"),
        ("ana", "/portal/requests/1001"),
        ("ana", "/login"),
    ):
        answer = await page(portal, person_id, path)
        assert answer.status_code == 200, path
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|hx-on|javascript:", answer.text)
        scripts = re.findall(r"<script\b([^>]*)>", answer.text)
        assert all("src=" in each or 'type="application/json"' in each for each in scripts)


async def test_static_files_are_kept_for_good_under_their_address(portal: Portal) -> None:
    login = (await portal.http.get("/login")).text
    addresses = re.findall(r'(?:src|href)="(/static/[^"#]+)', login)
    assert addresses
    for address in addresses:
        answer = await portal.http.get(address)
        assert (answer.status_code, "immutable" in answer.headers["cache-control"]) == (200, True), address
    other = re.sub(r"/static/\w+/", "/static/0000/", addresses[0])
    assert (await portal.http.get(other)).headers["cache-control"] == "no-cache"
    assert (await portal.http.get("/static/0000/..%2fapp.py")).status_code == 404


async def test_administration_is_there_for_administrators_alone(portal: Portal) -> None:
    refused = await page(portal, "carlos", "/admin/parameters")
    assert (refused.status_code, "Só administradores" in refused.text) == (403, True)
    davi = portal.issuer.bearer("davi", "administrator") | HTML
    shown = await portal.http.get("/admin/parameters", headers=davi)
    assert (shown.status_code, "Não definido" in shown.text) == (200, True)
    assert 'href="/admin"' in shown.text
    assert 'href="/admin"' not in (await page(portal, "carlos", "/desk")).text


async def test_administrators_read_every_list_and_form(portal: Portal) -> None:
    davi = portal.issuer.bearer("davi", "administrator") | HTML
    for path in (
        "email-templates",
        "categories",
        "origins",
        "people",
        "people/ana",
        "tickets",
        "tickets/1001",
    ):
        shown = await portal.http.get(f"/admin/{path}", headers=davi)
        assert (shown.status_code, "ligue os scripts do navegador" in shown.text) == (200, True), path
        assert (await page(portal, "carlos", f"/admin/{path}")).status_code == 403
    for kind in ("categories", "origins", "people", "tickets"):
        assert (await portal.http.get(f"/admin/new/{kind}", headers=davi)).status_code == 200
        assert (await portal.http.get(f"/admin/{kind}/nothing", headers=davi)).status_code == 404
