"""Where a browser may be sent after its login."""

import pytest
from portal_query.login import local

SEARCH = "%C3%A7%C3%A3o"


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/desk",
        "/desk/tickets/1001?kind=mail&kind=chat",
        "/portal/requests/1001#v3",
        "/desk?next=//x",
        f"/desk?q={SEARCH * 100}",
    ],
)
def test_an_address_of_this_origin_stays_as_it_is(address: str) -> None:
    assert local(address) == address


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "desk",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/ /evil.example",
        "https://evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "/desk\r\nSet-Cookie: a=b",
        "/desk\x00",
        "/" + "x" * 2_000,
        "//evil.example?q=" + "x" * 2_000,
        "/login?q=" + "x" * 2_000,
        "/login?next=/login",
        "/callback?code=1",
        "/login/start?next=/desk",
        "/logout",
        "/session/authorize",
    ],
)
def test_any_other_address_becomes_the_first_page(address: str | None) -> None:
    assert local(address) == "/"


@pytest.mark.parametrize("query", [f"q={SEARCH * 200}", "q=" + "ç" * 400])
def test_of_an_address_that_is_too_long_to_be_kept_its_path_stays(query: str) -> None:
    assert local(f"/desk/tickets/1001/history?{query}") == "/desk/tickets/1001/history"
