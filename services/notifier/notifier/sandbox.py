"""Renders templates that people wrote, in a process of its own that may be killed.

Jinja2's sandbox keeps templates away from Python, not from eating time and memory: here a timer
of the operating system ends the process, and its memory is bounded. It reads requests from
standard input and answers on standard output, each a length (4 bytes, big endian) and JSON; the
end of its input ends it.
"""

import json
import resource
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from css_inline import CSSInliner
from jinja2 import Template
from markupsafe import Markup
from relato_runtime.mail_templates import HTML, PLAIN
from relato_runtime.template_faults import Fault, fault

MEMORY_LIMIT_BYTES = 512 * 1024 * 1024
LIMITS = {"subject": 1_000, "text": 512 * 1024, "html": 512 * 1024}
"""How many characters each part may have."""

# Nothing is fetched: neither from the network nor from files.
_INLINER = CSSInliner(load_remote_stylesheets=False)


def main() -> None:
    """Answer requests until there are no more."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    while header := sys.stdin.buffer.read(4):
        request = json.loads(sys.stdin.buffer.read(int.from_bytes(header)))
        # The default action of SIGALRM ends the process, also where Python itself is not listening.
        signal.setitimer(signal.ITIMER_REAL, request["seconds"])
        answer = json.dumps(render(request["parts"], request["variables"])).encode()
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.stdout.buffer.write(len(answer).to_bytes(4) + answer)
        sys.stdout.buffer.flush()


def render(parts: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, Any]:
    """The rendered ``subject``, ``text`` and ``html``; or ``error``, with the part and what is wrong.

    ``fault`` says the latter to whoever wrote the template.
    """
    marked = {
        name: Markup(value) if name.endswith("_html") else value  # noqa: S704  # sanitised when recorded
        for name, value in variables.items()
    }
    rendered: dict[str, Any] = {}
    for part, limit in LIMITS.items():
        try:
            rendered[part] = _bounded(
                _compiled(part, parts[part]), marked if part == "html" else variables, limit
            )
        except Exception as error:  # templates can raise anything; the answer says what
            return {
                "error": f"{part}: {type(error).__name__}: {error}"[:500],
                "fault": asdict(_fault(error)),
            }
    try:
        rendered["html"] = _INLINER.inline(rendered["html"])
    except ValueError as error:  # css-inline's own errors are kinds of it
        return {"error": f"html: {error}"[:500], "fault": asdict(fault(str(error), otherwise="rendering"))}
    return rendered


def _fault(error: Exception) -> Fault:
    """What is wrong, and in which line of the template, where Jinja2 knows it."""
    said = str(getattr(error, "message", None) or error) or type(error).__name__
    line: int | None = getattr(error, "lineno", None)
    step = error.__traceback__
    while step is not None:
        # Jinja2 puts steps of its own, with the template's lines, in place of those of what it compiled.
        if "__jinja_exception__" in step.tb_frame.f_globals:
            line = step.tb_lineno
        step = step.tb_next
    return fault(said, line, otherwise="rendering")


@lru_cache(maxsize=256)
def _compiled(part: str, source: str) -> Template:
    return (HTML if part == "html" else PLAIN).from_string(source)


def _bounded(template: Template, variables: Mapping[str, str], limit: int) -> str:
    chunks, length = [], 0
    for chunk in template.generate(variables):
        chunks.append(chunk)
        length += len(chunk)
        if length > limit:
            raise ValueError(f"more than {limit} characters")
    return "".join(chunks)


if __name__ == "__main__":
    main()
