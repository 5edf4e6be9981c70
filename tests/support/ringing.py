"""Whether alerts would ring, if what processes say now stayed so: promtool tries the rules on it."""

import asyncio
import math
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import httpx
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.support.manifests import DEPLOY
from tests.support.reaching import reaching

RULES = DEPLOY / "monitoring" / "alerts.yml"
_NAME = re.compile(r"\b(?:relato_[a-z_]+|up)\b")


def promtool() -> str | None:
    """The program, if it is here: ``deploy/test-programs`` brings it."""
    return shutil.which("promtool") or shutil.which(str(Path(sys.executable).with_name("promtool")))


async def scraped(processes: Mapping[str, tuple[str, str]]) -> list[str]:
    """What Prometheus would read now, as series; of each process, by its name, service and address."""
    async with reaching(timeout=5) as client:
        return [
            each
            for name, (service, address) in processes.items()
            for each in await _of_process(
                client, f'job="relato", service="{service}", instance="{name}"', address
            )
        ]


async def _of_process(client: httpx.AsyncClient, where: str, address: str) -> list[str]:
    try:
        text = (await client.get(f"{address}/metrics")).raise_for_status().text
    except httpx.HTTPError:
        return [f"up{{{where}}} 0"]
    return [f"up{{{where}}} 1", *_series(text, where)]


def _series(text: str, where: str) -> Iterator[str]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if not math.isnan(sample.value):
                labels = ", ".join([where, *(f'{name}="{value}"' for name, value in sample.labels.items())])
                yield f"{sample.name}{{{labels}}} {sample.value}"


async def ring(series: Iterable[str], alert: str) -> bool:
    """Whether an alert rings after an hour of that."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    expression = next(rule["expr"] for group in groups for rule in group["rules"] if rule["alert"] == alert)
    names = set(_NAME.findall(expression))
    inputs = [each.rpartition(" ") for each in series if each.partition("{")[0] in names]
    tried = {
        "rule_files": [str(RULES)],
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": f"{value}x60"} for name, _, value in inputs],
                "alert_rule_test": [{"alertname": alert, "eval_time": "1h", "exp_alerts": []}],
            }
        ],
    }
    program = promtool()
    assert program is not None
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "tried.yml"
        file.write_text(yaml.safe_dump(tried))
        process = await asyncio.create_subprocess_exec(
            *(program, "test", "rules", str(file)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
    assert process.returncode == 0 or b"got:" in said, said.decode()
    return process.returncode != 0
