"""The probes. Both are coroutines that touch no pool and no lock, so that load cannot fail them."""

from fastapi import APIRouter

from service import openapi
from service.deps import ReadinessDep
from service.errors import NotReady
from service.schemas import Status

router = APIRouter(tags=["health"])


@router.head("/livez", include_in_schema=False)
@router.get("/livez", **openapi.LIVE)
async def livez() -> Status:
    """The process answers."""
    return Status(status="alive")


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", **openapi.READY)
@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", include_in_schema=False)
@router.head("/health", include_in_schema=False)
@router.get("/health", include_in_schema=False)
async def readyz(readiness: ReadinessDep) -> Status:
    """Traffic should come here: the golden sample was classified rightly, and no stop is under way."""
    if readiness.state != "ready":
        raise NotReady(readiness.state)
    return Status(status=readiness.state)
