import { scope } from '../../kernels/memory.ts';
import type { LabelEncoder } from '../data/labelEncoder.ts';
import { featureName } from '../data/learnFeatures.ts';
import { TightrecError, checkNames, describe } from '../errors.ts';
import type { Factors } from '../models/factors.ts';
import type { Answers, FeatureTower, Recommender } from '../models/recommender.ts';
import type { Vectors } from '../retrieval/vectors.ts';
import { idsAsJson } from './idsAsJson.ts';
import { type OnnxGraph, type OnnxNode, type OnnxTensor, encodeOnnx } from './onnxFile.ts';

const parts = ['scores', 'retrieval', 'query', 'candidate'] as const;
type Part = (typeof parts)[number];

export interface OnnxOptions {
  /**
   * What the graph computes. 'scores' (the default): from rows of users the scores of all items, and the k best. Of a model with towers also 'retrieval': the same from
   * features of users; and 'query' or 'candidate': from features the vectors of users, or of items.
   */
  part?: Part;
}

/** Those of ours with the part 'scores', for the error; a test holds the list to what is so. */
const ours = 'AlternatingLeastSquares, BPR, CDAE, FactorizationMachine, HistoryToNext, HybridMF, LogisticMF, LogisticMatrixFactorization, RatingMF, SVDPlusPlus, Siamese, TwoTower';

/**
 * toOnnx: a fitted model, or a part of it, as the bytes of an ONNX file, for onnxruntime and others. docs/onnx.md says more of what goes in and comes out.
 *
 *   'scores'                   user (B), k (1)                 ->  scores (B, nItems) = U[user] V' + biases, items (B, k), top_scores (B, k)
 *   'retrieval'                features (B, columns), k (1)    ->  the same, with what the query tower makes of the features for U[user]
 *   'query' or 'candidate'     features (B, columns)           ->  embeddings (B, K)
 *
 * Lists hold the best of all items, with those that a user has already: what to leave out is not in the graph. Ids, and what the columns stand for, are in the
 * metadata. The same model gives the same bytes.
 * Errors: 'not-fitted'; 'unsupported' for a model whose scores are no products of vectors, for a part that it does not have, and for 2 GiB or more; 'bad-setting'.
 */
export function toOnnx(model: Recommender, options: OnnxOptions = {}): Uint8Array {
  checkNames('toOnnx', options, ['part']);
  const { part = 'scores' } = options;
  if (!parts.includes(part)) throw new TightrecError('bad-setting', `toOnnx: part must be one of ${parts.join(', ')}, got ${describe(part)}`);
  if (typeof model?.toState !== 'function') throw new TightrecError('bad-input', `toOnnx: expected a model, got ${describe(model)}`);
  const { name, answers } = model;
  return scope(() => encodeOnnx(joined(`${name}, ${part}`, [{ metadata: { model: name, part } }, ...piecesOf(name, answers, part)])));
}

/** Pieces of a graph, in the order in which they run. */
type Piece = Partial<Omit<OnnxGraph, 'name'>>;

const joined = (name: string, pieces: readonly Piece[]): OnnxGraph => ({
  name, nodes: pieces.flatMap(({ nodes = [] }) => nodes), inputs: Object.assign({}, ...pieces.map(({ inputs }) => inputs)), outputs: Object.assign({}, ...pieces.map(({ outputs }) => outputs)),
  constants: Object.assign({}, ...pieces.map(({ constants }) => constants)), metadata: Object.assign({}, ...pieces.map(({ metadata }) => metadata)),
});

function piecesOf(model: string, { catalogue: { users, items }, factors, towers, vectors }: Answers, part: Part): Piece[] {
  if (part === 'scores') {
    if (factors === undefined) throw new TightrecError('unsupported', `toOnnx: expected a model whose scores are products of vectors, one of ${ours}, got ${model}`);
    const all = factors();
    return [userVectors(all, users), products(all.item, itemRow(all), all.userBias !== null), topItems(items)];
  }
  if (towers === undefined) throw new TightrecError('unsupported', `toOnnx: expected a model with towers for part '${part}', such as TwoTower, got ${model}`);
  if (part === 'retrieval') return [featureVectors(towers.query), products(vectors!.item, null, false), topItems(items)];
  const { tower } = towers[part];
  return [featureVectors(towers[part]), { outputs: { embeddings: { type: 'float', shape: ['B', tower[tower.length - 1].W.shape[1]] } } }];
}

/** embeddings = U[user], and own_bias = user_bias[user] where there is one. */
const userVectors = ({ user, userBias }: Factors, users: LabelEncoder): Piece => ({
  inputs: { user: { type: 'int64', shape: ['B'] } },
  nodes: [{ op: 'Gather', inputs: ['user_factors', 'user'], outputs: ['embeddings'] }, ...(userBias ? [{ op: 'Gather', inputs: ['user_bias', 'user'], outputs: ['own_bias'] }] : [])],
  constants: { user_factors: user, ...(userBias && { user_bias: userBias }) },
  metadata: { user_ids: idsAsJson(users.labels) },
});

/** embeddings = the outputs of a tower: h_1 = features W_1 + b_1, h_l = max(h_{l-1}, 0) W_l + b_l. */
function featureVectors({ tower, features }: FeatureTower): Piece {
  const nodes: OnnxNode[] = [], constants: Record<string, OnnxTensor> = {};
  let h = 'features';
  for (const [at, { W, bias }] of tower.entries()) {
    if (at > 0) { nodes.push({ op: 'Relu', inputs: [h], outputs: [`relu_${at - 1}`] }); h = `relu_${at - 1}`; }
    constants[`layer_${at}`] = W;
    if (bias) constants[`bias_${at}`] = bias;
    const out = at === tower.length - 1 ? 'embeddings' : `layer_${at}_out`;
    nodes.push({ op: 'Gemm', inputs: [h, `layer_${at}`, ...(bias ? [`bias_${at}`] : [])], outputs: [out] });
    h = out;
  }
  const names: string[] = [], said: object[] = [];
  for (const learned of features) {
    const before = names.length;
    for (const { name, feature: { kind }, from, to, edges, mean, deviation } of learned.parts) said.push({ name, kind, from: before + from, to: before + to, ...(edges && { edges }), ...(mean !== null && { mean, deviation }) });
    for (let column = 0; column < learned.columns; column++) names.push(featureName(learned, column));
  }
  return { inputs: { features: { type: 'float', shape: ['B', names.length] } }, nodes, constants, metadata: { features: JSON.stringify(said), feature_names: JSON.stringify(names) } };
}

/** What each item's score begins with: its bias and the one of everything; null for a model without either. */
function itemRow({ item, itemBias, globalBias }: Factors): Float32Array | null {
  const all = globalBias?.data[0] ?? 0;
  return itemBias || globalBias ? Float32Array.from({ length: item.shape[0] }, (_, n) => all + (itemBias ? itemBias.data[n] : 0)) : null;
}

/** scores = embeddings V' + item_bias + own_bias, of the biases that there are. */
const products = (item: Vectors, bias: Float32Array | null, own: boolean): Piece => ({
  nodes: [
    { op: 'Gemm', inputs: ['embeddings', 'item_factors', ...(bias ? ['item_bias'] : [])], outputs: [own ? 'products' : 'scores'], attributes: { transB: 1 } },
    ...(own ? [{ op: 'Add', inputs: ['products', 'own_bias'], outputs: ['scores'] }] : []),
  ],
  outputs: { scores: { type: 'float', shape: ['B', item.shape[0]] } },
  constants: { item_factors: item, ...(bias && { item_bias: { shape: [bias.length], data: bias } }) },
});

/** The k best of the scores, or all where there are fewer, equal ones by row; row 0 is not among them where it stands for unknown items. */
function topItems(items: LabelEncoder): Piece {
  const { unknown, size } = items, most = { shape: [1], data: BigInt64Array.of(BigInt(items.known().length)) };
  const mask = Float32Array.from({ length: unknown ? size : 0 }, (_, n) => n === 0 ? -Infinity : 0);
  return {
    inputs: { k: { type: 'int64', shape: [1] } },
    nodes: [
      { op: 'Min', inputs: ['k', 'item_count'], outputs: ['at_most'] },
      ...(unknown ? [{ op: 'Add', inputs: ['scores', 'unknown_item'], outputs: ['known_scores'] }] : []),
      { op: 'TopK', inputs: [unknown ? 'known_scores' : 'scores', 'at_most'], outputs: ['top_scores', 'items'], attributes: { axis: 1 } },
    ],
    outputs: { items: { type: 'int64', shape: ['B', 'list'] }, top_scores: { type: 'float', shape: ['B', 'list'] } },
    constants: { item_count: most, ...(unknown && { unknown_item: { shape: [size], data: mask } }) },
    metadata: { item_ids: idsAsJson(items.labels) },
  };
}
