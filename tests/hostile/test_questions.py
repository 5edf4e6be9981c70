"""Questions to the portal by people who want to know what is not theirs, or more than there is."""

import statistics
import time

import httpx
import pytest
from portal_query.settings import PortalSettings

from tests.integration.portal_query.conftest import Portal
from tests.support.projection import recorded
from tests.support.tokens import WORTHLESS

_META = [
    "'", "''", '"', "\\", "%", "_", "%%", "\\%", "' OR 1=1 --", "'; DROP TABLE x; --", "1) OR (1=1",
    "$1", ":x", "{}", "*/", "\x07", "e\u0301", "\u202e", "(", "[a-z]+", "(a+)+$", "a" * 200, "\ud7ff",
    "ﷺ" * 200, "İ" * 200,
]  # fmt: skip


@pytest.fixture
def settings(settings: PortalSettings) -> PortalSettings:
    return settings.model_copy(update={"requests_per_second": 100_000})


async def asked(portal: Portal, person: str, path: str, **parameters: str) -> httpx.Response:
    return await portal.http.get(
        f"/api/portal{path}", params=parameters, headers=portal.issuer.bearer(person)
    )


async def test_what_means_something_in_sql_is_searched_for(portal: Portal) -> None:
    await portal.history.tell(
        recorded(description_html="<p>100% _x_ O'Neil</p>", description_text="100% _x_ O'Neil")
    )
    for text in _META:
        for path in ("/tickets", "/tickets/1001/history"):
            answer = await asked(portal, "carlos", path, q=text)
            assert answer.status_code == 200, (text, answer.text)
    for text, found in (
        ("%", 1),
        ("100%", 1),
        ("1%0", 0),
        ("_x_", 1),
        ("___", 0),
        ("o'neil", 1),
        ("' OR 1=1 --", 0),
    ):
        answer = await asked(portal, "carlos", "/tickets/1001/history", q=text, kind="occurrence")
        assert len(answer.json()["items"]) == found, text


async def test_parameters_of_another_form_are_invalid(portal: Portal) -> None:
    for name, text in [
        *(("status", each) for each in ("' OR 1=1", "open'", "OPEN", "")),
        *(("group", each) for each in ("' OR 1=1", "a b", "", "x" * 65)),
        *(("q", each) for each in ("\0", "a" * 201)),
        *(("cursor", each) for each in ("x", "", "a.b", "' OR 1=1", "e30.e30", "x" * 2_000, "W10.", "\0")),
    ]:
        answer = await asked(portal, "carlos", "/tickets", **{name: text})
        assert answer.status_code == 422, (name, text, answer.text)
    for text in ("now", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z", "2026-11-24", "1", "1e308",
                 "' OR 1=1", "2026-11-24T12:00:00", "\0"):  # fmt: skip
        answer = await asked(portal, "carlos", "/tickets/1001/history", as_of=text)
        assert answer.status_code == 422, (text, answer.text)
    for text in ("-1", "2147483648", "1e3", "' OR 1=1", "99999999999999999999"):
        answer = await asked(portal, "carlos", "/tickets/1001/history", min_version=text)
        assert answer.status_code == 422, (text, answer.text)
    for text in ("x", "99999999999-1-1", "1-99999999999999-99999999999999", "0-0-0", "-1--1--1"):
        headers = portal.issuer.bearer("carlos") | {"Last-Event-ID": text}
        async with portal.http.stream("GET", "/api/portal/tickets/1001/stream", headers=headers) as stream:
            assert stream.status_code in {200, 422}, text


async def test_what_pages_ask_for_in_another_form_is_invalid(portal: Portal) -> None:
    streams = [
        ("carlos", "/desk/stream"),
        ("carlos", "/desk/tickets/1001/stream"),
        ("ana", "/portal/stream"),
        ("ana", "/portal/requests/1001/stream"),
    ]
    for person_id, path in [
        *(("carlos", f"/desk?{name}=%00") for name in ("q", "status", "group", "assignee")),
        *(("carlos", f"/desk/stream?since=2026-11-28T00:00:00Z&{name}=%00") for name in ("q", "group")),
        ("carlos", "/desk/tickets/1001/history?author=%00"),
        *(
            (who, f"{path}?since={since}&after=0&settings=x")
            for who, path in streams
            for since in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1")
        ),
        *(
            ("carlos", f"/desk/tickets/1001/history?as_of={moment}")
            for moment in ("2026-13-01", "9999-12-31T23:59", "0001-01-01T00:00", "%00")
        ),
    ]:
        headers = portal.issuer.bearer(person_id) | {"Accept": "text/html"}
        answer = await portal.http.get(path, headers=headers)
        assert answer.status_code == 422, (path, answer.text[:500])


async def test_a_cursor_that_was_changed_in_any_place_is_invalid(portal: Portal) -> None:
    await portal.history.tell(*(recorded() for _ in range(60)))
    cursor = (await asked(portal, "carlos", "/tickets/1001/history")).json()["next_cursor"]
    assert (await asked(portal, "carlos", "/tickets/1001/history", cursor=cursor)).status_code == 200
    for place in range(0, len(cursor), 7):
        changed = cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :]
        answer = await asked(portal, "carlos", "/tickets/1001/history", cursor=changed)
        # The last character of base64 has bits that mean nothing.
        assert answer.status_code == 422 or place == len(cursor) - 1, (place, answer.text)
    for path in ("/tickets/1002/history", "/tickets/1001/notifications", "/tickets", "/tickets/1001/chat"):
        assert (await asked(portal, "carlos", path, cursor=cursor)).status_code == 422


async def test_tickets_of_others_cannot_be_told_from_unknown_ones(portal: Portal) -> None:
    paths = ["/my/requests/{}", "/my/requests/{}/history", "/my/requests/{}/chat", "/my/requests/{}/stream"]
    desk = ["/tickets/{}", "/tickets/{}/history", "/tickets/{}/notifications", "/tickets/{}/stream"]
    for person, path in [*(("ana", each) for each in paths), *(("olga", each) for each in desk)]:
        others = await asked(portal, person, path.format("1002"))
        unknown = await asked(portal, person, path.format("9002"))
        assert (others.status_code, others.content) == (404, unknown.content), path
        assert _told(others) == _told(unknown)


@pytest.mark.parametrize("person", ["ana", "olga"])
async def test_nor_by_how_long_the_answer_takes(portal: Portal, person: str) -> None:
    """Medians of many, taken alternately: within a millisecond, or a quarter of what an answer takes."""
    path = "/my/requests/{}/history" if person == "ana" else "/tickets/{}/history"
    await portal.history.tell(*(recorded("1002", visible_to_requester=True) for _ in range(200)))
    times: dict[str, list[float]] = {"1002": [], "9002": []}
    for _ in range(120):
        for ticket_id, taken in times.items():
            began = time.perf_counter()
            assert (await asked(portal, person, path.format(ticket_id))).status_code == 404
            taken.append(time.perf_counter() - began)
    others, unknown = (statistics.median(taken[20:]) for taken in times.values())
    assert abs(others - unknown) < max(0.001, unknown / 4), (others, unknown)


def _told(answer: httpx.Response) -> set[tuple[str, str]]:
    return {(name, value) for name, value in answer.headers.items() if name != "date"}


async def test_tokens_that_do_not_count_are_401_everywhere(portal: Portal) -> None:
    for number, token in enumerate(WORTHLESS):
        headers = {"Authorization": f"Bearer {token(portal.issuer)}"}
        for path in ("/tickets", "/tickets/1001/history", "/tickets/1001/stream", "/my/requests"):
            answer = await portal.http.get(f"/api/portal{path}", headers=headers)
            assert answer.status_code == 401, (number, path, answer.text)
            assert answer.headers["www-authenticate"].startswith("Bearer")
    for header in ("Basic YTpi", "Bearer", "bearer x y", "Token x"):
        answer = await portal.http.get("/api/portal/tickets", headers={"Authorization": header})
        assert answer.status_code == 401, header
