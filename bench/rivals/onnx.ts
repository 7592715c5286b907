/** onnx: an ONNX model as bytes, of the few parts that the rivals' graphs are made of. ONNX is protocol buffers: fields of a number, a kind and a value. */

type Bytes = number[];
const varint = (value: number): Bytes => { const out: Bytes = []; for (; value > 127; value = Math.floor(value / 128)) out.push(value % 128 + 128); out.push(value); return out; };
const number = (field: number, value: number): Bytes => [...varint(field * 8), ...varint(value)];
const bytes = (field: number, value: Iterable<number>): Bytes => { const body = [...value]; return [...varint(field * 8 + 2), ...varint(body.length), ...body]; };
const text = (field: number, value: string): Bytes => bytes(field, new TextEncoder().encode(value));

export const FLOAT = 1, INT32 = 6, INT64 = 7;

const value = (field: number, name: string, kind: number, shape: readonly number[]): Bytes =>
  bytes(field, [...text(1, name), ...bytes(2, bytes(1, [...number(1, kind), ...bytes(2, shape.flatMap((size) => bytes(1, number(1, size))))]))]);

/** An attribute of whole numbers: one, or a list. */
const attribute = (name: string, of: number | readonly number[]): Bytes =>
  bytes(5, typeof of === 'number' ? [...text(1, name), ...number(3, of), ...number(20, 2)] : [...text(1, name), ...of.flatMap((one) => number(8, one)), ...number(20, 7)]);

export interface Node { readonly op: string; readonly inputs: readonly string[]; readonly outputs: readonly string[]; readonly attributes?: Readonly<Record<string, number | readonly number[]>> }
export interface Value { readonly name: string; readonly kind: number; readonly shape: readonly number[] }

/** model: nodes in order, what goes in, what comes out, and constants of one int64 each. */
export function model(nodes: readonly Node[], inputs: readonly Value[], outputs: readonly Value[], constants: Readonly<Record<string, number>> = {}): Uint8Array {
  const graph = [
    ...nodes.flatMap(({ op, inputs, outputs, attributes = {} }) => bytes(1, [
      ...inputs.flatMap((name) => text(1, name)), ...outputs.flatMap((name) => text(2, name)), ...text(4, op), ...Object.entries(attributes).flatMap(([name, of]) => attribute(name, of)),
    ])),
    ...text(2, 'graph'),
    ...Object.entries(constants).flatMap(([name, of]) => bytes(5, [...number(1, 1), ...number(2, INT64), ...text(8, name), ...bytes(9, new Uint8Array(BigInt64Array.of(BigInt(of)).buffer))])),
    ...inputs.flatMap(({ name, kind, shape }) => value(11, name, kind, shape)), ...outputs.flatMap(({ name, kind, shape }) => value(12, name, kind, shape)),
  ];
  return Uint8Array.from([...number(1, 8), ...bytes(7, graph), ...bytes(8, [...text(1, ''), ...number(2, 12)])]);
}
