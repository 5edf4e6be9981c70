"""Templates as administrators try them: previews, and test mails to themselves."""

import asyncio
import time
from typing import Any
from uuid import uuid4

import httpx
import pytest
from relato_runtime.mail_templates import VARIABLES

from tests.integration.notifier.conftest import Notifier
from tests.support import stream, world
from tests.support.reaching import reaching
from tests.support.waiting import until

DAVI = "davi@empresa.example"
ALL = "\n".join(f"{name}={{{{ {name} }}}}" for name in VARIABLES)


def trial(**changes: object) -> dict[str, object]:
    """A template that says what most do."""
    return {
        "language": "pt-BR",
        "subject": "Chamado {{ ticket_id }}: {{ ticket_title }}",
        "text": "Olá, {{ recipient_name }}. {{ author_name }} escreveu: {{ text }}",
        "html": "<p>Olá, {{ recipient_name }}.</p>{{ text_html }}",
    } | changes


async def preview(notifier: Notifier, **changes: object) -> httpx.Response:
    return await notifier.ask("POST", "/previews", json=trial(**changes))


async def send(notifier: Notifier, key: str | None = None, **changes: object) -> httpx.Response:
    headers = {"Idempotency-Key": key or str(uuid4())}
    return await notifier.ask("POST", "/test-mails", json=trial(**changes), headers=headers)


def errors(answer: httpx.Response) -> dict[str, str]:
    """What is wrong, by field."""
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["type"].rpartition("/")[2]) == (422, "invalid"), answer.text
    return {each["pointer"]: each["detail"] for each in body["errors"]}


def code(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


async def shown(notifier: Notifier, number: int = 1, **changes: object) -> str:
    """The id of an occurrence that the notifier has taken in."""
    changes = {"visible_to_requester": True, "notify_by_email": False} | changes
    fact = stream.recorded(number, **changes)
    await notifier.note(fact)

    async def known() -> bool:
        found = await notifier.database.fetchval(
            "SELECT true FROM occurrences WHERE occurrence_id = $1", fact.occurrence_id
        )
        return found is True

    await until(known, what="the occurrence")
    return str(fact.occurrence_id)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/variables"),
        ("GET", "/occurrences?ticket_id=1001"),
        ("POST", "/previews"),
        ("POST", "/test-mails"),
    ],
)
async def test_only_administrators_try_templates(notifier: Notifier, method: str, path: str) -> None:
    options: dict[str, Any] = (
        {"json": trial(), "headers": {"Idempotency-Key": "k"}} if method == "POST" else {}
    )
    for person, role in (("carlos", "nothing"), ("ana", "nothing"), ("olga", "operator")):
        answer = await notifier.ask(method, path, role, person=person, **options)
        assert code(answer) == (403, "not-permitted")
    async with reaching(notifier.address) as client:
        assert (await client.request(method, f"/api/notifier{path}", **options)).status_code == 401
    assert notifier.mailbox.seen == []


async def test_all_that_a_template_may_say_is_described_and_can_be_said(notifier: Notifier) -> None:
    answer = await notifier.ask("GET", "/variables")
    assert {each["name"]: each["description"] for each in answer.json()["items"]} == dict(VARIABLES)
    for language in ("pt-BR", "en", "es"):
        for kind in ("occurrence", "message", "chat"):
            answer = await preview(notifier, text=ALL, language=language, kind=kind)
            assert answer.status_code == 200, answer.text
            said = dict(
                line.partition("=")[::2] for line in answer.json()["text"].splitlines() if "=" in line
            )
            assert (said["kind"], said["language"], said["recipient_name"]) == (kind, language, "Davi")
            assert bool(said["solution"]) == (kind == "occurrence")
            assert said["link"].startswith("http://relato.example/portal/requests/")


async def test_a_preview_of_an_occurrence_says_what_its_mail_would(notifier: Notifier) -> None:
    occurrence_id = await shown(
        notifier, description_html="<p>a <b>&amp;</b> b</p>", description_text="a & b"
    )
    answer = await preview(notifier, occurrence_id=occurrence_id)
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert made["subject"] == "Chamado 1001: VPN não conecta"
    assert made["text"] == "Olá, Davi. Carlos escreveu: a & b"
    assert "<p>a <b>&amp;</b> b</p>" in made["html"]
    assert notifier.mailbox.seen == []


async def test_what_requesters_do_not_see_cannot_be_tried_with(notifier: Notifier) -> None:
    """Administrators have no part in tickets: internal, hidden, retracted and unknown are the same 404."""
    internal = await shown(notifier, 1, visible_to_requester=False, notify_by_email=False)
    hidden, retracted, seen = [await shown(notifier, number) for number in (2, 3, 4)]
    await notifier.note(stream.visibility(2, False), stream.retracted(3))

    async def listed() -> list[str]:
        answer = await notifier.ask("GET", "/occurrences", params={"ticket_id": "1001"})
        return [each["occurrence_id"] for each in answer.json()["items"]]

    async def only_what_is_seen() -> bool:
        return await listed() == [seen]

    await until(only_what_is_seen, what="the choice")
    refusals = [
        (await preview(notifier, occurrence_id=each)).json()
        for each in (internal, hidden, retracted, str(uuid4()))
    ]
    assert [each["type"].rpartition("/")[2] for each in refusals] == ["occurrence-not-found"] * 4
    assert len({str(each) for each in refusals}) == 1
    assert code(await send(notifier, occurrence_id=internal)) == (404, "occurrence-not-found")
    answer = await notifier.ask("GET", "/occurrences", params={"ticket_id": "nope"})
    assert answer.json() == {"items": []}


async def test_what_is_wrong_with_a_template_is_said_of_its_field_and_line(notifier: Notifier) -> None:
    found = errors(
        await preview(
            notifier,
            subject="{{ nome }}",
            text="um\n{% for x in text %}",
            html="<p>\n{{ text | nothing }}</p>",
        )
    )
    assert set(found) == {"/subject", "/text", "/html"}
    assert found["/subject"] == "Line 1: There is no variable nome."
    assert found["/html"].startswith("Line 2: ") and "nothing" in found["/html"]


_FAULTS: tuple[tuple[str, str, dict[str, str | None]], ...] = (
    ("{{ nome }}", "unknown-variable", {"name": "nome", "line": "1"}),
    ("\n{{ text | nothing }}", "unknown-filter", {"name": "nothing", "line": "2"}),
    ("{% foo %}", "unknown-tag", {"name": "foo", "line": "1"}),
    ("{% if text %}", "unfinished", {"line": "1"}),
    ("{{ text", "unfinished", {"line": "1"}),
    ("{{ text }", "unexpected", {"name": "}", "line": "1"}),
    ("{{ text text }}", "expected", {"wanted": "end of print statement", "name": "text", "line": "1"}),
    ("{{ text.nope.x }}", "no-attribute", {"name": "nope", "line": "1"}),
    ("{{ 1 // (kind|length - 10) }}", "by-zero", {"name": None, "line": "1"}),
    ("{{ 'x' * 10 ** 10 }}", "too-greedy", {}),
)


async def test_what_is_wrong_has_a_code_that_pages_can_say_in_any_language(
    notifier: Notifier, subtests: pytest.Subtests
) -> None:
    for text, fault, values in _FAULTS:
        with subtests.test(text=text):
            [error] = (await preview(notifier, text=text)).json()["errors"]
            assert error["code"] == fault, error
            assert {name: error["values"].get(name) for name in values} == values


async def test_what_is_found_out_by_rendering_is_said_likewise(notifier: Notifier) -> None:
    found = errors(
        await preview(
            notifier, subject="{{ text.nope.x }}", text="um\n\n{{ 1 // (kind|length - 10) }}", html="ok"
        )
    )
    assert found["/subject"].startswith("Line 1: ") and "nope" in found["/subject"]
    assert found["/text"].startswith("Line 3: ")


@pytest.mark.parametrize(
    "bomb",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{{ 'x' * 10 ** 10 }}",
        "{{ '%0999999999d' % 1 }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    ],
)
async def test_a_template_that_does_not_end_is_wrong_and_holds_nobody_up(
    notifier: Notifier, bomb: str
) -> None:
    began = time.perf_counter()
    bombing = asyncio.create_task(preview(notifier, text=bomb))
    await notifier.note(stream.to_requester(notify_by_email=True))
    await notifier.mails(1, "accepted")
    assert set(errors(await bombing)) == {"/text"}
    assert time.perf_counter() - began < 15
    assert (await preview(notifier)).status_code == 200


async def test_a_test_mail_goes_to_the_caller_and_says_that_it_is_one(notifier: Notifier) -> None:
    answer = await send(notifier)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"outcome": "accepted", "recipient": DAVI, "code": 250, "answer": "taken"}
    [mail] = notifier.mailbox.to(DAVI)
    assert mail["Subject"] == "[Teste] Chamado 1001: VPN não conecta"
    assert mail["From"].addresses[0].addr_spec == world.SWITCHES[10]
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "1001" not in mail["List-Id"]
    assert not await notifier.database.fetch("SELECT FROM mails"), "no event's mail, so not in the ledger"


async def test_the_same_key_sends_once_and_is_answered_as_before(notifier: Notifier) -> None:
    first, *again = [await send(notifier, "one") for _ in range(3)]
    assert [each.json() for each in again] == [first.json()] * 2
    answers = await asyncio.gather(*(send(notifier, "two") for _ in range(8)))
    assert {each.status_code for each in answers} <= {200, 409}
    assert len(notifier.mailbox.seen) == 2
    assert code(await send(notifier, "one", text="other")) == (422, "idempotency-key-reused")
    assert len(notifier.mailbox.seen) == 2


async def test_keys_are_each_persons_own(notifier: Notifier) -> None:
    assert (await send(notifier, "one")).status_code == 200
    body, headers = trial(), {"Idempotency-Key": "one"}
    answer = await notifier.ask("POST", "/test-mails", person="edu", json=body, headers=headers)
    assert answer.json()["recipient"] == "edu@empresa.example"


@pytest.mark.parametrize("key", [None, "", "a b", "ç", "x" * 256])
async def test_without_a_key_nothing_is_sent(notifier: Notifier, key: str | None) -> None:
    headers = {} if key is None else {"Idempotency-Key": key.encode()}
    async with reaching(notifier.address) as client:
        answer = await client.post(
            "/api/notifier/test-mails",
            json=trial(),
            headers=notifier.issuer.bearer("davi", "administrator") | headers,  # type: ignore[arg-type]  # bytes, too
        )
    assert answer.status_code == 422, answer.text
    assert notifier.mailbox.seen == []


@pytest.mark.parametrize(
    ("server", "outcome"),
    [
        ("554 spam", "refused"),
        ("refuse 550 no such user", "refused"),
        ("451 later", "refused"),
        ("cut", "uncertain"),
    ],
)
async def test_what_the_server_says_is_told_and_nothing_is_tried_again(
    notifier: Notifier, server: str, outcome: str
) -> None:
    notifier.mailbox.answers[DAVI] = [server]
    answer = (await send(notifier, "one")).json()
    assert answer["outcome"] == outcome
    assert outcome == "uncertain" or str(answer["code"]) in server
    assert (await send(notifier, "one")).json() == answer
    assert notifier.mailbox.to(DAVI) == []


async def test_a_mail_server_that_is_away_is_a_refusal(notifier: Notifier) -> None:
    await notifier.mailbox.close()
    answer = await send(notifier)
    assert (answer.json()["outcome"], answer.json()["code"]) == ("refused", None)


async def test_a_mail_whose_process_died_is_uncertain_and_never_sent_again(notifier: Notifier) -> None:
    assert (await send(notifier, "one")).status_code == 200
    await notifier.database.execute("UPDATE test_mails SET state = 'submitting', code = NULL, answer = ''")
    assert code(await send(notifier, "one")) == (409, "in-progress")
    await notifier.database.execute("UPDATE test_mails SET ends_at = now() - interval '1 second'")
    assert (await send(notifier, "one")).json()["outcome"] == "uncertain"
    assert len(notifier.mailbox.seen) == 1


async def test_nobody_sends_themselves_more_than_a_few_in_a_minute(notifier: Notifier) -> None:
    answers = await asyncio.gather(*(send(notifier) for _ in range(8)))
    assert sorted(each.status_code for each in answers) == [200] * 5 + [429] * 3
    refused = next(each for each in answers if each.status_code == 429)
    assert refused.headers["retry-after"] == "60"
    assert len(notifier.mailbox.seen) == 5


@pytest.mark.parametrize("changes", [{"email": None}, {"active": False}])
async def test_who_has_no_address_gets_none(notifier: Notifier, changes: dict[str, object]) -> None:
    await notifier.publish(world.person("davi", **changes))
    await notifier.taken_in()
    assert code(await send(notifier)) == (422, "no-address")
    assert (await preview(notifier)).status_code == 200


async def test_somebody_whom_the_itsm_does_not_know_has_no_address(notifier: Notifier) -> None:
    headers = {"Idempotency-Key": "one"}
    answer = await notifier.ask("POST", "/test-mails", person="ninguem", json=trial(), headers=headers)
    assert code(answer) == (422, "no-address")


async def test_297_switches_off_test_mails_too(notifier: Notifier) -> None:
    await notifier.publish(world.parameter(297, "S"))
    await notifier.taken_in()
    assert code(await send(notifier)) == (409, "mails-disabled")
    assert (await preview(notifier)).status_code == 200


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r", "\u2028", "\x85"])
async def test_no_subject_begins_another_header(notifier: Notifier, line_end: str) -> None:
    subject = f'{{{{ "a{line_end}Bcc: bia@empresa.example{line_end}{line_end}body" }}}}'
    made = await preview(notifier, subject=subject)
    assert made.status_code == 200, made.text
    assert made.json()["subject"] == "a Bcc: bia@empresa.example body"
    assert (await send(notifier, subject=subject)).status_code == 200
    [mail] = notifier.mailbox.to(DAVI)
    assert mail["Bcc"] is None
    assert notifier.mailbox.seen == [DAVI]
