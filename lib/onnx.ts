/** tightrec/onnx: models as ONNX files. */
export { toOnnx } from './io/onnx.ts';
export type { OnnxOptions } from './io/onnx.ts';
