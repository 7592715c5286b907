import type { Csr, Groups } from '../data/csr.ts';
import { type Interactions, isInteractions, otherIds, sameIds } from '../data/interactions.ts';
import type { LabelEncoder } from '../data/labelEncoder.ts';
import { TightrecError, checkNames } from '../errors.ts';
import { random } from '../random.ts';
import { type Draw, aucOfRow, rowOf } from './auc.ts';
import { checkIds, checkK, checkMatrix, checkScores } from './check.ts';
import { type Formula, averagePrecision, hitOrMiss, judge, ndcg, precision, recall, reciprocalRank } from './formulas.ts';

/**
 * Ranker: what `evaluate` asks of a model. `recommend` returns (B, k) items, best first, padded with -1; `scores`, if there, (B, nItems);
 * `users` and `items`, if there, are the ids behind its rows.
 */
export interface Ranker {
  readonly nItems: number;
  recommend(users: Int32Array, options: { k: number; exclude?: Csr | null; threads?: number | 'all' }): { items: Int32Array; scores: Float32Array };
  scores?(users: Int32Array): Float32Array;
  readonly users?: LabelEncoder;
  readonly items?: LabelEncoder;
}

/** MetricAtK: the metrics of a list of k. `precision` is `setPrecisionAtK`, `map` is `mapAtK`, and so on. */
export type MetricAtK = 'precision' | 'recall' | 'map' | 'ndcg' | 'mrr' | 'hitRate';

/** MetricName: what `evaluate` can measure. */
export type MetricName = MetricAtK | 'auc';

export interface EvaluateOptions<Name extends MetricName = MetricAtK> {
  /** Places in a list; 10 by default. */
  k?: number;
  /** Items to skip, a row a user: usually the training data. By default nothing is skipped, unlike in `recommendFor` and `validation`. */
  exclude?: Interactions | Csr | null;
  /** Which metrics; all those of a list of k by default. */
  metrics?: readonly Name[];
  /** AUC from so many liked and as many other items drawn a user, as `sampledAuc`; null, the default, is exact. */
  aucSamples?: number | null;
  /** Which draws; 1 by default. */
  seed?: number;
  /** How many threads share the model's work, or 'all' that the machine has. Default 1. */
  threads?: number | 'all';
}

/** Evaluation: one number a metric, with the k it was measured at and the number of users it is the mean of. */
export type Evaluation<Name extends MetricName = MetricAtK> = { readonly k: number; readonly users: number } & { readonly [N in Name]: number };

const formulas: Record<MetricAtK, Formula> = { precision, recall, map: averagePrecision, ndcg, mrr: reciprocalRank, hitRate: hitOrMiss };

/** At most so many scores, and so many users, are asked of the model at a time: 16 MiB of scores. */
const MAX_SCORES = 2 ** 22, MAX_USERS = 1024;

/**
 * evaluate: recommends k items to every user with at least one test item, and averages the metrics over these users.
 *
 *   value = mean over users u with test items of metric(list of u, distinct items of test row u)
 *
 * `precision` is the mean share of distinct hits, `setPrecisionAtK`: not the chapter's `precisionAtK`, which pools the rows of groups.
 * Each number equals that of the function of the same name, over all users at once. `auc` (only if asked for, and only for a model that has
 * `scores`) skips users who have nothing liked or nothing else left, as `meanAuc` does.
 * `held` and `exclude` are interactions, or their matrices. Shapes: test (nUsers, any), every stored entry an item the user liked, whatever its value; exclude (nUsers, nItems).
 * A test item that is excluded, or unknown to the model, stays in the ground truth and is a certain miss in a list; take such pairs out of
 * test if they should not count. AUC drops the excluded ones and refuses the unknown.
 * Errors: no user with a test item, shapes that do not fit, an unknown metric, a list of the model that is not (B, k).
 */
export function evaluate<Name extends MetricName = MetricAtK>(model: Ranker, held: Interactions | Csr, options: EvaluateOptions<Name> = {}): Evaluation<Name> {
  checkNames('evaluate', options, ['k', 'exclude', 'metrics', 'aucSamples', 'seed', 'threads']);
  const { k = 10, aucSamples = null, seed = 1 } = options, test = matrixOf(model, 'test', held), exclude = options.exclude ? matrixOf(model, 'exclude', options.exclude) : null;
  const metrics = [...new Set(options.metrics ?? (Object.keys(formulas) as Name[]))];
  const atK = metrics.filter((name): name is Name & MetricAtK => name !== 'auc'), wantsAuc = metrics.some((name) => name === 'auc');
  check(model, test, k, exclude, metrics, wantsAuc);
  if (aucSamples !== null && !(Number.isInteger(aucSamples) && aucSamples >= 1)) throw new TightrecError('bad-setting', `evaluate: aucSamples must be a positive integer, or null, got ${aucSamples}`);
  if (!Number.isFinite(seed)) throw new TightrecError('bad-setting', `evaluate: seed must be a finite number, got ${seed}`);
  const draw: Draw | null = aucSamples === null ? null : { samples: aucSamples, random: random(seed) };

  const users = rowsWithEntries(test), block = Math.max(1, Math.min(MAX_USERS, Math.floor(MAX_SCORES / model.nItems)));
  const sums = new Map<MetricName, number>(metrics.map((name) => [name, 0])), mark = new Uint8Array(wantsAuc ? model.nItems : 0);
  const add = (name: MetricName, value: number): void => { sums.set(name, sums.get(name)! + value); };
  let usersWithAuc = 0;
  for (let from = 0; from < users.length; from += block) {
    const batch = users.slice(from, from + block), B = batch.length;

    if (atK.length > 0) {
      const { items } = model.recommend(batch, { k, exclude, ...(options.threads !== undefined && { threads: options.threads }) });
      const { hit, relevant } = judge('evaluate, lists of model.recommend', items, groupsOf(test, batch), k);
      for (let b = 0; b < B; b++) {
        const places = hit.subarray(b * k, b * k + k);
        for (const name of atK) add(name, formulas[name](places, relevant[b]));
      }
    }

    if (wantsAuc) {
      const scores = model.scores!(batch);
      checkScores('evaluate', 'model.scores(users)', scores, B, model.nItems);
      for (let b = 0; b < B; b++) {
        const row = scores.subarray(b * model.nItems, b * model.nItems + model.nItems);
        const value = aucOfRow(`evaluate, user ${batch[b]}`, row, rowOf(test, batch[b]), rowOf(exclude, batch[b]), mark, draw);
        if (Number.isNaN(value)) continue;
        add('auc', value);
        usersWithAuc++;
      }
    }
  }
  if (wantsAuc && usersWithAuc === 0) {
    throw new TightrecError('bad-input', `evaluate: auc needs a user with a liked item and another item outside exclude, but none of ${users.length} has both`);
  }

  const means = metrics.map((name) => [name, sums.get(name)! / (name === 'auc' ? usersWithAuc : users.length)]);
  return { k, users: users.length, ...Object.fromEntries(means) };
}

/** A matrix says nothing of its ids; interactions do, and must mean the same by their rows as the model. */
function matrixOf(model: Ranker, what: string, data: Interactions | Csr): Csr {
  if (!isInteractions(data)) return data;
  if ((model.users && !sameIds(model.users, data.users)) || (model.items && !sameIds(model.items, data.items))) throw otherIds('evaluate', `of ${what}`);
  return data.matrix;
}

function check(model: Ranker, test: Csr, k: number, exclude: Csr | null, metrics: readonly MetricName[], wantsAuc: boolean): void {
  checkK('evaluate', k);
  const unknown = metrics.find((name) => name !== 'auc' && !Object.hasOwn(formulas, name));
  if (unknown !== undefined) {
    throw new TightrecError('bad-setting', `evaluate: metrics must be among ${Object.keys(formulas).join(', ')} and auc, got ${unknown}`);
  }
  if (!Number.isInteger(model.nItems) || model.nItems < 1) {
    throw new TightrecError('bad-input', `evaluate: model.nItems must be a positive integer, got ${model.nItems}`);
  }
  checkMatrix('evaluate', 'test', test);
  if (test.indices.length === 0) throw new TightrecError('bad-input', `evaluate: needs a user with a test item, but all ${test.rows} rows of test are empty`);
  if (exclude) {
    checkMatrix('evaluate', 'exclude', exclude);
    if (exclude.rows !== test.rows) {
      throw new TightrecError('bad-shape', `evaluate: exclude must have as many rows as test, ${test.rows}, got ${exclude.rows}`);
    }
  }
  if (wantsAuc) {
    if (!model.scores) throw new TightrecError('bad-setting', 'evaluate: auc needs a model with scores(users), the scores of all items, and this one has none');
    checkIds('evaluate', 'test.indices', test.indices, 0, model.nItems);
    if (exclude) checkIds('evaluate', 'exclude.indices', exclude.indices, 0, model.nItems);
  }
}

function rowsWithEntries(matrix: Csr): Int32Array {
  const rows = Int32Array.from({ length: matrix.rows }, (_, row) => row);
  return rows.filter((row) => matrix.indptr[row] < matrix.indptr[row + 1]);
}

/** The rows of a matrix that `users` name, one group each. */
function groupsOf(matrix: Csr, users: Int32Array): Groups {
  const indptr = new Int32Array(users.length + 1);
  for (let b = 0; b < users.length; b++) indptr[b + 1] = indptr[b] + matrix.indptr[users[b] + 1] - matrix.indptr[users[b]];
  const items = new Int32Array(indptr[users.length]);
  for (let b = 0; b < users.length; b++) items.set(rowOf(matrix, users[b]), indptr[b]);
  return { indptr, items };
}
