"""What operators see of each service, through the front door."""

import pytest

from tests.support.stack import Stack
from tests.support.waiting import until


@pytest.mark.parametrize(
    ("service", "measured"),
    [
        ("notes", "relato_relayed_total"),
        ("notifier", "relato_mail_attempts_total"),
        ("history-projector", "relato_projected_facts_total"),
        ("portal-query", "relato_ticket_followers"),
    ],
)
async def test_operators_see_whether_a_service_is_ready_and_what_it_measures(
    stack: Stack, service: str, measured: str
) -> None:
    path = f"/api/operate/services/{service}"
    answer = await stack.http.get(path, headers=await stack.bearer("olga"))
    assert answer.status_code == 200, answer.text
    seen = answer.json()
    assert (seen["service"], seen["ready"], seen["missing"]) == (service, True, {})
    assert measured in {each["name"] for each in seen["samples"]}
    assert (await stack.http.get(path, headers=await stack.bearer("davi"))).status_code == 403
    assert (await stack.http.get(path)).status_code == 401


async def test_status_counts_what_waits_for_a_person_and_names_the_commands(stack: Stack) -> None:
    async def known() -> bool:
        waiting = (await stack.json("status"))["waiting"]
        return all(isinstance(number, int) for number in waiting.values())

    await until(known, within=60, what="everything to be counted")
    shown = [line.rstrip() for line in (await stack.said("status")).splitlines()]
    for command in ("dead-letters list", "emails list --state uncertain", "emails list --state dead"):
        assert any(line.endswith(f"relato {command}") for line in shown), shown
