"""GET /: the demo page, plain files that fetch nothing from outside."""

from pathlib import Path

from fastapi import APIRouter, FastAPI, Response
from starlette.types import Scope

from service.files import WholeFile, WholeFiles

FILES = Path(__file__).parent / "static" / "page"

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src blob:; "
        "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",  # asked again each time, so that no browser mixes two releases' files
}

router = APIRouter(include_in_schema=False)


@router.api_route("/", methods=["GET", "HEAD"])
async def page() -> WholeFile:
    """The page, which loads its style and its modules from /page."""
    return WholeFile(FILES / "index.html", headers=HEADERS)


class PageFiles(WholeFiles):
    """What the page loads, under the same policy."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """One file, or 404."""
        response = await super().get_response(path, scope)
        response.headers.update(HEADERS)
        return response


def add_page(app: FastAPI) -> None:
    """Offer / and what it needs."""
    app.include_router(router)
    app.mount("/page", PageFiles(directory=FILES))
