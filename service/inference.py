"""What the JSON of an inference request may say, in the words of the Open Inference Protocol."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from model.contract import EVIDENCE, INPUT_NAME, LOGITS, PROBABILITIES


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class _Parameters(_Part):
    model_config = ConfigDict(extra="forbid")


class InputParameters(_Parameters):
    """What may be said of an input."""

    binary_data_size: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Bytes of the tensor, which then follow the JSON instead of `data`."
    )


class InputTensor(_Part):
    """The images."""

    name: str = Field(json_schema_extra={"enum": [INPUT_NAME]})
    datatype: str = Field(json_schema_extra={"enum": ["FP32", "UINT8", "BYTES"]})
    shape: list[int] = Field(max_length=4, description="[n,1,28,28], [n,28,28] or [n], by datatype.")
    parameters: InputParameters = InputParameters()
    data: list[Any] | None = Field(None, description="The values row by row, nested or not; BYTES: base64 strings.")


class OutputParameters(_Parameters):
    """What may be asked of an output."""

    binary_data: bool | None = Field(None, description="Whether it shall follow the JSON as bytes.")


class RequestedOutput(_Part):
    """An output that is wanted."""

    name: str = Field(json_schema_extra={"enum": [PROBABILITIES, LOGITS, EVIDENCE]})
    parameters: OutputParameters = OutputParameters()


class RequestParameters(_Parameters):
    """What may be asked of the whole answer."""

    binary_data_output: bool = Field(False, description="Whether outputs follow the JSON unless they say otherwise.")


class InferenceRequest(_Part):
    """The JSON of a request."""

    id: str | None = Field(None, max_length=1000, description="Given back.")
    parameters: RequestParameters = RequestParameters()
    inputs: list[InputTensor] = Field(min_length=1, max_length=1)
    outputs: list[RequestedOutput] | None = Field(None, max_length=8, description="All there are, where left away.")
