"""A cluster that wants to know who comes, over TLS or not: producers and consumers reach it alike."""

import ssl

import pytest
from faststream.kafka.security import parse_security
from pydantic import SecretStr
from relato_runtime import database, kafka, subscribing
from relato_runtime.settings import KafkaSettings


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"])
def test_consumers_are_as_secure_as_producers(protocol: str, mechanism: str) -> None:
    settings = KafkaSettings.model_validate(
        {
            "kafka_bootstrap": "kafka.example:9093",
            "kafka_security_protocol": protocol,
            "kafka_sasl_mechanism": mechanism,
            "kafka_username": "relato",
            "kafka_password": SecretStr("segredo"),
        }
    )
    producer = kafka.connection(settings)
    consumer = parse_security(subscribing._security(settings))
    assert consumer["security_protocol"] == producer["security_protocol"] == protocol
    for each in (producer, consumer):
        secured = each["ssl_context"]
        assert (secured is not None) == protocol.endswith("SSL")
        if secured is not None:
            assert (secured.verify_mode, secured.check_hostname) == (ssl.CERT_REQUIRED, True)
        if protocol.startswith("SASL"):
            assert each["sasl_mechanism"] == mechanism
            assert (each["sasl_plain_username"], each["sasl_plain_password"]) == ("relato", "segredo")


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("postgresql://u@db.example/notes", "require"),
        ("postgresql://u@db.example/notes?sslmode=verify-full", "verify-full"),
        ("postgresql://u@db.example/notes?sslmode=disable", "disable"),
        ("postgresql://u@127.0.0.1/notes", "disable"),
        ("postgresql://u@/notes?host=/run/postgresql", "disable"),
    ],
)
def test_migrations_go_unencrypted_over_no_network_unless_told_to(asked: str, given: str) -> None:
    assert f"sslmode={given}" in database._for_dbmate(asked)
