"""A V2 client over gRPC, for the environment of the model server, which has the protocol's stubs.

`python grpc_client.py ADDRESS MODEL IN_FLIGHT`: reads requests as a JSON list from its input, sends them
with so many in flight, and writes a JSON list of what came back, in the same order.
"""

import asyncio
import json
import sys

import grpc
from mlserver.grpc import dataplane_pb2_grpc
from mlserver.grpc.converters import ModelInferRequestConverter, ModelInferResponseConverter
from mlserver.types import InferenceRequest


async def send(stub, model, given):
    raw = given.pop("raw", False)
    for tensor in given["inputs"]:
        if tensor["datatype"] == "BYTES":
            tensor["data"] = [value.encode() for value in tensor["data"]]
    request = ModelInferRequestConverter.from_types(
        InferenceRequest(**given), model_name=model, use_raw=raw
    )
    try:
        answer = ModelInferResponseConverter.to_types(await stub.ModelInfer(request))
    except grpc.aio.AioRpcError as error:
        return {"code": error.code().name, "error": error.details()}
    outputs = {
        output.name: [
            value.decode() if isinstance(value, bytes) else value for value in output.data.root
        ]
        for output in answer.outputs
    }
    return {
        "code": "OK",
        "id": answer.id,
        "model_version": answer.model_version,
        "role": answer.parameters.role,
        "outputs": outputs,
    }


async def main(address, model, in_flight):
    room = asyncio.Semaphore(in_flight)
    async with grpc.aio.insecure_channel(address) as channel:
        stub = dataplane_pb2_grpc.GRPCInferenceServiceStub(channel)

        async def one(given):
            async with room:
                return await send(stub, model, given)

        return await asyncio.gather(*map(one, json.load(sys.stdin)))


if __name__ == "__main__":
    json.dump(asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]))), sys.stdout)
