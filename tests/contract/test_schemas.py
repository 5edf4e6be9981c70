"""Published schemas say what the models say, and no model breaks what is published."""

import json
import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from relato_contracts import asyncapi, generate
from relato_contracts.compatibility import breaks
from relato_contracts.envelope import FACTS, decode, encode
from relato_contracts.topics import TOPICS

from tests.support.samples import CONTRACTS, accepted

Json = dict[str, Any]  # schemas are changed here in ways that no type would allow
Change = Callable[[Json], object]

OCCURRENCE = "schemas/relato.notes/OccurrenceRecorded.v1.json"
GROUP = "schemas/itsm.groups/GroupSaved.v1.json"


def test_the_committed_files_are_what_the_models_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--check"]) == 0, capsys.readouterr().err


def test_there_is_a_schema_for_every_fact_and_for_nothing_else() -> None:
    committed = {path.relative_to(CONTRACTS).as_posix() for path in CONTRACTS.glob("schemas/*/*.json")}
    assert committed == generate.files().keys() - {"asyncapi.yaml"}
    assert len(committed) == len(FACTS)


@pytest.mark.parametrize("path", sorted(CONTRACTS.glob("schemas/*/*.json")), ids=lambda path: path.stem)
def test_a_schema_is_a_schema(path: Path) -> None:
    Draft202012Validator.check_schema(json.loads(path.read_text()))


def _field(name: str) -> Callable[[Json], Json]:
    return lambda schema: schema["properties"][name]


minutes, channel, text = _field("time_spent_minutes"), _field("channel"), _field("description_text")

BREAKING: dict[str, tuple[str, Change, str]] = {
    "a field removed": (OCCURRENCE, lambda s: s["properties"].pop("origin_id"), "/origin_id: field removed"),
    "a field renamed": (
        OCCURRENCE,
        lambda s: s["properties"].update(came_from=s["properties"].pop("origin_id")),
        "/origin_id: field removed",
    ),
    "a field made required": (
        OCCURRENCE,
        lambda s: s["required"].append("origin_id"),
        "/origin_id: made required",
    ),
    "a field no longer required": (
        OCCURRENCE,
        lambda s: s["required"].remove("channel"),
        "/channel: no longer required",
    ),
    "a new field that is required": (
        OCCURRENCE,
        lambda s: (s["properties"].update(mood={"type": "string"}), s["required"].append("mood")),
        "/mood: new and required",
    ),
    "another type": (OCCURRENCE, lambda s: minutes(s).update(type="string"), "/time_spent_minutes: type was"),
    "a type narrowed": (
        OCCURRENCE,
        lambda s: s["properties"].update(solution_html=s["properties"]["solution_html"]["anyOf"][0]),
        "/solution_html: alternative removed: {'type': 'null'}",
    ),
    "a type widened": (
        OCCURRENCE,
        lambda s: s["properties"].update(channel={"anyOf": [channel(s), {"type": "integer"}]}),
        "/channel: alternative added",
    ),
    "a value of an enumeration removed": (
        OCCURRENCE,
        lambda s: channel(s)["enum"].remove("toolbar"),
        "/channel: enum value removed: 'toolbar'",
    ),
    "a value of an enumeration added": (
        OCCURRENCE,
        lambda s: channel(s)["enum"].append("whatsapp"),
        "/channel: enum value added",
    ),
    "an enumeration where there was none": (
        OCCURRENCE,
        lambda s: text(s).update(enum=["Feito."]),
        "/description_text: enum introduced",
    ),
    "an enumeration lifted": (OCCURRENCE, lambda s: channel(s).pop("enum"), "/channel: enum lifted"),
    "a maximum lowered": (
        OCCURRENCE,
        lambda s: minutes(s).update(maximum=1_440),
        "/time_spent_minutes: maximum tightened to 1440",
    ),
    "a maximum raised": (
        OCCURRENCE,
        lambda s: minutes(s).update(maximum=1_000_000),
        "/time_spent_minutes: maximum loosened",
    ),
    "a minimum raised": (
        OCCURRENCE,
        lambda s: minutes(s).update(minimum=1),
        "/time_spent_minutes: minimum tightened to 1",
    ),
    "a limit introduced": (
        OCCURRENCE,
        lambda s: text(s).update(minLength=0),
        "/description_text: minLength tightened to 0",
    ),
    "a length shortened": (
        OCCURRENCE,
        lambda s: text(s).update(maxLength=4_000),
        "/description_text: maxLength tightened to 4000",
    ),
    "a length in an optional field shortened": (
        OCCURRENCE,
        lambda s: s["properties"]["solution_html"]["anyOf"][0].update(maxLength=10),
        "/solution_html: maxLength tightened to 10",
    ),
    "another pattern": (
        OCCURRENCE,
        lambda s: s["properties"]["ticket_id"].update(pattern="^[0-9]+$"),
        "/ticket_id: pattern was",
    ),
    "another format": (
        OCCURRENCE,
        lambda s: s["properties"]["occurred_at"].update(format="date"),
        "/occurred_at: format was",
    ),
    "a value narrowed inside a list": (
        GROUP,
        lambda s: s["$defs"]["GroupPermission"]["properties"]["may"]["items"]["enum"].remove("comment"),
        "/permissions/*/may/*: enum value removed: 'comment'",
    ),
    "a list no longer one": (
        GROUP,
        lambda s: s["properties"].update(member_ids={"type": "string"}),
        "/member_ids: type was",
    ),
}

HARMLESS: dict[str, Change] = {
    "a new optional field": lambda s: s["properties"].update(mood={"type": "string"}),
    "other words": lambda s: s.update(description="Alguém registrou o que aconteceu.", title="Ocorrência"),
    "fields in another order": lambda s: s.update(
        properties=dict(reversed(s["properties"].items())), required=s["required"][::-1]
    ),
}


@pytest.mark.parametrize("case", BREAKING)
def test_a_breaking_change_is_found(case: str) -> None:
    name, change, expected = BREAKING[case]
    published = json.loads((CONTRACTS / name).read_text())
    proposed = deepcopy(published)
    change(proposed)
    found = [str(each) for each in breaks(published, proposed)]
    assert any(each.startswith(expected) for each in found), found


@pytest.mark.parametrize("case", HARMLESS)
def test_a_harmless_change_breaks_nothing(case: str) -> None:
    published = json.loads((CONTRACTS / OCCURRENCE).read_text())
    proposed = deepcopy(published)
    HARMLESS[case](proposed)
    assert breaks(published, proposed) == []


def test_a_published_schema_is_not_overwritten_by_one_that_breaks_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(CONTRACTS / "schemas", tmp_path / "schemas")
    published = json.loads((tmp_path / OCCURRENCE).read_text())
    published["properties"]["mood"] = {"type": "string"}  # once published, and gone from the model
    (tmp_path / OCCURRENCE).write_text(json.dumps(published))
    assert generate.main(["--directory", str(tmp_path)]) == 1
    assert f"{OCCURRENCE}: /mood: field removed" in capsys.readouterr().err
    assert json.loads((tmp_path / OCCURRENCE).read_text()) == published


def test_a_fact_that_no_model_says_any_more_is_missed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate.main(["--directory", str(tmp_path)]) == 0
    shutil.copy(tmp_path / OCCURRENCE, tmp_path / "schemas/relato.notes/OccurrenceForgotten.v1.json")
    assert generate.main(["--check", "--directory", str(tmp_path)]) == 1
    assert "OccurrenceForgotten.v1.json: published, and no model" in capsys.readouterr().err


def test_the_check_names_each_file_that_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--directory", str(tmp_path)]) == 0
    (tmp_path / OCCURRENCE).unlink()
    (tmp_path / "asyncapi.yaml").write_text("asyncapi: 2.6.0\n")
    capsys.readouterr()
    assert generate.main(["--check", "--directory", str(tmp_path)]) == 1
    named = [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()]
    assert named == [OCCURRENCE, "asyncapi.yaml"]


def test_the_asyncapi_document_has_every_topic_and_refers_to_nothing_that_is_not_there() -> None:
    document = yaml.safe_load((CONTRACTS / "asyncapi.yaml").read_text())
    assert document == asyncapi.document()
    assert [channel["address"] for channel in document["channels"].values()] == [t.name for t in TOPICS]
    references = list(_references(document))
    assert references
    for reference in references:
        if reference.startswith("./"):
            assert (CONTRACTS / reference).is_file()
            continue
        target = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]


def test_the_headers_that_we_send_are_those_that_the_asyncapi_document_describes() -> None:
    document = asyncapi.document()
    trait: Any = document["components"]
    schema = {**trait["messageTraits"]["CloudEvent"]["headers"], "additionalProperties": False}
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    seen: set[str] = set()
    for sample in accepted():
        envelope, fact = decode(sample.key, sample.value, sample.headers)
        headers = {name: value.decode() for name, value in encode(fact, envelope)[2]}
        assert list(validator.iter_errors(headers)) == []
        seen |= headers.keys()
    assert seen == schema["properties"].keys()


def _references(node: object) -> list[str]:
    if isinstance(node, list):
        return [found for item in node for found in _references(item)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return own + [found for item in node.values() for found in _references(item)]
