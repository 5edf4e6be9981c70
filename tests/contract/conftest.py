"""The cluster as other programs meet it."""

import pytest
from relato_runtime.settings import KafkaSettings


@pytest.fixture
def settings(kafka_bootstrap: str, topic_prefix: str) -> KafkaSettings:
    """How to reach topics of this test's own."""
    return KafkaSettings(kafka_bootstrap=kafka_bootstrap, topic_prefix=topic_prefix)
