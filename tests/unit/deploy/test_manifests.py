"""Compose and Kubernetes run the services with what their settings know, hardened, nothing dangling."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from tests.support import manifests
from tests.support.manifests import CHECKOUT, COMPOSE, DEPLOY, KUBERNETES, Container, Node

OURS = manifests.containers()
SERVICES = {"notes", "notifier", "history_projector", "portal_query"}


def test_compose_is_valid_by_the_compose_specification() -> None:
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    answer = subprocess.run([*checker, COMPOSE], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_docker_itself_reads_compose() -> None:
    probe = ["docker", "compose", "version"]
    try:
        subprocess.run(probe, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no docker command with compose here; the specification's schema stands in")
    answer = subprocess.run(
        ["docker", "compose", "-f", COMPOSE, "config", "--format", "json"],
        env={**os.environ, **manifests.example_environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["services"].keys() == manifests.composed()["services"].keys()


@pytest.mark.parametrize(
    "resource", manifests.objects(), ids=lambda it: f"{it['kind']}-{it['metadata']['name']}"
)
def test_a_kubernetes_object_is_valid_by_its_schema(resource: Node) -> None:
    kubernetes_validate.validate(resource, "1.37", strict=True)


def test_the_kustomization_names_every_manifest() -> None:
    listed = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    assert sorted([*listed, "kustomization.yaml"]) == sorted(path.name for path in KUBERNETES.glob("*.yaml"))


@pytest.mark.parametrize("where", ["compose", "kubernetes"])
def test_all_services_run_and_topics_are_made_once(where: str) -> None:
    modules = [each.module for each in OURS if each.where.startswith(where)]
    assert sorted(modules) == sorted([*SERVICES, "relato_runtime.topics"])


@pytest.mark.parametrize("container", OURS, ids=str)
def test_a_program_starts_with_the_environment_that_it_is_given(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("RELATO_")]:
        monkeypatch.delenv(name)
    for name, value in container.environment.items():
        monkeypatch.setenv(name, value)
    container.settings()


@pytest.mark.parametrize("container", OURS, ids=str)
def test_every_variable_of_a_program_is_one_of_its_settings(container: Container) -> None:
    assert {name for name in container.own if name.startswith("RELATO_")} == container.own
    common = {"RELATO_OIDC_ISSUER", "RELATO_OIDC_AUDIENCE"}
    assert container.own - common <= _known(container), "misspelt?"


def test_every_variable_that_all_are_given_is_a_setting_of_some() -> None:
    shared = next(each["data"] for each in manifests.objects() if each["kind"] == "ConfigMap")
    image = {name for name in manifests.image_environment("services") if name.startswith("RELATO_")}
    known = set().union(*(_known(container) for container in OURS))
    assert shared.keys() | image <= known


@pytest.mark.parametrize("container", OURS, ids=str)
def test_a_program_runs_without_privileges_on_a_file_system_that_it_cannot_write(
    container: Container,
) -> None:
    spec = container.spec
    if container.where.startswith("compose"):
        assert spec["read_only"] is True
        assert spec["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in spec["security_opt"]
        assert spec["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
        return
    assert spec["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "memory" in spec["resources"]["limits"]
    assert spec["resources"]["requests"].keys() == {"cpu", "memory"}


def test_every_container_of_compose_is_limited_and_looked_after() -> None:
    for name, spec in manifests.composed()["services"].items():
        assert "no-new-privileges:true" in spec["security_opt"], name
        assert spec["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}, name
        assert "healthcheck" in spec, name


@pytest.mark.parametrize("name", ["front-door", "mail"])
def test_what_keeps_nothing_cannot_write_its_file_system(name: str) -> None:
    spec = manifests.composed()["services"][name]
    assert spec["read_only"] is True
    assert spec["cap_drop"] == ["ALL"]


def test_images_run_as_nobody_in_particular() -> None:
    users = {stage: rest for stage, word, rest in manifests.instructions() if word == "USER"}
    assert users == {"services": "10001:10001", "front-door": "10001:10001"}


def test_no_pod_runs_as_root_or_holds_a_token_of_the_cluster() -> None:
    for _, pod in manifests.pods():
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["spec"]["automountServiceAccountToken"] is False


def test_services_are_probed_for_life_and_readiness() -> None:
    for container in OURS:
        if container.module not in SERVICES:
            continue
        if container.where.startswith("compose"):
            assert "/readyz" in container.spec["healthcheck"]["test"][-1]
            continue
        assert container.spec["livenessProbe"]["httpGet"]["path"] == "/healthz"
        assert container.spec["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_kubernetes_keeps_every_record_on_three_brokers_and_waits_for_two() -> None:
    kafka = next(each for each in manifests.objects() if each["kind"] == "StatefulSet")
    assert kafka["spec"]["replicas"] == 3
    container = kafka["spec"]["template"]["spec"]["containers"][0]
    environment = {each["name"]: each["value"] for each in container["env"]}
    assert environment["KAFKA_MIN_INSYNC_REPLICAS"] == "2"
    assert environment["KAFKA_UNCLEAN_LEADER_ELECTION_ENABLE"] == "false"
    topics = next(each for each in OURS if str(each).startswith("kubernetes-topics"))
    assert topics.environment["RELATO_REPLICATION"] == "3"


def test_kubernetes_references_lead_somewhere() -> None:
    labels = [pod["metadata"]["labels"] for _, pod in manifests.pods()]
    services = set()
    for each in manifests.objects():
        if each["kind"] == "Service":
            services.add(each["metadata"]["name"])
            assert any(each["spec"]["selector"].items() <= found.items() for found in labels)
        if each["kind"] in {"Deployment", "StatefulSet", "PodDisruptionBudget"}:
            wanted = each["spec"]["selector"]["matchLabels"]
            assert any(wanted.items() <= found.items() for found in labels)
    ingress = next(each for each in manifests.objects() if each["kind"] == "Ingress")
    [rule] = ingress["spec"]["rules"]
    assert rule["http"]["paths"][0]["backend"]["service"]["name"] in services
    for name, pod in manifests.pods():
        for container in pod["spec"]["containers"]:
            volumes = {volume["name"] for volume in pod["spec"].get("volumes", [])} | {"data"}
            assert {mount["name"] for mount in container.get("volumeMounts", [])} <= volumes, name


def test_the_readme_says_which_secrets_to_make() -> None:
    readme = (KUBERNETES / "README.md").read_text()
    for _, pod in manifests.pods():
        for container in pod["spec"]["containers"]:
            for variable in container.get("env", []):
                if "valueFrom" in variable:
                    reference = variable["valueFrom"]["secretKeyRef"]
                    row = next(line for line in readme.splitlines() if f"| `{reference['name']}` |" in line)
                    assert f"`{reference['key']}`" in row


def test_the_front_door_accepts_its_configuration_as_containers_are_given_it(tmp_path: Path) -> None:
    composed = manifests.composed()["services"]["front-door"]["environment"]
    [kubernetes] = [pod["spec"]["containers"][0] for name, pod in manifests.pods() if name == "front-door"]
    caddyfile = (DEPLOY / "Caddyfile").read_text()
    caddy = Path(sysconfig.get_path("scripts")) / "caddy"
    for environment in (composed, {each["name"]: each["value"] for each in kubernetes["env"]}):
        for name in environment:
            assert f"{{${name}" in caddyfile, name
        answer = subprocess.run(
            [caddy, "validate", "--adapter", "caddyfile", "--config", DEPLOY / "Caddyfile"],
            env={"HOME": str(tmp_path), **environment},
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, answer.stderr


def _known(container: Container) -> set[str]:
    return {f"RELATO_{name.upper()}" for name in container.settings.model_fields}
