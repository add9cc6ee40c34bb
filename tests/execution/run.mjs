// node run.mjs MODEL.onnx INPUTS OUTPUTS: runs a model on the processor with ONNX Runtime. Both
// files of tensors are safetensors: a 64-bit length, so many bytes of JSON, then the data.
import { readFileSync, writeFileSync } from "node:fs";
import { InferenceSession, Tensor } from "onnxruntime-node";

const types = {
  F32: ["float32", Float32Array],
  F64: ["float64", Float64Array],
  I64: ["int64", BigInt64Array],
  I32: ["int32", Int32Array],
  U8: ["uint8", Uint8Array],
  BOOL: ["bool", Uint8Array],
};

function readTensors(path) {
  const file = readFileSync(path);
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString("utf8", 8, 8 + length));
  const tensors = {};
  for (const [name, { dtype, shape, data_offsets: [begin, end] }] of Object.entries(header)) {
    const [type, Numbers] = types[dtype];
    const bytes = new Uint8Array(file.subarray(8 + length + begin, 8 + length + end)); // aligned
    tensors[name] = new Tensor(type, new Numbers(bytes.buffer), shape);
  }
  return tensors;
}

function writeTensors(path, tensors) {
  const header = {};
  const parts = [];
  let offset = 0;
  for (const [name, { type, data, dims }] of Object.entries(tensors)) {
    const [dtype] = Object.entries(types).find(([, [known]]) => known === type);
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    header[name] = { dtype, shape: dims, data_offsets: [offset, offset + bytes.length] };
    offset += bytes.length;
    parts.push(bytes);
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(path, Buffer.concat([length, text, ...parts]));
}

const [model, inputs, outputs] = process.argv.slice(2);
const session = await InferenceSession.create(model, {
  executionProviders: ["cpu"],
  logSeverityLevel: 3, // unused initializers are not an error
});
writeTensors(outputs, await session.run(readTensors(inputs)));
