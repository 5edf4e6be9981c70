"""Processes of a stack that run although nobody looks after them, found by what their environment says."""

import os
import signal

import psutil

from relato.stack.home import Home
from relato.stack.process import MARK

SUPERVISOR = "supervisor"


def supervisor(home: Home) -> psutil.Process | None:
    """The supervisor of that stack, if it runs."""
    return next((process for process, name in _marked(home) if name == SUPERVISOR), None)


def end(home: Home, patience: float) -> int:
    """End every process of that stack but this one, and say how many there were.

    Only processes that both name this RELATO_HOME and bear a stack's mark count, so that a shell or an
    editor with RELATO_HOME set is left alone.
    """
    found = [(process, name) for process, name in _marked(home) if process.pid != os.getpid()]
    found += [(child, name) for process, name in found for child in _descendants(process)]
    processes = list({process.pid: process for process, _ in found}.values())
    for process, name in found:
        # PostgreSQL would wait for its clients after SIGTERM.
        _send(process, signal.SIGINT if name == "postgres" else signal.SIGTERM)
    _, alive = psutil.wait_procs(processes, patience)
    for process in alive:
        _send(process, signal.SIGKILL)
    psutil.wait_procs(alive, 5)
    return len(processes)


def _marked(home: Home) -> list[tuple[psutil.Process, str]]:
    marked = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except psutil.Error:  # another's process, or one that is just ending
            continue
        if environment.get("RELATO_HOME") == str(home.root) and MARK in environment:
            marked.append((process, environment[MARK]))
    return marked


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
