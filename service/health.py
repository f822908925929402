"""The probes. Both are coroutines that touch no pool and no lock, so that load cannot fail them."""

from typing import TypedDict

from fastapi import APIRouter, Request

from service import openapi
from service.deps import held_for
from service.errors import NotReady
from service.schemas import Status

router = APIRouter(tags=["health"])


class Hidden(TypedDict):
    """Keyword arguments of a route that is not in the documentation."""

    methods: list[str]
    include_in_schema: bool


HIDDEN: Hidden = {"methods": ["GET", "HEAD"], "include_in_schema": False}
"""Answers all the asking; the visible routes above only document it. Tried first, so that 405 names both methods."""


@router.get("/livez", **openapi.LIVE)
@router.api_route("/livez", **HIDDEN)
async def livez() -> Status:
    """The process answers."""
    return Status(status="alive")


@router.get("/readyz", **openapi.READY)
@router.api_route("/readyz", **HIDDEN)
@router.api_route("/healthz", **HIDDEN)
@router.api_route("/health", **HIDDEN)
async def readyz(request: Request) -> Status:
    """Traffic should come here: the golden sample was classified rightly, and no stop is under way."""
    state = held_for(request).readiness.state
    if state != "ready":
        raise NotReady(state)
    return Status(status=state)
