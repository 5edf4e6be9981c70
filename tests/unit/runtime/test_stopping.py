"""What a service does after SIGTERM fits into the time that it has."""

import yaml
from relato_runtime import stopping

from tests.support import manifests
from tests.support.manifests import KUBERNETES


def test_the_steps_of_a_stop_fit_into_what_a_service_has() -> None:
    assert stopping.REQUESTS + stopping.LOOPS + stopping.POOL < stopping.IN_ALL


def test_what_a_loop_holds_fits_into_what_loops_have() -> None:
    assert stopping.ONE_LOOP + stopping.POOL <= stopping.LOOPS, "a generation's loop, then its connections"
    assert stopping.PRODUCER + stopping.SUBSCRIBER + stopping.BROKER <= stopping.ONE_LOOP
    assert stopping.CLAIM + stopping.MAILS <= stopping.ONE_LOOP


def test_containers_are_given_that_time() -> None:
    given = {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        for name in ("notes", "notifier", "history-projector", "portal-query")
        for each in yaml.safe_load_all((KUBERNETES / f"{name}.yaml").read_text())
        if each["kind"] == "Deployment"
    }
    assert len(given) == 4
    assert min(given.values()) > stopping.IN_ALL
    periods = [
        service["stop_grace_period"]
        for service in manifests.composed()["services"].values()
        if "stop_grace_period" in service
    ]
    assert min(int(period.removesuffix("s")) for period in periods) > stopping.IN_ALL
