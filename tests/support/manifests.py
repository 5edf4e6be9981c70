"""What deploy/ says about containers: Dockerfile, compose and Kubernetes, read as data."""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml
from relato_runtime.settings import KafkaSettings, ServiceSettings
from relato_runtime.topics import TopicSettings

CHECKOUT = Path(__file__).resolve().parents[2]
DEPLOY = CHECKOUT / "deploy"
COMPOSE = DEPLOY / "compose" / "compose.yaml"
KUBERNETES = DEPLOY / "kubernetes"
DOCKERFILE = DEPLOY / "Dockerfile"

Node = dict[str, Any]  # YAML as it comes
_SECRET = "0123456789abcdef0123456789abcdef"
_DATABASE = f"postgresql://role:{_SECRET}@db.example:5432/name"
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*)|:\?[^}]*)?\}")


@dataclass(frozen=True, slots=True)
class Container:
    """One of our own programs as a manifest runs it."""

    where: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    """With stand-ins for what is secret."""
    own: frozenset[str]
    """The names that are set for it alone, rather than for all."""
    spec: Node

    def __str__(self) -> str:
        return f"{self.where}-{self.module}"

    @property
    def module(self) -> str:
        return self.command[2]

    @property
    def settings(self) -> type[KafkaSettings]:
        """The model that this program reads its environment with."""
        if self.module == "relato_runtime.topics":
            return TopicSettings
        models = vars(import_module(f"{self.module}.settings")).values()
        return next(
            model
            for model in models
            if isinstance(model, type)
            and issubclass(model, ServiceSettings)
            and model.__module__ == f"{self.module}.settings"
        )


def example_environment() -> dict[str, str]:
    """The variables of compose's .env.example, with stand-ins for what is to be filled in."""
    lines = (COMPOSE.parent / ".env.example").read_text().splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value or _SECRET for name, _, value in pairs}


def composed() -> Node:
    """compose.yaml with the variables of the example filled in."""
    given = example_environment()

    def fill(found: re.Match[str]) -> str:
        value = given.get(found["name"], found["default"])
        assert value is not None, f"{found['name']} is not in .env.example and has no default"
        return value

    document: Node = yaml.safe_load(_VARIABLE.sub(fill, COMPOSE.read_text()))
    return document


def objects() -> list[Node]:
    """Every Kubernetes object, in the order in which the kustomization names their files."""
    listed = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    return [each for name in listed for each in yaml.safe_load_all((KUBERNETES / name).read_text())]


def containers() -> list[Container]:
    """Every container that runs one of our own programs."""
    return [*_of_compose(), *_of_kubernetes()]


def pods() -> Iterator[tuple[str, Node]]:
    """Every pod template by the name of what makes it."""
    for each in objects():
        if each["kind"] in {"Deployment", "StatefulSet", "Job"}:
            yield each["metadata"]["name"], each["spec"]["template"]


def instructions() -> list[tuple[str, str, str]]:
    """The Dockerfile's instructions: stage, word, and the rest on one line."""
    joined = re.sub(r"\\\n\s*", "", DOCKERFILE.read_text())
    found, stage = [], ""
    for line in joined.splitlines():
        word, _, rest = line.partition(" ")
        if word == "FROM":
            stage = rest.rpartition(" ")[2]
        if word.isupper():
            found.append((stage, word, rest))
    return found


def image_environment(stage: str) -> dict[str, str]:
    """What a stage of the Dockerfile puts into the environment."""
    pairs = (
        pair.partition("=")
        for at, word, rest in instructions()
        if at == stage and word == "ENV"
        for pair in shlex.split(rest)
    )
    return {name: value for name, _, value in pairs}


def _of_compose() -> Iterator[Container]:
    for name, spec in composed()["services"].items():
        if not str(spec["image"]).startswith("relato:"):
            continue
        given = {key: str(value) for key, value in spec["environment"].items()}
        yield Container(
            f"compose-{name}",
            tuple(spec["command"]),
            {**image_environment("services"), **given},
            frozenset(given),
            spec,
        )


def _of_kubernetes() -> Iterator[Container]:
    shared = next(each["data"] for each in objects() if each["kind"] == "ConfigMap")
    for name, pod in pods():
        for spec in pod["spec"]["containers"]:
            if spec["image"] != "relato":
                continue
            own = {each["name"]: _stand_in(each) for each in spec["env"]}
            yield Container(
                f"kubernetes-{name}",
                tuple(spec["command"]),
                {**image_environment("services"), **shared, **own},
                frozenset(own),
                spec,
            )


def _stand_in(variable: Node) -> str:
    if "value" in variable:
        return str(variable["value"])
    key = str(variable["valueFrom"]["secretKeyRef"]["key"])
    if key.endswith("database-url"):
        return _DATABASE
    return "smtp://mail.example:25" if key == "smtp-url" else _SECRET
