"""Recording occurrences, from HTTP to Kafka."""

from datetime import UTC, datetime

from tests.integration.notes.conftest import Service


def occurrence(**changes: object) -> dict[str, object]:
    return {"description_html": "<p>Cabo trocado</p>", "occurred_at": datetime.now(UTC).isoformat()} | changes


async def test_an_executor_records_an_occurrence_and_kafka_gets_it(service: Service) -> None:
    answer = await service.post("carlos", "/tickets/1001/occurrences", occurrence())
    assert answer.status_code == 201, answer.text
    assert answer.json()["version"] == 1
    assert answer.json()["notification"] == "none"
