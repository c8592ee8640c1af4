"""The MLServer runtime of the models that this package registers: V2 protocol, REST and gRPC.

model-settings.json names `prefect_mlops.serving.mlserver_runtime.MLflowRuntime` as its
`implementation` and `ServerSettings` as `parameters.extra`. A response has one output a column, each
of shape `[rows, 1]`, and decodes to a pandas frame with MLServer's codec `pd`:

| output | datatype | holds |
| --- | --- | --- |
| `prediction` | BYTES, INT64, BOOL or FP64 | the predicted class, or number |
| `score.<class>` | FP64 | probability of a class; none for regression |
| `id` | BYTES | the id that the row is logged by, to attach its label |

`model_version` is the version that answered, and the parameter `role` whose it is. A request may name
the outputs that it wants.

| status | gRPC | when |
| --- | --- | --- |
| 400 | INVALID_ARGUMENT | the request does not fit the model, or there is no champion yet |
| 503 | UNKNOWN | it could not be logged, and `require_log` is set |
"""

# MLServer lives in an environment of its own: requirements-serving.lock.
# pyright: reportMissingImports=false
from __future__ import annotations

import asyncio
import logging
import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

from mlserver import MLModel
from mlserver.errors import InferenceError, MLServerError, ModelNotReady
from mlserver.logging import get_logger
from mlserver.settings import ModelSettings
from mlserver.types import (
    InferenceRequest,
    InferenceResponse,
    MetadataModelResponse,
    MetadataTensor,
    Parameters,
    ResponseOutput,
)

from ..core.errors import ConfigurationError, DataRejected, LogUnavailable, ModelUnavailable
from .inference import InferenceResult, output_names
from .model_service import ModelService
from .server_settings import ServerSettings
from .v2_codec import Tensor

_DATATYPES = {"number": "FP64", "boolean": "BOOL", "category": "BYTES", "datetime": "BYTES"}


class MLflowRuntime(MLModel):
    """Serves the champion of a registered model, and follows it.

    Args:
        settings: MLServer's settings of the model.
    """

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(settings)
        self._service: ModelService | None = None
        self._threads: ThreadPoolExecutor | None = None

    async def load(self) -> bool:
        """Load the champion and begin to follow it.

        Returns:
            Whether there is a champion. Without one the model becomes ready as soon as there is.

        Raises:
            ConfigurationError: If the settings cannot work.
        """
        _check(self.settings)
        _log_with_server()
        parameters = self.settings.parameters
        settings = ServerSettings.read(parameters.extra if parameters else None)
        loop = asyncio.get_running_loop()

        def champion_is_there() -> None:
            loop.call_soon_threadsafe(setattr, self, "ready", True)

        self._threads = ThreadPoolExecutor(settings.threads, thread_name_prefix="predict")
        service = ModelService(settings, champion_is_there)
        self._service = service
        await loop.run_in_executor(None, service.models.refresh)
        service.models.start()
        return service.models.current is not None

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answer a request.

        Raises:
            InferenceError: If it does not fit the model.
            ModelNotReady: If there is no champion yet.
            MLServerError: If it could not be logged, and that is required.
        """
        service = self._running()
        # MLServer returns the id of the request, and gRPC has none but the empty one.
        payload.id = payload.id or uuid4().hex
        loop = asyncio.get_running_loop()
        try:
            wanted = [given.name for given in payload.outputs or ()]
            answer = await loop.run_in_executor(
                self._threads, service.answer, payload.id, _tensors(payload), wanted
            )
            return _response(self.name, answer, payload)
        except DataRejected as error:
            raise InferenceError(str(error)) from error
        except ModelUnavailable as error:
            raise ModelNotReady(self.name) from error
        except LogUnavailable as error:
            raise MLServerError(f"the prediction could not be logged: {error}", 503) from error

    async def unload(self) -> bool:
        """Finish what was begun, and write what is logged."""
        if self._service is not None and self._threads is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)
            await asyncio.get_running_loop().run_in_executor(None, self._service.close)
        return True

    async def metadata(self) -> MetadataModelResponse:
        """Describe what the champion expects and answers."""
        served = self._running().models.current
        if served is None:
            raise ModelNotReady(self.name)
        predictor = served.champion.predictor
        classes = [] if predictor.classes is None else predictor.classes.tolist()
        outputs = dict.fromkeys(output_names(predictor), "FP64") | {"id": "BYTES"}
        if classes:
            outputs["prediction"] = _datatype(classes)
        inputs = {name: _DATATYPES[kind] for name, kind in predictor.feature_types.items()}
        return MetadataModelResponse(
            name=self.name,
            platform="prefect-mlops",
            versions=[served.champion.version],
            inputs=[_describe(*item) for item in inputs.items()],
            outputs=[_describe(*item) for item in outputs.items()],
        )

    def _running(self) -> ModelService:
        if self._service is None:
            raise ModelNotReady(self.name)
        return self._service


def _check(settings: ModelSettings) -> None:
    if multiprocessing.parent_process() is not None:
        raise ConfigurationError(
            "MLServer's workers end without writing what is logged: set parallel_workers to 0 in "
            "settings.json, and start several servers for more requests"
        )
    if settings.max_batch_size > 1 or settings.cache_enabled:
        raise ConfigurationError(
            "batching merges requests and the cache answers them without the model, so that neither can "
            "be logged as what they are: leave max_batch_size and cache_enabled out of "
            "model-settings.json"
        )


def _log_with_server() -> None:
    """Let this package's messages appear where MLServer's do, with its level and format."""
    package = logging.getLogger(__package__)
    server = get_logger()
    package.setLevel(logging.INFO)
    for handler in server.handlers:
        if handler not in package.handlers:
            package.addHandler(handler)


def _tensors(payload: InferenceRequest) -> list[Tensor]:
    return [
        Tensor(
            name=given.name,
            datatype=str(given.datatype),
            shape=given.shape,
            data=getattr(given.data, "root", given.data),
            content_type=given.parameters.content_type if given.parameters else None,
        )
        for given in payload.inputs
    ]


def _response(name: str, answer: InferenceResult, payload: InferenceRequest) -> InferenceResponse:
    wanted = {given.name for given in payload.outputs or ()}
    parameters = {"content_type": "pd", "role": answer.role, "logged": answer.logged}
    return InferenceResponse(
        model_name=name,
        model_version=answer.version,
        id=payload.id,
        parameters=Parameters(**parameters),
        outputs=[
            _output(output, values)
            for output, values in answer.outputs().items()
            if not wanted or output in wanted
        ],
    )


def _output(name: str, values: list[Any]) -> ResponseOutput:
    datatype = _datatype(values)
    is_text = datatype == "BYTES"
    data = [str(value).encode() for value in values] if is_text else values
    return ResponseOutput(
        name=name,
        shape=[len(values), 1],
        datatype=datatype,
        parameters=Parameters(content_type="str") if is_text else None,
        data=data,
    )


def _datatype(values: list[Any]) -> str:
    types = set(map(type, values))
    for kind, datatype in ((bool, "BOOL"), (int, "INT64"), (float, "FP64")):
        if types == {kind}:
            return datatype
    return "BYTES"


def _describe(name: str, datatype: str) -> MetadataTensor:
    return MetadataTensor(name=name, datatype=datatype, shape=[-1, 1])
