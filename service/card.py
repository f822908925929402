"""GET /v1/model: the model card, for programs."""

from dataclasses import asdict

from fastapi import APIRouter, Request

from service import openapi
from service.classifier import ModelError
from service.deps import held_for
from service.errors import NotFound
from service.schemas import Kernels, ModelCard

router = APIRouter(tags=["model"])


@router.get("/v1/model/kernels", **openapi.KERNELS)
async def kernels(request: Request) -> dict[str, Kernels]:
    """What the convolutions C1 and C3 look for: their weights, for those who draw them."""
    try:
        return held_for(request).serving.classifier.kernels()
    except ModelError:
        raise NotFound("The model that is served came without its kernels.") from None


@router.get("/v1/model", **openapi.MODEL)
async def model_card(request: Request) -> ModelCard:
    """Where the model that answers came from, and what it was seen to do."""
    return ModelCard(**asdict(held_for(request).serving.classifier.record))
