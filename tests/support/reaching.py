"""Clients of what the tests themselves serve: in the clear, and past any proxy."""

import ssl
from typing import Any

import httpx

# Without authorities, which nobody here has signed by: to read them took longer than most requests.
_UNUSED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def reaching(address: str = "", *, timeout: float = 20, **options: Any) -> httpx.AsyncClient:
    """A client whose requests begin at an address, and wait for ``timeout`` seconds."""
    return httpx.AsyncClient(base_url=address, timeout=timeout, trust_env=False, verify=_UNUSED, **options)
