"""GET /docs: the OpenAPI page, with nothing fetched from outside."""

from pathlib import Path

import fastapi_offline
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse

from service import openapi
from service.files import WholeFile, WholeFiles

PAGE = Path(__file__).parent / "static" / "docs"
SWAGGER_UI = Path(fastapi_offline.__file__).parent / "static"
"""Only the files of that package are used: its page has an inline script, which our policy forbids."""

POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def page() -> WholeFile:
    """The page, which loads the two scripts below."""
    return WholeFile(PAGE / "index.html", headers={"Content-Security-Policy": POLICY})


@router.get("/openapi.json")
async def schema(request: Request) -> JSONResponse:
    """What the page shows, and what clients are made from."""
    return JSONResponse(openapi.complete(request.app.openapi()))


@router.get("/docs/start.js")
async def start() -> WholeFile:
    """The script that starts Swagger UI on our openapi.json."""
    return WholeFile(PAGE / "start.js")


def add_documentation(app: FastAPI) -> None:
    """Offer /docs and what it needs."""
    app.include_router(router)
    app.mount("/docs/assets", WholeFiles(directory=SWAGGER_UI))
