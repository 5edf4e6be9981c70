"""Any fact in any envelope survives the wire; anything else is refused, and nothing else happens."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue
from relato_contracts.envelope import FACTS, Envelope, Undecodable, decode, encode
from relato_contracts.fields import HTML_LIMIT_BYTES, Fact
from relato_contracts.notes import OccurrenceSolved
from relato_contracts.topics import TOPIC_OF

from tests.support.facts import envelopes, facts, values
from tests.support.samples import accepted

ANY_FACT = st.sampled_from(sorted(FACTS.values(), key=lambda fact: fact.__name__)).flatmap(facts)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
SOLVED = {
    "ticket_id": "1001",
    "requester_id": "ana",
    "author_id": "carlos",
    "author_name": "Carlos",
    "occurrence_id": "019caea7-14ea-7d59-96e2-7eb562eddf5d",
    "solution_text": "Feito.",
    "time_spent_minutes": 5,
}


@given(ANY_FACT, envelopes())
def test_what_is_encoded_decodes_to_the_same(fact: Fact, envelope: Envelope) -> None:
    key, value, headers = encode(fact, envelope)
    assert decode(key, value, headers) == (envelope, fact)


@pytest.mark.parametrize("fact", FACTS.values(), ids=FACTS)
def test_a_model_accepts_what_its_schema_accepts(fact: type[Fact]) -> None:
    @given(values(fact))
    def accepts(value: JsonValue) -> None:
        fact.model_validate_json(json.dumps(value))

    accepts()


@given(
    st.none() | st.binary(),
    st.binary(),
    st.lists(st.tuples(st.sampled_from(["ce_id", "ce_type", "x"]) | st.text(), st.none() | st.binary())),
    st.integers(-(2**63), 2**63 - 1),
)
def test_random_records_are_refused_and_nothing_else_happens(
    key: bytes | None, value: bytes, headers: list[tuple[str, bytes | None]], timestamp: int
) -> None:
    with pytest.raises(Undecodable):
        decode(key, value, headers, timestamp)


@given(st.data())
def test_damaged_records_are_understood_or_refused_and_nothing_else_happens(data: st.DataObject) -> None:
    sample = data.draw(st.sampled_from(accepted()))
    headers: dict[str, bytes | None] = dict(sample.headers)
    known = st.sampled_from([*headers, "ce_time", "ce_streamversion", "traceparent"])
    damage = st.none() | st.binary() | st.text().map(str.encode)
    headers |= data.draw(st.dictionaries(known, damage, max_size=2))
    value = sample.value
    if data.draw(st.booleans()):
        fields = json.loads(value)
        fields[data.draw(st.sampled_from(sorted(fields)))] = data.draw(ANY_JSON)
        value = json.dumps(fields).encode()
    elif data.draw(st.booleans()):
        cut = data.draw(st.integers(0, len(value)))
        value = value[:cut] + data.draw(st.binary(max_size=3)) + value[cut:]
    key = data.draw(st.just(sample.key) | st.none() | st.binary(max_size=8))
    timestamp = data.draw(st.integers(-(2**63), 2**63 - 1))
    try:
        _, fact = decode(key, value, list(headers.items()), timestamp)
    except Undecodable as refusal:
        assert str(refusal)
    else:
        assert TOPIC_OF[type(fact)].name == sample.topic


@pytest.mark.parametrize("value", [b"[" * 100_000, b'{"a":' * 100_000, b"1" * 100_000, b'"\\ud800"'])
def test_json_that_breaks_parsers_is_refused(value: bytes) -> None:
    with pytest.raises(Undecodable):
        decode(b"1001", value, accepted()[0].headers)


@pytest.mark.parametrize("html", ["a" * HTML_LIMIT_BYTES, "é" * (HTML_LIMIT_BYTES // 2)])
def test_html_has_room_for_its_limit_in_bytes_and_for_no_more(html: str) -> None:
    OccurrenceSolved.model_validate_json(json.dumps({**SOLVED, "solution_html": html}))
    with pytest.raises(ValueError, match="65536"):
        OccurrenceSolved.model_validate_json(json.dumps({**SOLVED, "solution_html": html + "a"}))


def test_a_record_without_time_has_that_of_the_record_itself() -> None:
    sample = next(each for each in accepted() if each.name.endswith("TicketSaved.v1/foreign-minimal"))
    envelope, _ = decode(sample.key, sample.value, sample.headers, timestamp_ms=1_772_456_400_250)
    assert envelope.time == datetime(2026, 3, 2, 13, 0, 0, 250_000, UTC)
