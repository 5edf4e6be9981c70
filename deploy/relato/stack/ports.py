"""Ports on the loopback interface, chosen once and kept for as long as nobody else takes them."""

import json
import random
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

from relato.errors import StackError
from relato.stack.home import plain_errors, write_private

# Below the range that Linux hands to outgoing connections, which could take a port between two starts.
_RANGE = range(20_000, 32_000)


def chosen(path: Path, names: Iterable[str]) -> Mapping[str, int]:
    """A free port for each name: the one in the file if it still is free, else a new one, written there."""
    with plain_errors(path):
        known = _read(path)
        ports: dict[str, int] = {}
        for name in names:
            port = known.get(name, 0)
            if port in ports.values() or not is_free(port):
                port = free(avoiding=ports.values())
            ports[name] = port
        if ports != known:
            write_private(path, json.dumps(ports, indent=1))
    return ports


def free(avoiding: Iterable[int] = ()) -> int:
    """A port that nobody listens on now."""
    taken = set(avoiding)
    for port in random.sample(_RANGE, 200):
        if port not in taken and is_free(port):
            return port
    raise StackError("No free port was found on 127.0.0.1 between 20000 and 32000.")


def is_free(port: int) -> bool:
    """Whether something could listen on that port of 127.0.0.1."""
    if not port:
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: what lingers from closed connections is no obstacle to them.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _read(path: Path) -> dict[str, int]:
    try:
        known = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    if not isinstance(known, dict):
        return {}
    return {str(name): port for name, port in known.items() if isinstance(port, int)}
