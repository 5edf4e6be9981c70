"""The OpenAPI document, from which other teams make their clients."""

from tests.integration.notes.conftest import Service


async def test_it_says_how_to_authenticate_and_names_each_operation_once(service: Service) -> None:
    document = (await service.http.get("/api/notes/openapi.json")).json()
    assert document["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
    operations = [each for path in document["paths"].values() for each in path.values()]
    names = [each["operationId"] for each in operations]
    assert "record_occurrence" in names
    assert len(names) == len(set(names))
    assert all(each["security"] for each in operations)
