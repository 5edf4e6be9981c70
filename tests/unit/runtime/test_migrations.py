"""Migrations of the runtime and of a service go to one database."""

from collections import Counter
from importlib.resources import files

import pytest


@pytest.mark.parametrize(
    "packages",
    [
        ("relato_runtime", "notes"),
        ("relato_runtime", "notifier"),
        ("relato_runtime", "history_projector"),
        ("portal_query",),  # which writes down its own, apart from the projector's
    ],
)
def test_no_two_migrations_of_one_database_share_a_number(packages: tuple[str, ...]) -> None:
    names = [
        each.name
        for package in packages
        for each in files(package).joinpath("migrations").iterdir()
        if each.name.endswith(".sql")
    ]
    numbers = Counter(name.partition("_")[0] for name in names)
    assert len(names) > 2
    assert [number for number, times in numbers.items() if times > 1] == []
