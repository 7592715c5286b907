import { scope, scratchCopy } from '../../kernels/memory.ts';
import type { ThreadsOption } from '../../kernels/onThreads.ts';
import type { Csr } from '../data/csr.ts';
import { rowsMet } from '../data/csrTransforms.ts';
import { type Interactions, selectEvents } from '../data/interactions.ts';
import { splitByTime } from '../data/split.ts';
import { evaluate } from '../metrics/index.ts';
import { BPR } from '../models/bpr.ts';
import { EASE } from '../models/ease.ts';
import { HistoryToNext, type HistoryToNextSettings } from '../models/historyToNext.ts';
import { ItemKNN } from '../models/itemKNN.ts';
import { Popularity } from '../models/popularity.ts';
import type { Recommender } from '../models/recommender.ts';
import type { MovieLens } from './movieLens.ts';
import { type Progress, silent } from './progress.ts';
import { type Measure, type Section, type SectionRow, sayFigures, sectionRow } from './sections.ts';

const MEASURES: readonly Measure[] = [{ name: 'NDCG@10', digits: 4, best: 'high' }, { name: 'recall@10', digits: 4, best: 'high' }];
const K = 10, DAY = 86_400_000;

/** Of all events, in the order of time, the share that is learned from. */
const LEARNED = 0.8;

/** Settings chosen on validation pieces cut from the events that are learned from, by time as the test piece is; docs/decisions.md says how. */
const TUNED = {
  /** What comes next of a user who is at it. */
  next: { factors: 64, history: 20, layers: [64], dropout: 0.5, epochs: 10 },
  /** What comes sooner or later, of a user who may have been away, as of the last day. */
  later: { factors: 64, history: 1000, horizon: 1000, layers: [64], exampleAge: 7, dropout: 0, epochs: 18 },
} as const satisfies Record<string, Partial<HistoryToNextSettings>>;

export interface HistoryStudyOptions { progress?: Progress; signal?: AbortSignal; threads?: ThreadsOption; seed?: number }

type Pieces = readonly [train: Interactions, test: Interactions];

/** timePieces: the events before the moment by which the share of them lie, and those from it on. */
export function timePieces(data: Interactions, share: number = LEARNED): Pieces {
  const [train, test] = splitByTime(data, Float64Array.from(data.time!).sort()[Math.floor(share * data.time!.length)]);
  return [train, test];
}

/** userPieces: of each user the first events, the share of them, and the last; those of one moment by their items. */
export function userPieces(data: Interactions, share: number = LEARNED): Pieces {
  const { user, time, item } = data, order = Int32Array.from(user, (_, e) => e).sort((a, b) => user[a] - user[b] || time![a] - time![b] || item[a] - item[b]), learned = new Uint8Array(user.length);
  for (let from = 0, to = 0; from < order.length; from = to) {
    while (to < order.length && user[order[to]] === user[order[from]]) to++;
    for (let at = from; at < from + Math.round(share * (to - from)); at++) learned[order[at]] = 1;
  }
  const events = Int32Array.from(user.keys());
  return [selectEvents(data, events.filter((e) => learned[e] === 1)), selectEvents(data, events.filter((e) => learned[e] === 0))];
}

/** ofKnown: the test events of users who have events to learn from. */
export function ofKnown([train, test]: Pieces): Pieces {
  const met = rowsMet(train.matrix);
  return [train, selectEvents(test, Int32Array.from(test.user.keys()).filter((e) => met[test.user[e]] === 1))];
}

/** A model to be fitted, and what it is called. */
interface Entry { readonly name: string; readonly make: (seed: number) => Recommender; readonly note?: string }

const baselines = (neighbours: number): Entry[] => [
  { name: 'popularity', make: () => new Popularity() },
  { name: 'popularity, half-life 7 days', make: () => new Popularity({ halfLife: 7 }) },
  { name: 'item-knn, cosine', make: () => new ItemKNN({ likeness: 'cosine', neighbours }), note: `${neighbours} neighbours` },
];
const others: Entry[] = [
  { name: 'ease', make: () => new EASE({ lambda: 200, amounts: 'binary' }) },
  { name: 'bpr', make: (seed) => new BPR({ solver: 'sgd', seed }) },
];
const ours = (settings: Partial<HistoryToNextSettings>): Entry[] => [
  { name: 'history-to-next', make: (seed) => new HistoryToNext({ ...settings, seed }) },
  { name: 'history-to-next, sampled softmax', make: (seed) => new HistoryToNext({ ...settings, loss: 'sampled', negatives: 200, seed }) },
];

/**
 * historyToNextStudy: HistoryToNext beside counts, neighbours and factors on MovieLens, every rating an event, by NDCG@10 and recall@10 over all films that the user
 * has not met. Three ways to cut by time: at one moment for all, of the users known by then; for each user the last fifth; and, from that one moment on, every event by
 * itself, from all that lies before it, whoever's it is.
 */
export async function historyToNextStudy({ ratings }: MovieLens, { progress = silent, signal, threads = 1, seed = 1 }: HistoryStudyOptions = {}): Promise<Section[]> {
  const counted = (n: number): string => n.toLocaleString('en-US'), whole = timePieces(ratings), time = ofKnown(whole), last = userPieces(ratings);
  const fitted = async ({ name, make, note = '' }: Entry, train: Interactions, judge: (model: Recommender) => readonly [number, number]): Promise<SectionRow> => {
    const model = make(seed), { epochs = 1 } = model.settings as { epochs?: number }, task = progress.begin(name, epochs), began = performance.now();
    await model.fit(train, { threads, onEpoch: ({ epoch }) => { task.at(epoch); }, ...(signal && { signal }) });
    const fitSeconds = (performance.now() - began) / 1000, figures = judge(model);
    if ('free' in model) model.free();
    task.end(sayFigures(MEASURES, figures));
    return sectionRow(name, { figures, fitSeconds, settings: { ...model.settings }, note: note === '' ? null : note });
  };
  const listed = async (entries: readonly Entry[], [train, test]: Pieces): Promise<SectionRow[]> => {
    const rows: SectionRow[] = [];
    for (const entry of entries) {
      rows.push(await fitted(entry, train, (model) => { const { ndcg, recall } = evaluate(model, test, { k: K, exclude: train, metrics: ['ndcg', 'recall'], threads }); return [ndcg, recall]; }));
    }
    return rows;
  };
  const section = (id: string, title: string, about: string, rows: SectionRow[]): Section => ({ id, title, about, measures: MEASURES, publishedOf: 0, curveOf: '', rows });

  const met = (matrix: Csr): number => rowsMet(matrix).reduce((sum, one) => sum + one, 0);
  const byTime = await listed([...baselines(10), ...others, ...ours(TUNED.later)], time);
  const byUser = await listed([...baselines(400), ...others, ...ours(TUNED.next)], last);
  const rolling = rollingOver(whole), one: SectionRow[] = [
    ...[null, 7].map((halfLife) => sectionRow(`popularity so far${halfLife === null ? '' : `, half-life ${halfLife} days`}`, { figures: rolling.popularity(halfLife), fitSeconds: 0 })),
    await fitted({ ...baselines(10)[2], note: '10 neighbours, weights of the first piece, the user\'s items so far' }, whole[0], (model) => rolling.neighbours(model)),
  ];
  for (const entry of ours(TUNED.next)) one.push(await fitted(entry, whole[0], (model) => rolling.lists(model as HistoryToNext, threads)));
  return [
    section('history-time', 'What comes, after one moment', `Every rating is an event, its stars aside, and lists hold films not rated before. ${counted(time[0].user.length)} events before it, of ${counted(met(time[0].matrix))} users; ${counted(time[1].user.length)} from it on of the ${counted(met(time[1].matrix))} who were there before; ${counted(met(whole[1].matrix) - met(time[1].matrix))} users are new and left out.`, byTime),
    section('history-user', 'The last fifth of each user', `${counted(last[0].user.length)} events to learn from, ${counted(last[1].user.length)} to find, of ${counted(met(last[1].matrix))} users.`, byUser),
    section('history-next', 'What comes next, event by event', `Each of the ${counted(whole[1].user.length)} events after one moment, of ${counted(met(whole[1].matrix))} users, new ones too, from the user's events before it; learned from the ${counted(whole[0].user.length)} before that moment.`, one),
  ];
}

/** Judges what is expected at each event of the second piece from all that lies before it; figures are means over the events. */
function rollingOver([train, test]: Pieces) {
  const nItems = train.items.size, held = new Set(test.user), before = Int32Array.from(train.user.keys()).filter((e) => held.has(train.user[e]));
  const both = (what: 'user' | 'item'): Int32Array => Int32Array.from([...before.map((e) => train[what][e]), ...test[what]]), time = Float64Array.from([...Array.from(before, (e) => train.time![e]), ...test.time!]);
  const events: Interactions = { ...selectEvents(train, new Int32Array(0)), user: both('user'), item: both('item'), time, value: null, matrix: train.matrix }, first = before.length, n = test.user.length;

  /** Figures of the places, from 1, at which what came stood. */
  const figuresOf = (places: Iterable<number>): [number, number] => {
    let ndcg = 0, hits = 0;
    for (const place of places) if (place <= K) { ndcg += 1 / Math.log2(place + 1); hits++; }
    return [ndcg / n, hits / n];
  };
  /** Where the item stands among those that are not in the history; equal scores by the lower row. */
  const placeOf = (scores: ArrayLike<number>, item: number, history: ReadonlySet<number>): number => {
    let place = 1;
    for (let other = 0; other < nItems; other++) if (other !== item && !history.has(other) && (scores[other] > scores[item] || (scores[other] === scores[item] && other < item))) place++;
    return place;
  };
  const byTime = (time: Float64Array): Int32Array => Int32Array.from(time.keys()).sort((a, b) => time[a] - time[b] || a - b);

  /** Goes through events moment by moment: what is expected of each of the moment is asked before any of it is told. */
  const walk = (order: Int32Array, time: Float64Array, ask: (event: number) => void, tell: (event: number) => void): void => {
    for (let from = 0, to = 0; from < order.length; from = to) {
      while (to < order.length && time[order[to]] === time[order[from]]) to++;
      for (let at = from; at < to; at++) ask(order[at]);
      for (let at = from; at < to; at++) tell(order[at]);
    }
  };
  const histories = (): Set<number>[] => Array.from({ length: train.users.size }, () => new Set<number>());

  return {
    popularity(halfLife: number | null): [number, number] {
      const all = { user: Int32Array.from([...train.user, ...test.user]), item: Int32Array.from([...train.item, ...test.item]), time: Float64Array.from([...train.time!, ...test.time!]) }, latest = all.time.reduce((a, b) => Math.max(a, b));
      const totals = new Float64Array(nItems), met = histories(), places: number[] = [];
      walk(byTime(all.time), all.time, (e) => { if (e >= train.user.length) places.push(placeOf(totals, all.item[e], met[all.user[e]])); }, (e) => {
        totals[all.item[e]] += halfLife === null ? 1 : 2 ** ((all.time[e] - latest) / (halfLife * DAY)); // all fade alike, so it is enough that later events count for more
        met[all.user[e]].add(all.item[e]);
      });
      return figuresOf(places);
    },

    neighbours(model: Recommender): [number, number] {
      const S = new Float32Array(nItems * nItems), met = histories(), sums = Array.from(met, () => null as Float64Array | null), places: number[] = [];
      scope(() => model.answers.likenessBlock!(S, scratchCopy(Int32Array.from({ length: nItems }, (_, item) => item))));
      walk(byTime(events.time!), events.time!, (e) => { if (e >= first) places.push(placeOf(sums[events.user[e]] ?? new Float64Array(nItems), events.item[e], met[events.user[e]])); }, (e) => {
        const u = events.user[e], i = events.item[e], sum = sums[u] ??= new Float64Array(nItems);
        for (let j = 0; j < nItems; j++) sum[j] += S[i * nItems + j];
        met[u].add(i);
      });
      return figuresOf(places);
    },

    lists(model: HistoryToNext, threads: ThreadsOption): [number, number] {
      const { items } = model.recommendNext(events, { k: K, threads });
      return figuresOf(Array.from(test.item, (item, at) => { const place = items.subarray((first + at) * K, (first + at + 1) * K).indexOf(item); return place < 0 ? Infinity : place + 1; }));
    },
  };
}
