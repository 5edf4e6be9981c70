"""Settings: read once, and all that is wrong with them said at once."""

import os

import pytest
from relato_runtime import settings
from relato_runtime.settings import ServiceSettings


def test_all_that_is_wrong_is_said_at_once_and_no_value_with_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever sets a service up mends them in one go; a value may be a password in the wrong place."""
    for name in [name for name in os.environ if name.startswith("RELATO_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("RELATO_KAFKA_BOOTSTRAP", "kafka:9092")
    monkeypatch.setenv("RELATO_HTTP_PORT", "secret-1")
    monkeypatch.setenv("RELATO_LOG_LEVEL", "secret-2")
    with pytest.raises(SystemExit) as ended:
        settings.load(ServiceSettings)
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert {line.partition(":")[0] for line in said.splitlines()} == {
        "RELATO_HTTP_PORT",
        "RELATO_LOG_LEVEL",
        "RELATO_DATABASE_URL",
        "RELATO_OIDC_ISSUER",
    }
    assert "secret" not in said
