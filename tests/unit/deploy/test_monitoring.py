"""Alerts, dashboard and runbook speak of the metrics that there are, and promtool agrees with the rules."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import history_projector.app
import httpx
import notes.app
import notifier.app
import portal_query.app
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from relato_runtime.http import create_app
from relato_runtime.readiness import Readiness

from tests.support.manifests import DEPLOY

MONITORING = DEPLOY / "monitoring"
RUNBOOK = (DEPLOY / "RUNBOOK.md").read_text()
RULES = MONITORING / "alerts.yml"
BOARD = MONITORING / "grafana" / "dashboards" / "relato.json"
SERVICES = (notes.app, notifier.app, history_projector.app, portal_query.app)
"""Imported, so that what each measures is known to this process."""
_NAME = re.compile(r"\brelato_[a-z_]+")
_OF_A_HISTOGRAM = re.compile(r"_(bucket|count|sum)$")


def _alerts() -> dict[str, str]:
    """Every alert with its expression."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}


def _drawn() -> Iterator[str]:
    """Every expression of the dashboard."""
    for panel in json.loads(BOARD.read_text())["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"].replace("$__rate_interval", "5m")


def _documented() -> set[str]:
    return set(re.findall(r"^\| `(relato_[a-z_]+)`", RUNBOOK, re.MULTILINE))


async def _exposed() -> dict[str, str]:
    """What /metrics says there is, with its type."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(
            create_app("Test", service="test", api="/api/test", readiness=Readiness(), lifespan=_nothing)
        ),
        base_url="http://test",
    ) as client:
        text = (await client.get("/metrics")).text
    families = text_string_to_metric_families(text)
    return {
        each.name: each.type
        for each in families
        if each.name.startswith("relato_") and not each.name.endswith("_created")
    }


def _nothing(_app: object) -> "_Nothing":
    return _Nothing()


class _Nothing:
    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...


def _names(exposed: dict[str, str]) -> set[str]:
    return {f"{name}_total" if kind == "counter" else name for name, kind in exposed.items()}


async def test_the_documented_list_is_what_services_expose() -> None:
    assert _documented() == _names(await _exposed())


async def test_alerts_and_dashboard_ask_for_what_there_is() -> None:
    there = _names(await _exposed())
    for expression in (*_alerts().values(), *_drawn()):
        for name in _NAME.findall(expression):
            assert (name if name in there else _OF_A_HISTOGRAM.sub("", name)) in there, expression


def test_each_alert_is_explained_in_the_runbook_and_tried() -> None:
    explained = re.findall(r"^### (Relato\w+)$", RUNBOOK, re.MULTILINE)
    assert explained == list(_alerts())
    tried = yaml.safe_load((MONITORING / "alerts.test.yml").read_text())["tests"]
    assert [each["name"] for each in tried] == [*_alerts(), "all is well"]


def test_panels_do_not_overlap_and_each_says_what_it_shows() -> None:
    panels = json.loads(BOARD.read_text())["panels"]
    places = [
        (column, line)
        for panel in panels
        for at in [panel["gridPos"]]
        for column in range(at["x"], at["x"] + at["w"])
        for line in range(at["y"], at["y"] + at["h"])
    ]
    assert len(places) == len(set(places))
    assert all(panel["title"] for panel in panels)


@pytest.fixture
def promtool() -> str:
    found = shutil.which("promtool") or shutil.which(str(Path(sys.prefix) / "bin" / "promtool"))
    if found is None:
        # Where it can be had, it has to be tried.
        assert "CI" not in os.environ or shutil.which("apt-get") is None, "see deploy/test-programs"
        pytest.skip("no promtool here (deploy/test-programs brings it on Debian and Ubuntu)")
    return found


def test_promtool_tries_the_rules_and_reads_every_expression(promtool: str, tmp_path: Path) -> None:
    drawn = [{"record": f"drawn:{number}", "expr": each} for number, each in enumerate(_drawn())]
    (tmp_path / "drawn.yml").write_text(yaml.safe_dump({"groups": [{"name": "drawn", "rules": drawn}]}))
    for arguments in (
        ("check", "rules", str(RULES), str(tmp_path / "drawn.yml")),
        ("test", "rules", str(MONITORING / "alerts.test.yml")),
        ("check", "config", str(MONITORING / "prometheus.yml")),
    ):
        answer = subprocess.run([promtool, *arguments], capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stdout + answer.stderr
