"""What a home of one broker and a home of three have in common, and what they refuse each other."""

from pathlib import Path

import pytest
from relato import settings as stack_settings
from relato.errors import StackError
from relato.settings import StackSettings
from relato.stack import brokers
from relato.stack.home import Home
from relato.stack.kafka_node import Node, Place, properties_of


def _settings(home: Path, number: int) -> StackSettings:
    return StackSettings(home=home, kafka_brokers=number)


async def _prepared(home: Path, number: int) -> None:
    settings = _settings(home, number)
    ports = dict.fromkeys(brokers.port_names(settings), 1)
    await brokers.prepare(settings, Home(home), ports, {}, lambda _: None)


@pytest.mark.parametrize(("made", "asked", "directory"), [(1, 3, "data"), (3, 1, "1")])
async def test_a_home_of_another_size_is_refused(
    tmp_path: Path, made: int, asked: int, directory: str
) -> None:
    (tmp_path / "kafka" / directory).mkdir(parents=True)
    with pytest.raises(StackError, match=f"was made for RELATO_KAFKA_BROKERS={made}, which now asks"):
        await _prepared(tmp_path, asked)


def test_two_brokers_are_no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELATO_KAFKA_BROKERS", "2")
    with pytest.raises(StackError, match=r"RELATO_KAFKA_BROKERS: .*one broker, or three"):
        stack_settings.load()


def test_clients_are_told_of_every_broker(tmp_path: Path) -> None:
    three = _settings(tmp_path, 3)
    ports = {name: 1000 + place for place, name in enumerate(brokers.port_names(three))}
    assert brokers.bootstrap(three, ports) == "127.0.0.1:1000,127.0.0.1:1002,127.0.0.1:1004"
    assert brokers.names(_settings(tmp_path, 1)) == ("kafka",)


@pytest.mark.parametrize(("number", "copies", "in_sync"), [(1, 1, 1), (3, 3, 2)])
def test_records_lie_on_every_broker_and_one_of_three_may_be_away(
    number: int, copies: int, in_sync: int
) -> None:
    nodes = tuple(Node(each, 9000 + each, 9100 + each) for each in range(1, number + 1))
    lines = properties_of(Place(nodes[0], nodes, "cluster"), Path("/data")).splitlines()
    assert f"default.replication.factor={copies}" in lines
    assert f"transaction.state.log.min.isr={in_sync}" in lines
    voters = ",".join(f"{each}@127.0.0.1:{9100 + each}" for each in range(1, number + 1))
    assert f"controller.quorum.voters={voters}" in lines
