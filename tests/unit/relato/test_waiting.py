"""How `relato status` counts what waits for a person."""

from typing import Any

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from relato.commands.waiting import LOOKS, counted, measured

from tests.support.serving import serving

_SAID = """\
# HELP relato_dead_letters_waiting Dead letters about which nobody has decided
# TYPE relato_dead_letters_waiting gauge
relato_dead_letters_waiting{consumer="notifier"} 2.0
relato_dead_letters_waiting{consumer="gone"} NaN
# HELP relato_mails Mails of the ledger that are open or were not accepted, by their state
# TYPE relato_mails gauge
relato_mails{state="uncertain"} 1.0
relato_mails{state="dead"} 0.0
relato_mails{state="retry"} 7.0
# HELP relato_mails_waiting Events whose mail waits for facts of the ITSM
# TYPE relato_mails_waiting gauge
relato_mails_waiting 5.0
"""


def sample(name: str, value: float | None, **labels: str) -> dict[str, Any]:
    return {"name": name, "labels": labels, "value": value}


def test_what_all_processes_say_of_one_database_counts_once_and_each_consumer_for_itself() -> None:
    processes = [
        {
            "samples": [
                sample("relato_dead_letters_waiting", 1, consumer="history/1"),
                sample("relato_dead_letters_waiting", known, consumer="history-reference"),
                sample("relato_parked_tickets", 3, generation="1"),
                sample("relato_parked_tickets", 2, generation="2"),
            ]
        }
        for known in (4, None)
    ]
    assert counted(processes) == {
        "dead_letters": 5,
        "mails_uncertain": None,
        "mails_given_up": None,
        "parked_tickets": 3,
    }


def test_each_number_has_a_command_that_names_what_waits() -> None:
    assert counted([]) == dict.fromkeys(LOOKS)


async def test_processes_are_asked_as_prometheus_asks_them_and_who_does_not_answer_knows_nothing() -> None:
    app = FastAPI()

    @app.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> str:
        return _SAID

    async with serving(app) as address:
        processes = await measured([address, "http://127.0.0.1:9"])
    assert counted(processes) == {
        "dead_letters": 2,
        "mails_uncertain": 1,
        "mails_given_up": 0,
        "parked_tickets": None,
    }
