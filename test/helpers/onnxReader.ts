import * as assert from 'uvu/assert';

// An ONNX file read and run by someone else's words: the field numbers of onnx.proto, the meaning of operators as docs/Operators.md of ONNX has it, float64 within.

/** One field of a message, as protobuf.dev's "Encoding" says: its number, and a whole number or bytes. */
interface Field { readonly field: number; readonly value: number | Uint8Array }

function fieldsOf(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0, scale = 1;
    for (;; scale *= 128) {
      if (at >= bytes.length) throw new Error('a number goes on beyond the end');
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint(), field = Math.floor(key / 8);
    if (key % 8 === 0) fields.push({ field, value: varint() });
    else if (key % 8 === 2) {
      const length = varint();
      if (at + length > bytes.length) throw new Error(`field ${field} of ${length} bytes goes on beyond the end`);
      fields.push({ field, value: bytes.subarray(at, at += length) });
    } else throw new Error(`field ${field} is of kind ${key % 8}`);
  }
  return fields;
}

/** The fields of a message by the names given; any other is refused. A name with [] comes any number of times, others once at most. */
function read(bytes: Uint8Array, names: Record<number, string>): Record<string, any> {
  const out: Record<string, any> = Object.fromEntries(Object.values(names).filter((name) => name.endsWith('[]')).map((name) => [name.slice(0, -2), []]));
  for (const { field, value } of fieldsOf(bytes)) {
    const name = names[field];
    if (name === undefined) throw new Error(`field ${field} is none of ${Object.values(names)}`);
    if (name.endsWith('[]')) out[name.slice(0, -2)].push(value);
    else if (name in out) throw new Error(`${name} comes twice`);
    else out[name] = value;
  }
  return out;
}
const text = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true }).decode(bytes);

/** Numbers of a tensor, or of a value on its way; int64 as numbers. */
export interface Value { readonly shape: readonly number[]; readonly data: ArrayLike<number> }
interface Node { readonly op: string; readonly inputs: string[]; readonly outputs: string[]; readonly attributes: Record<string, number> }
export interface OnnxFile {
  readonly irVersion: number;
  readonly producer: string;
  readonly opset: { domain: string; version: number };
  readonly name: string;
  readonly nodes: Node[];
  readonly constants: Record<string, Value>;
  readonly inputs: Record<string, { type: number; shape: (number | string)[] }>;
  readonly outputs: Record<string, { type: number; shape: (number | string)[] }>;
  readonly metadata: Record<string, string>;
}

/** readOnnx: the file, with every value defined once and before it is used. Throws for anything else. */
export function readOnnx(bytes: Uint8Array): OnnxFile {
  const model = read(bytes, { 1: 'irVersion', 2: 'producer', 7: 'graph', 8: 'opset', 14: 'metadata[]' }), graph = read(model.graph, { 1: 'nodes[]', 2: 'name', 5: 'constants[]', 11: 'inputs[]', 12: 'outputs[]' });
  const opset = read(model.opset, { 1: 'domain', 2: 'version' });
  const values = (all: Uint8Array[]): OnnxFile['inputs'] => Object.fromEntries(all.map((one) => {
    const { name, type } = read(one, { 1: 'name', 2: 'type' }), tensor = read(read(type, { 1: 'tensor' }).tensor, { 1: 'element', 2: 'shape' });
    const shape = read(tensor.shape, { 1: 'sizes[]' }).sizes.map((size: Uint8Array) => { const { value, parameter } = read(size, { 1: 'value', 2: 'parameter' }); return value ?? text(parameter); });
    return [text(name), { type: tensor.element, shape }];
  }));
  const constants = Object.fromEntries(graph.constants.map((one: Uint8Array) => {
    const { sizes, type, name, raw } = read(one, { 1: 'sizes[]', 2: 'type', 8: 'name', 9: 'raw' }), buffer = raw.slice().buffer;
    const data = type === 1 ? new Float32Array(buffer) : type === 7 ? Array.from(new BigInt64Array(buffer), Number) : assert.unreachable(`a tensor of type ${type}`);
    assert.is(data!.length, sizes.reduce((product: number, size: number) => product * size, 1), text(name));
    return [text(name), { shape: sizes, data }];
  }));
  const nodes = graph.nodes.map((one: Uint8Array): Node => {
    const { inputs, outputs, op, attributes } = read(one, { 1: 'inputs[]', 2: 'outputs[]', 4: 'op', 5: 'attributes[]' });
    const of = attributes.map((attribute: Uint8Array) => { const { name, int, kind } = read(attribute, { 1: 'name', 3: 'int', 20: 'kind' }); assert.is(kind, 2); return [text(name), int]; });
    return { op: text(op), inputs: inputs.map(text), outputs: outputs.map(text), attributes: Object.fromEntries(of) };
  });
  const file = {
    irVersion: model.irVersion, producer: text(model.producer), opset: { domain: text(opset.domain), version: opset.version }, name: text(graph.name), nodes, constants, inputs: values(graph.inputs), outputs: values(graph.outputs),
    metadata: Object.fromEntries(model.metadata.map((one: Uint8Array) => { const { key, value } = read(one, { 1: 'key', 2: 'value' }); return [text(key), text(value)]; })),
  };
  const known = [...Object.keys(constants), ...Object.keys(file.inputs)], used = new Set<string>(Object.keys(file.outputs));
  for (const { op, inputs, outputs } of nodes) {
    for (const name of inputs) { used.add(name); if (!known.includes(name)) throw new Error(`${op} asks for ${name}, which is not there yet`); }
    known.push(...outputs);
  }
  assert.is(new Set(known).size, known.length, 'a value is there twice');
  for (const name of used) if (!known.includes(name)) throw new Error(`nothing makes ${name}`);
  for (const name of known) assert.ok(used.has(name), `nothing asks for ${name}`);
  return file;
}

/** runOnnx: the outputs. Plain loops over float64; where onnxruntime rounds otherwise, that is onnxruntime's. */
export function runOnnx({ nodes, constants, inputs, outputs }: OnnxFile, feeds: Record<string, Value>): Record<string, Value> {
  assert.equal(Object.keys(feeds).sort(), Object.keys(inputs).sort());
  const values: Record<string, Value> = { ...constants, ...feeds };
  for (const { op, inputs: names, outputs: made, attributes } of nodes) {
    const results = operators[op](names.map((name) => values[name]), attributes);
    for (const [at, name] of made.entries()) values[name] = results[at];
  }
  return Object.fromEntries(Object.keys(outputs).map((name) => [name, values[name]]));
}

const operators: Record<string, (inputs: Value[], attributes: Record<string, number>) => Value[]> = {
  Gather([{ shape: [, width], data }, rows]) {
    return [{ shape: [rows.data.length, width], data: Array.from(rows.data).flatMap((row) => Array.from({ length: width }, (_, k) => data[row * width + k])) }];
  },
  Gemm([A, B, C], { transB = 0 }) {
    const [rows, K] = A.shape, columns = B.shape[transB === 1 ? 0 : 1], out: number[] = [];
    assert.is(B.shape[transB === 1 ? 1 : 0], K);
    if (C) assert.is(C.data.length, columns);
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        let sum = C ? C.data[c] : 0;
        for (let k = 0; k < K; k++) sum += A.data[r * K + k] * (transB === 1 ? B.data[c * K + k] : B.data[k * columns + c]);
        out.push(sum);
      }
    }
    return [{ shape: [rows, columns], data: out }];
  },
  Add([A, B]) { // what is one wide is there for the whole row, what is one row for all rows
    const [rows, columns] = A.shape, [height, width] = B.shape.length === 1 ? [1, B.shape[0]] : B.shape;
    assert.ok((height === rows || height === 1) && (width === columns || width === 1), `${A.shape} + ${B.shape}`);
    return [{ shape: A.shape, data: Array.from(A.data, (a, at) => a + B.data[(height === 1 ? 0 : Math.floor(at / columns)) * width + (width === 1 ? 0 : at % columns)]) }];
  },
  Relu([{ shape, data }]) { return [{ shape, data: Array.from(data, (x) => Math.max(x, 0)) }]; },
  Min([A, B]) { return [{ shape: A.shape, data: Array.from(A.data, (a, at) => Math.min(a, B.data[at])) }]; },
  TopK([{ shape: [rows, columns], data }, { data: { 0: k } }], { axis }) {
    assert.is(axis, 1);
    const best = Array.from({ length: rows }, (_, r) => Array.from({ length: columns }, (_, c) => c).sort((a, b) => data[r * columns + b] - data[r * columns + a] || a - b).slice(0, k));
    return [{ shape: [rows, k], data: best.flatMap((list, r) => list.map((c) => data[r * columns + c])) }, { shape: [rows, k], data: best.flat() }];
  },
};
