"""Golden samples are read and written for ever; refused ones are refused for the reason they name."""

import json

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from relato_contracts.envelope import FACTS, Undecodable, decode, encode, serialise, type_name
from relato_contracts.schemas import path_of
from relato_contracts.topics import TOPIC_OF, TOPICS

from tests.support.samples import CONTRACTS, Sample, accepted, refused


@pytest.mark.parametrize("sample", accepted(), ids=str)
def test_a_sample_decodes_and_says_what_is_pinned(sample: Sample) -> None:
    envelope, fact = decode(sample.key, sample.value, sample.headers, timestamp_ms=1_772_000_000_000)
    assert TOPIC_OF[type(fact)].name == sample.topic
    assert json.loads(serialise(fact)) == sample.reads_as
    assert envelope.id == dict(sample.headers)["ce_id"].decode()  # type: ignore[union-attr]  # it decoded


@pytest.mark.parametrize("sample", [each for each in accepted() if each.ours], ids=str)
def test_a_record_of_ours_encodes_to_what_it_was(sample: Sample) -> None:
    envelope, fact = decode(sample.key, sample.value, sample.headers)
    key, value, headers = encode(fact, envelope)
    assert key == sample.key
    assert json.loads(value) == json.loads(sample.value)
    assert headers == list(sample.headers)


@pytest.mark.parametrize("sample", refused(), ids=str)
def test_a_bad_record_is_refused_for_the_reason_it_names(sample: Sample) -> None:
    with pytest.raises(Undecodable) as refusal:
        decode(sample.key, sample.value, sample.headers, timestamp_ms=1_772_000_000_000)
    assert refusal.value.reason == sample.reason


def test_a_refusal_does_not_repeat_what_somebody_wrote() -> None:
    for sample in refused():
        with pytest.raises(Undecodable) as refusal:
            decode(sample.key, sample.value, sample.headers)
        assert "Impressora fiscal" not in str(refusal.value)


def test_every_fact_has_a_sample_and_every_fact_of_others_a_minimal_foreign_one() -> None:
    shown = {(sample.topic, sample.name.split("/")[1]) for sample in accepted()}
    assert shown == {(topic.name, f"{fact.__name__}.v1") for topic in TOPICS for fact in topic.facts}
    minimal = {type_name(fact) for topic in TOPICS if topic.compacted for fact in topic.facts}
    plain = {"content-type", "ce_specversion", "ce_id", "ce_type", "ce_source", "ce_partitionkey"}
    found = {
        dict(sample.headers)["ce_type"].decode()  # type: ignore[union-attr]  # it has one
        for sample in accepted()
        if {name for name, _ in sample.headers} == plain
    }
    assert found == minimal


@pytest.mark.parametrize("sample", accepted(), ids=str)
def test_the_schema_accepts_every_sample(sample: Sample) -> None:
    validator = _validator(sample)
    assert list(validator.iter_errors(sample.reads_as)) == []


@pytest.mark.parametrize("sample", [each for each in refused() if each.reason == "invalid-data"], ids=str)
def test_the_schema_refuses_what_the_model_refuses(sample: Sample) -> None:
    try:
        value = json.loads(sample.value)
    except ValueError:
        return  # no JSON, hence nothing for a schema
    beyond = {"refused/time-zone-unknown"}  # what a schema only describes
    assert _validator(sample).is_valid(value) == (sample.name in beyond)


def test_a_producer_may_not_add_fields() -> None:
    for sample in accepted():
        assert isinstance(sample.reads_as, dict)
        assert not _validator(sample).is_valid({**sample.reads_as, "prioridade": 2})


def _validator(sample: Sample) -> Draft202012Validator:
    fact = FACTS[dict(sample.headers)["ce_type"].decode()]  # type: ignore[union-attr]  # it has one
    path = CONTRACTS / "schemas" / path_of(TOPIC_OF[fact], fact)
    return Draft202012Validator(json.loads(path.read_text()), format_checker=FormatChecker())
