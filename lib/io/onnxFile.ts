import { TightrecError } from '../errors.ts';

/** OnnxTensor: a constant of a graph; float32, or int64 for indices, row-major. */
export interface OnnxTensor { readonly shape: readonly number[]; readonly data: Float32Array | BigInt64Array }

/** OnnxValue: what goes in or comes out; a size that is known only when the graph runs has a name. */
export interface OnnxValue { readonly type: keyof typeof elements; readonly shape: readonly (number | string)[] }

/** OnnxNode: an operator of ONNX's own set; `inputs` and `outputs` name values, `attributes` are whole numbers from 0 up. */
export interface OnnxNode { readonly op: string; readonly inputs: readonly string[]; readonly outputs: readonly string[]; readonly attributes?: Readonly<Record<string, number>> }

/** OnnxGraph: nodes in the order in which they run, and everything that they name. */
export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly inputs: Readonly<Record<string, OnnxValue>>;
  readonly outputs: Readonly<Record<string, OnnxValue>>;
  readonly constants: Readonly<Record<string, OnnxTensor>>;
  readonly metadata?: Readonly<Record<string, string>>;
}

const elements = { float: 1, int32: 6, int64: 7 } as const; // TensorProto.DataType
const INT = 2; // AttributeProto.AttributeType
const IR_VERSION = 7, OPSET = 13; // of ONNX 1.8, 2020: everything newer reads it
const MOST_BYTES = 2 ** 31 - 1; // of one protocol buffer

/**
 * encodeOnnx: a graph as the bytes of an ONNX file, whole: no data beside it. The same graph gives the same bytes.
 *
 * The file is one protocol buffer, a ModelProto. A message is its fields one after another, each a key, 8 · its number + its kind, and a value: of kind 0 a whole
 * number, of kind 2 a length and as many bytes: a text, an array, or a message.
 * Errors: 'unsupported' for 2 GiB or more, which no protocol buffer holds.
 * Source: github.com/onnx/onnx, onnx/onnx.proto and docs/IR.md; protobuf.dev, "Encoding".
 */
export function encodeOnnx({ name, nodes, inputs, outputs, constants, metadata = {} }: OnnxGraph): Uint8Array {
  const graph = [
    ...nodes.flatMap((node) => message(1, nodeProto(node))),
    ...text(2, name),
    ...Object.entries(constants).flatMap(([name, tensor]) => message(5, tensorProto(name, tensor))),
    ...Object.entries(inputs).flatMap(([name, value]) => message(11, valueInfoProto(name, value))),
    ...Object.entries(outputs).flatMap(([name, value]) => message(12, valueInfoProto(name, value))),
  ];
  const model = [
    ...int(1, IR_VERSION), ...text(2, 'tightrec'), ...message(7, graph), ...message(8, [...text(1, ''), ...int(2, OPSET)]),
    ...Object.entries(metadata).flatMap(([key, value]) => message(14, [...text(1, key), ...text(2, value)])),
  ];
  const size = sizeOf(model);
  if (size > MOST_BYTES) throw new TightrecError('unsupported', `an ONNX file holds at most ${MOST_BYTES} bytes, and this graph takes ${size}; use fewer factors, users or items`);
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of model) { bytes.set(piece, at); at += piece.length; }
  return bytes;
}

const nodeProto = ({ op, inputs, outputs, attributes = {} }: OnnxNode): Message => [
  ...inputs.flatMap((name) => text(1, name)), ...outputs.flatMap((name) => text(2, name)), ...text(4, op),
  ...Object.entries(attributes).flatMap(([name, value]) => message(5, [...text(1, name), ...int(3, value), ...int(20, INT)])),
];

const tensorProto = (name: string, { shape, data }: OnnxTensor): Message =>
  [...shape.flatMap((size) => int(1, size)), ...int(2, data instanceof Float32Array ? elements.float : elements.int64), ...text(8, name), ...message(9, [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)])];

function valueInfoProto(name: string, { type, shape }: OnnxValue): Message {
  const sizes = shape.flatMap((size) => message(1, typeof size === 'string' ? text(2, size) : int(1, size)));
  return [...text(1, name), ...message(2, message(1, [...int(1, elements[type]), ...message(2, sizes)]))];
}

/** Message: fields, or the bytes of one, in pieces, so that a large array is copied once, at the end. */
type Message = readonly Uint8Array[];

const sizeOf = (pieces: Message): number => pieces.reduce((sum, { length }) => sum + length, 0);

/** A whole number from 0 up: seven bits a byte, lowest first; the eighth says that more follow. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push(value % 128 + 128);
  return [...bytes, value];
}

const int = (field: number, value: number): Message => [Uint8Array.from([...varint(8 * field), ...varint(value)])];
const message = (field: number, content: Message): Message => [Uint8Array.from([...varint(8 * field + 2), ...varint(sizeOf(content))]), ...content];
const text = (field: number, value: string): Message => message(field, [new TextEncoder().encode(value)]);
