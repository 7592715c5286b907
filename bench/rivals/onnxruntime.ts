import * as ort from 'onnxruntime-web/wasm';
import { FLOAT, INT32, INT64, type Node, type Value, model } from './onnx.ts';
import { type Prepared, type Rival, versionOf } from './works.ts';

const tensor = (name: string, data: Float32Array | Int32Array, shape: number[]): [string, ort.Tensor] => [name, data instanceof Int32Array ? new ort.Tensor('int32', data, shape) : new ort.Tensor('float32', data, shape)];

/** A session of a graph, run on tensors that are kept; it copies them in each time. */
async function session(nodes: readonly Node[], given: readonly [string, ort.Tensor][], outputs: readonly Value[], constants?: Record<string, number>): Promise<Prepared> {
  const inputs = given.map(([name, { type, dims }]) => ({ name, kind: type === 'int32' ? INT32 : FLOAT, shape: dims }));
  const made = await ort.InferenceSession.create(model(nodes, inputs, outputs, constants), { executionProviders: ['wasm'] }), feeds = Object.fromEntries(given);
  return { run: () => made.run(feeds), waits: true, answer: async () => (await made.run(feeds))[outputs[0].name].data as Float32Array };
}

export function open(): Rival {
  ort.env.wasm.numThreads = 1;
  const version = versionOf('node_modules/onnxruntime-web');
  return {
    version,
    note: 'it copies what goes in and what comes out within every timed run; the others keep their matrices where they compute',
    product: ({ A, B, M, N, K }) => session([{ op: 'MatMul', inputs: ['A', 'B'], outputs: ['C'] }], [tensor('A', A, [M, K]), tensor('B', B, [K, N])], [{ name: 'C', kind: FLOAT, shape: [M, N] }]),
    ranking: ({ scores, B, N, k }) => session(
      [{ op: 'TopK', inputs: ['X', 'k'], outputs: ['best', 'ids'], attributes: { axis: 1 } }], [tensor('X', scores, [B, N])],
      [{ name: 'best', kind: FLOAT, shape: [B, k] }, { name: 'ids', kind: INT64, shape: [B, k] }], { k },
    ),
    rowDots: ({ U, V, u, i, nUsers, nItems, B, K }) => session(
      [
        { op: 'Gather', inputs: ['U', 'u'], outputs: ['a'] }, { op: 'Gather', inputs: ['V', 'i'], outputs: ['b'] },
        { op: 'Mul', inputs: ['a', 'b'], outputs: ['ab'] }, { op: 'ReduceSum', inputs: ['ab'], outputs: ['x'], attributes: { axes: [1], keepdims: 0 } },
      ],
      [tensor('U', U, [nUsers, K]), tensor('V', V, [nItems, K]), tensor('u', u, [B]), tensor('i', i, [B])], [{ name: 'x', kind: FLOAT, shape: [B] }],
    ),
    training: 'it runs finished graphs; it has no gradients',
  };
}
