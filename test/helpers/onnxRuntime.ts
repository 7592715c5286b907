import { createRequire } from 'node:module';
import { join } from 'node:path';

/** What the tests use of onnxruntime-web; its own types come with the package, which is not among ours. */
interface OrtTensor { readonly data: Float32Array | BigInt64Array; readonly dims: readonly number[] }
interface Ort {
  readonly env: { wasm: { numThreads: number }; logLevel: string };
  readonly Tensor: new (type: 'float32' | 'int64', data: Float32Array | BigInt64Array, dims: readonly number[]) => OrtTensor;
  readonly InferenceSession: { create(bytes: Uint8Array, options: object): Promise<{ run(feeds: Record<string, OrtTensor>): Promise<Record<string, OrtTensor>>; release(): Promise<void> }> };
}

export type Feeds = Record<string, { data: Float32Array | BigInt64Array; shape: readonly number[] }>;

const folder = process.env.TIGHTREC_ONNXRUNTIME;

/** whyNoOnnxRuntime: null where there is one. It is too big for a devDependency. */
export const whyNoOnnxRuntime = folder === undefined ? 'TIGHTREC_ONNXRUNTIME does not name the folder of an onnxruntime-web' : null;

/** onnxRun: what onnxruntime, on one thread, makes of a file and of what goes in. */
export async function onnxRun(file: Uint8Array, feeds: Feeds): Promise<Record<string, OrtTensor>> {
  const ort = createRequire(join(folder!, 'package.json'))(folder!) as Ort;
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  const session = await ort.InferenceSession.create(file, { executionProviders: ['wasm'] });
  try {
    return await session.run(Object.fromEntries(Object.entries(feeds).map(([name, { data, shape }]) => [name, new ort.Tensor(data instanceof Float32Array ? 'float32' : 'int64', data, shape)])));
  } finally { await session.release(); }
}
