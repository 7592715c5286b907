import * as ort from 'onnxruntime-web/wasm';
import { type OnnxNode, type OnnxTensor, type OnnxValue, encodeOnnx } from '../../lib/io/onnxFile.ts';
import { type Prepared, type Rival, versionOf } from './works.ts';

const tensor = (name: string, data: Float32Array | Int32Array, shape: number[]): [string, ort.Tensor] => [name, data instanceof Int32Array ? new ort.Tensor('int32', data, shape) : new ort.Tensor('float32', data, shape)];
const one = (value: number): OnnxTensor => ({ shape: [1], data: BigInt64Array.of(BigInt(value)) });

/** A session of a graph, run on tensors that are kept; it copies them in each time. The first output is the answer. */
async function session(nodes: readonly OnnxNode[], given: readonly [string, ort.Tensor][], outputs: Record<string, OnnxValue>, constants: Record<string, OnnxTensor> = {}): Promise<Prepared> {
  const inputs = Object.fromEntries(given.map(([name, { type, dims }]): [string, OnnxValue] => [name, { type: type === 'int32' ? 'int32' : 'float', shape: dims }]));
  const made = await ort.InferenceSession.create(encodeOnnx({ name: 'rival', nodes, inputs, outputs, constants }), { executionProviders: ['wasm'] }), feeds = Object.fromEntries(given);
  return { run: () => made.run(feeds), waits: true, answer: async () => (await made.run(feeds))[Object.keys(outputs)[0]].data as Float32Array };
}

export function open(): Rival {
  ort.env.wasm.numThreads = 1;
  const version = versionOf('node_modules/onnxruntime-web');
  return {
    version,
    note: 'it copies what goes in and what comes out within every timed run; the others keep their matrices where they compute',
    product: ({ A, B, M, N, K }) => session([{ op: 'MatMul', inputs: ['A', 'B'], outputs: ['C'] }], [tensor('A', A, [M, K]), tensor('B', B, [K, N])], { C: { type: 'float', shape: [M, N] } }),
    ranking: ({ scores, B, N, k }) => session(
      [{ op: 'TopK', inputs: ['X', 'k'], outputs: ['best', 'ids'], attributes: { axis: 1 } }], [tensor('X', scores, [B, N])],
      { best: { type: 'float', shape: [B, k] }, ids: { type: 'int64', shape: [B, k] } }, { k: one(k) },
    ),
    rowDots: ({ U, V, u, i, nUsers, nItems, B, K }) => session(
      [
        { op: 'Gather', inputs: ['U', 'u'], outputs: ['a'] }, { op: 'Gather', inputs: ['V', 'i'], outputs: ['b'] },
        { op: 'Mul', inputs: ['a', 'b'], outputs: ['ab'] }, { op: 'ReduceSum', inputs: ['ab', 'axis'], outputs: ['x'], attributes: { keepdims: 0 } },
      ],
      [tensor('U', U, [nUsers, K]), tensor('V', V, [nItems, K]), tensor('u', u, [B]), tensor('i', i, [B])], { x: { type: 'float', shape: [B] } }, { axis: one(1) },
    ),
    training: 'it runs finished graphs; it has no gradients',
  };
}
