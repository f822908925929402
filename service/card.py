"""GET /v1/model: the model card, for programs."""

from dataclasses import asdict

from fastapi import APIRouter, Request

from service import openapi
from service.deps import held_for
from service.schemas import ModelCard

router = APIRouter(tags=["model"])


@router.get("/v1/model", **openapi.MODEL)
async def model_card(request: Request) -> ModelCard:
    """Where the model that answers came from, and what it was seen to do."""
    return ModelCard(**asdict(held_for(request).serving.classifier.record))
