"""GET /v1/model: the model card, for programs."""

from dataclasses import asdict

from fastapi import APIRouter

from service import openapi
from service.deps import ClassifierDep
from service.schemas import ModelCard

router = APIRouter(tags=["model"])


@router.get("/v1/model", **openapi.MODEL)
async def model_card(classifier: ClassifierDep) -> ModelCard:
    """Where the model that answers came from, and what it was seen to do."""
    return ModelCard(**asdict(classifier.record))
