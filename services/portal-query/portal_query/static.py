"""Scripts, styles and icons: their addresses change with their content, so browsers keep them for good."""

import hashlib
from collections.abc import Mapping
from mimetypes import guess_type
from pathlib import Path

from fastapi import APIRouter, Response
from starlette.exceptions import HTTPException

_ROOT = Path(__file__).with_name("static")
# Not from the machine's table, which differs from one to the next.
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".txt": "text/plain"}


class Static:
    """All files below ``static``, read once.

    The hash in the address is of all of them together, so that modules find each other by relative addresses.
    """

    def __init__(self, root: Path = _ROOT) -> None:
        self._files: Mapping[str, bytes] = {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }
        digest = hashlib.blake2b(digest_size=8)
        for name, content in self._files.items():
            digest.update(name.encode() + b"\0" + len(content).to_bytes(8, "big") + content)
        self._digest = digest.hexdigest()

    def address(self, name: str) -> str:
        """Where a file is served; ``KeyError`` for one that there is not."""
        if name not in self._files:
            raise KeyError(name)
        return f"/static/{self._digest}/{name}"

    def routes(self) -> APIRouter:
        """The route below ``/static``."""
        router = APIRouter(include_in_schema=False)

        @router.get("/static/{digest}/{name:path}")
        async def static(digest: str, name: str) -> Response:
            content = self._files.get(name)
            if content is None:
                raise HTTPException(404)
            media = _TYPES.get(Path(name).suffix) or guess_type(name)[0] or "application/octet-stream"
            # A page of another version, while both run, gets what we have and keeps it for no longer.
            lasting = "public, max-age=31536000, immutable" if digest == self._digest else "no-cache"
            return Response(content, media_type=media, headers={"Cache-Control": lasting})

        return router
