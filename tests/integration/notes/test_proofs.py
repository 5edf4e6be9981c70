"""One ticket for somebody who trusts nobody: whole for operators, and for its requester what they may see."""

import asyncio
import copy
import json
import runpy
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from notes import signing
from notes.proof import heads
from notes.proof.tree import Head, Leaf
from notes.settings import NotesSettings
from relato_contracts.topics import HEADS
from relato_runtime import kafka

from tests.integration.notes.conftest import Service, occurrence
from tests.integration.notes.test_erasing import erased
from tests.integration.notes.test_verify import read, verified
from tests.support import sealed, world
from tests.support.samples import CONTRACTS
from tests.support.stream import BEGINNING, uuid

_VERIFIER = runpy.run_path(str(CONTRACTS / "verify_export.py"))

INTERNAL = (
    *("Só entre nós", "Antes da correção", "Motivo interno", "Oculto depois", "edu", "Edu", "time_spent"),
    *("correlation", "OccurrenceCorrected", "OccurrenceVisibilityChanged", "HistoryViewed", "notify"),
)


@pytest.fixture
def notes_settings(notes_settings: NotesSettings, tmp_path: Path) -> NotesSettings:
    return notes_settings.model_copy(update={"log_key_file": sealed.new_key(tmp_path / "log-key.pem")})


@pytest.fixture
def key(notes_settings: NotesSettings) -> str:
    """The public key, as people know it."""
    return signing.load(Path(notes_settings.log_key_file), notes_settings.log_name).key.line()


@pytest.fixture
async def forked(notes_settings: NotesSettings) -> None:
    """Before notes begins, its topic has a head that its tree never had."""
    signer = signing.load(Path(notes_settings.log_key_file), notes_settings.log_name)
    root = bytes(32)
    head = Head(1, root, signer.sign(1, root), uuid(1), BEGINNING)
    topic = notes_settings.topic_prefix + HEADS.name
    leaves = [Leaf("1001", 1, bytes(32))]
    async with kafka.producing(notes_settings) as producer:
        await kafka.send(producer, [heads.record_of(topic, notes_settings.log_name, head, leaves)])


async def history(service: Service) -> None:
    """What is visible to Ana, and what is not, in one ticket."""
    await service.publish(world.group("redes", member_ids=("carlos", "edu")), world.person("edu"))

    async def post(who: str, path: str, body: Mapping[str, object]) -> Any:
        answer = await service.post(who, f"/tickets/1001/{path}", body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    await post("carlos", "occurrences", occurrence(description_html="<p>Só entre nós</p>"))
    said = occurrence(description_html="<p>Antes da correção</p>", visible_to_requester=True)
    of = f"occurrences/{(await post('carlos', 'occurrences', said))['occurrence_id']}"
    corrected = {"description_html": "<p>Como ficou</p>", "reason": "Motivo interno"}
    await post("edu", f"{of}/corrections", corrected)
    await post("edu", f"{of}/solution", {"solution_html": "<p>Trocado</p>", "time_spent_minutes": 7})
    said = occurrence(description_html="<p>Oculto depois</p>", visible_to_requester=True)
    of = f"occurrences/{(await post('carlos', 'occurrences', said))['occurrence_id']}"
    await post("edu", f"{of}/visibility", {"visible_to_requester": False, "reason": "Motivo interno"})
    await post("carlos", "messages", {"text_html": "<p>Bom dia, Ana</p>"})
    await post("ana", "chat", {"text": "Olá “Carlos” \u2028"})
    await post("ana", "views", {"up_to_version": 8})


async def proof(service: Service, who: str = "ana", ticket_id: str = "1001") -> httpx.Response:
    return await service.http.get(f"/api/notes/tickets/{ticket_id}/proof", headers=service.issuer.bearer(who))


async def checked(document: Any, directory: Path, *arguments: str) -> tuple[int, str]:
    """What the program for strangers says of a file."""
    file = directory / "export.json"
    file.write_text(json.dumps(document, ensure_ascii=False))
    return await said_of(file, *arguments)


async def said_of(file: Path, *arguments: str) -> tuple[int, str]:
    """The same of a file that is there."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", str(CONTRACTS / "verify_export.py"), str(file), *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_a_requester_takes_home_what_they_may_see_and_a_stranger_can_check_it(
    service: Service, key: str, tmp_path: Path
) -> None:
    await history(service)
    answer = await proof(service)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"] == 'attachment; filename="relato-1001.json"'
    assert not [each for each in INTERNAL if each in answer.text]
    assert all(each in answer.text for each in ("Como ficou", "Trocado", "Bom dia, Ana", "Olá “Carlos”"))
    code, said = await checked(answer.json(), tmp_path, "--key", key)
    first = "verified: ticket 1001, events 1 to 9, 4 of them hidden and 24 parts of the others,"
    assert (code, said.splitlines()[0]) == (0, first)
    _, unasked = await checked(answer.json(), tmp_path)
    assert "compare it with the one you know" in unasked


async def test_a_key_that_is_none_is_told_as_that_and_never_replaced_by_the_one_in_the_file(
    service: Service, tmp_path: Path
) -> None:
    await history(service)
    document = (await proof(service)).json()
    (tmp_path / "keys.txt").write_text("# to come\n")
    for given, said in (
        ("log-key.txt", "wrong: 'log-key.txt' is neither a key of a log nor a file of keys\n"),
        (str(tmp_path / "keys.txt"), f"wrong: there is no key in '{tmp_path / 'keys.txt'}'\n"),
        ("", "wrong: there is no key in ''\n"),
    ):
        assert await checked(document, tmp_path, "--key", given) == (1, said)


async def test_nobody_else_is_told_that_the_ticket_exists(service: Service) -> None:
    await history(service)
    for who, ticket_id in (("bia", "1001"), ("carlos", "1001"), ("ana", "9999")):
        assert (await proof(service, who, ticket_id)).status_code == 404
    assert (await service.http.get("/api/notes/tickets/1001/proof")).status_code == 401
    refused = await service.http.get(
        "/api/operate/events/proof?ticket_id=1001", headers=service.issuer.bearer("carlos")
    )
    assert refused.status_code == 403


async def test_where_what_was_published_contradicts_the_tree_nothing_is_proven(
    forked: None, service: Service
) -> None:
    """Signed all the same, it would be a second truth; everything else goes on."""
    await history(service)
    answer = await proof(service)
    assert (answer.status_code, answer.json()["type"]) == (503, "https://relato.dev/problems/log-not-level")
    assert answer.headers["retry-after"]
    assert await read(service, "events/head") is None


async def test_what_is_switched_off_is_not_in_it(service: Service, key: str, tmp_path: Path) -> None:
    await history(service)
    await service.publish(*(world.parameter(number, "N") for number in (298, 299, 316)))
    answer = await proof(service)
    assert not [each for each in ("Como ficou", "Bom dia", "Olá") if each in answer.text]
    assert (await checked(answer.json(), tmp_path, "--key", key))[0] == 0


async def test_an_operator_takes_all_of_a_ticket_and_that_is_written_down(
    service: Service, key: str, tmp_path: Path
) -> None:
    await history(service)
    document = await read(service, "events/proof?ticket_id=1001&reason=auditoria")
    assert [each["version"] for each in document["events"]] == list(range(1, 10))
    assert "Só entre nós" in json.dumps(document, ensure_ascii=False)
    code, said = await checked(document, tmp_path, "--key", key)
    first = "verified: ticket 1001, events 1 to 9, 0 of them hidden and 0 parts of the others,"
    assert (code, said.splitlines()[0]) == (0, first)
    audit = (await read(service, "audit/notes"))["items"]
    assert (audit[0]["action"], audit[0]["target"], audit[0]["reason"]) == ("prove", "1001", "auditoria")


async def test_a_head_is_there_to_be_kept_and_the_log_still_begins_with_it(
    service: Service, notes_settings: NotesSettings
) -> None:
    assert await read(service, "events/head") is None
    await service.post("carlos", "/tickets/1001/occurrences", occurrence())
    await proof(service)
    kept = await read(service, "events/head")
    signed = signing.signed(kept["checkpoint"], signing.keys(kept["keys"]))
    assert signed is not None
    assert signed.size == kept["size"]
    await service.post("carlos", "/tickets/1001/occurrences", occurrence())
    await proof(service)
    assert (await read(service, "events/head"))["size"] > kept["size"]


async def test_what_is_erased_leaves_its_proofs_behind(service: Service, key: str, tmp_path: Path) -> None:
    await history(service)
    before = (await proof(service)).json()
    await erased(service, "ana")
    after = await read(service, "events/proof?ticket_id=1001")
    assert not [
        each
        for each in ("Como ficou", "Trocado", "Bom dia", "Olá")
        if each in json.dumps(after, ensure_ascii=False)
    ]
    first = after["events"][0]["parts"]
    assert (first["when"].keys(), first["text"].keys()) == ({"salt", "fields"}, {"digest"})
    for export, said in ((before, "events 1 to 9, 4 of"), (after, "events 1 to 10, 0 of them hidden and")):
        code, output = await checked(export, tmp_path, "--key", key)
        assert (code, said in output, "and 0 parts" in output) == (0, True, False), output
    found = await verified(service)
    assert found["wrong"] == 0, found["findings"]


def _text(export: Any) -> None:
    export["events"][0]["parts"]["text"]["fields"]["description_html"] = "<p>Outro</p>"


def _author(export: Any) -> None:
    export["events"][1]["parts"]["about"]["fields"]["actor"] = "eva"


def _gone(export: Any) -> None:
    del export["events"][3]


def _cut(export: Any) -> None:
    del export["events"][8]


def _swapped(export: Any) -> None:
    events = export["events"]
    events[2]["parts"], events[3]["parts"] = events[3]["parts"], events[2]["parts"]


def _entry(export: Any) -> None:
    export["events"][4] = {"version": 5, "commitment": "00" * 32}


def _beside_a_digest(export: Any) -> None:
    part = export["events"][4]["parts"]["text"]
    export["events"][4]["parts"]["text"] = {"digest": _VERIFIER["part"](part).hex(), "fields": {"text": "?"}}


def _beside_a_commitment(export: Any) -> None:
    event = export["events"][4]
    event["commitment"] = _VERIFIER["commitment"](event).hex()


def _beside_parts(export: Any) -> None:
    export["events"][4]["author_name"] = "Eva"


def _beside_events(export: Any) -> None:
    export["title"] = "Outro assunto"


def _beside_the_head(export: Any) -> None:
    export["sealed"]["sealed_at"] = "2020-01-01T00:00:00Z"


def _place(export: Any) -> None:
    export["sealed"]["place"] += 1


def _size(export: Any) -> None:
    export["sealed"]["checkpoint"] = export["sealed"]["checkpoint"].replace("relato\n1", "relato\n2", 1)


def _unsigned(export: Any) -> None:
    export["sealed"] = None


def _ticket(export: Any) -> None:
    export["ticket_id"] = "1002"


def _format(export: Any) -> None:
    export["format"] = "other"


def _nothing(export: Any) -> None:
    export.clear()


_FORGERIES = (
    *(_text, _author, _gone, _cut, _swapped, _entry, _place, _size, _unsigned, _ticket, _format, _nothing),
    *(_beside_a_digest, _beside_a_commitment, _beside_parts, _beside_events, _beside_the_head),
)


async def test_whatever_is_changed_in_the_file_it_is_wrong(
    service: Service, key: str, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    await history(service)
    document = await read(service, "events/proof?ticket_id=1001")
    for forge in _FORGERIES:
        with subtests.test(forgery=forge.__name__):
            forged = copy.deepcopy(document)
            forge(forged)
            code, said = await checked(forged, tmp_path, "--key", key)
            assert (code, said.startswith("wrong: ")) == (1, True), said


async def test_a_name_that_stands_twice_is_wrong_since_readers_would_see_one_or_the_other(
    service: Service, key: str, tmp_path: Path
) -> None:
    await history(service)
    file = tmp_path / "export.json"
    document = json.dumps(await read(service, "events/proof?ticket_id=1001"))
    file.write_text(document.replace('"author_name":', '"author_name": "Eva", "author_name":', 1))
    code, said = await said_of(file, "--key", key)
    assert (code, said) == (1, "wrong: a name stands twice in the same object\n")


async def test_another_key_than_the_one_that_is_known_is_wrong(service: Service, tmp_path: Path) -> None:
    await history(service)
    other = signing.load(Path(sealed.new_key(tmp_path / "other.pem")), "relato").key.line()
    file = tmp_path / "keys.txt"
    file.write_text(f"# what I know\n{other}\n")
    code, said = await checked((await proof(service)).json(), tmp_path, "--key", str(file))
    assert (code, "not signed by a key that is known" in said) == (1, True)
