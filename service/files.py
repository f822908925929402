"""Files that are sent whole: small as they are here, nobody needs a part of one, or an error in plain text about it."""

from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send


class WholeFile(FileResponse):
    """A file, whatever range of it is asked for."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        await super().__call__(without_range(scope), receive, send)


class WholeFiles(StaticFiles):
    """Those of a folder."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send one."""
        await super().__call__(without_range(scope), receive, send)


def without_range(scope: Scope) -> Scope:
    """A request as it would be without its Range."""
    return {**scope, "headers": [(name, value) for name, value in scope["headers"] if name != b"range"]}
