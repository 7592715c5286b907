import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Interactions, interactions, sideTable } from '../../lib/data/index.ts';
import { HistoryToNext, ItemKNN, Popularity, type Recommender } from '../../lib/models.ts';
import { evaluate } from '../../lib/metrics/index.ts';
import { random } from '../../lib/random.ts';
import { historyToNextStudy, ofKnown, timePieces, userPieces } from '../../lib/study/historyToNextStudy.ts';
import type { MovieLens } from '../../lib/study/movieLens.ts';
import { movieLens, movieLensRatings, noMovieLens } from '../helpers/movielens.ts';
import { skip } from '../helpers/skip.ts';

const test = suite('study/historyToNext');
const range = (n: number): number[] => Array.from({ length: n }, (_, at) => at);
const HOUR = 3_600_000;

/** Thirty users, who come one after another, each with a dozen of fifteen films; two of a moment now and then. */
function small(): MovieLens {
  const next = random(3), events = range(30).flatMap((user) => [...next.shuffle(Int32Array.from(range(15))).subarray(0, 12)].map((film, at): [number, number, number] => [user, film, HOUR * (5 * user + at - (at % 4 === 3 ? 1 : 0))]));
  const ratings = interactions(events.map(([user]) => user), events.map(([, film]) => film), { values: events.map(() => 1 + next.below(5)), times: events.map(([, , time]) => time) }), table = sideTable([0], {});
  return { source: 'made up', generated: true, ratings, users: table, items: table, split: { train: ratings, test: ratings } };
}

test('pieces: what lies before a moment and what does not; of each user the first and the last', () => {
  const { ratings } = small(), [before, after] = timePieces(ratings), [first, last] = userPieces(ratings), [, known] = ofKnown([before, after]);
  assert.ok(Math.max(...before.time!) < Math.min(...after.time!) && Math.abs(before.user.length - 0.8 * 360) < 12);
  assert.is(before.user.length + after.user.length, 360);
  assert.ok(known.user.length < after.user.length && known.user.every((user) => before.user.includes(user)));
  for (const user of range(30)) {
    const of = (piece: Interactions): number[] => [...piece.time!].filter((_, e) => piece.user[e] === user);
    assert.equal([of(first).length, of(last).length], [10, 2]);
    assert.ok(Math.max(...of(first)) <= Math.min(...of(last)));
  }
});

test('the study: three sections, each with what everybody had the same of; event by event, as a slow program says', async () => {
  const data = small(), { ratings: { user, item, time } } = data, ends: string[] = [], sections = await historyToNextStudy(data, { progress: { say() {}, begin: (name) => ({ at() {}, end: (note) => { ends.push(`${name}: ${note}`); } }) } });
  const ours = ['history-to-next', 'history-to-next, sampled softmax'], lists = ['popularity', 'popularity, half-life 7 days', 'item-knn, cosine', 'ease', 'bpr', ...ours];
  assert.equal(sections.map(({ id, rows }) => [id, rows.map(({ name }) => name)]), [['history-time', lists], ['history-user', lists], ['history-next', ['popularity so far', 'popularity so far, half-life 7 days', 'item-knn, cosine', ...ours]]]);
  assert.ok(sections.every(({ rows }) => rows.every(({ figures }) => figures.length === 2 && figures.every((figure) => figure !== null && figure > 0 && figure <= 1))));
  assert.match(ends[0], /^popularity: NDCG@10 0\.\d{4}, recall@10 0\.\d{4}$/);
  assert.match(sections[1].about, '300 events to learn from, 60 to find, of 30 users');

  const [before, after] = timePieces(data.ratings), model = await new ItemKNN({ neighbours: 10 }).fit(before), weights = range(15).map((i) => { const { items, scores } = model.similarItems([i], { k: 14 }); return new Map([...items].map((other, at) => [other, scores[at]])); });
  const all = range(360), judged = (scores: (e: number, past: number[]) => number[]): [number, number] => {
    const places = range(after.user.length).map((at) => {
      const e = all.find((e) => user[e] === after.user[at] && item[e] === after.item[at])!, past = all.filter((other) => time![other] < time![e]), met = new Set(past.filter((other) => user[other] === user[e]).map((other) => item[other])), x = scores(e, past);
      return range(15).filter((n) => !met.has(n)).sort((a, b) => x[b] - x[a] || a - b).indexOf(item[e]) + 1;
    });
    return [places.reduce((sum, place) => sum + (place <= 10 ? 1 / Math.log2(place + 1) : 0), 0) / places.length, places.filter((place) => place <= 10).length / places.length];
  };
  const counted = judged((_, past) => range(15).map((n) => past.filter((other) => item[other] === n).length));
  const recent = judged((e, past) => range(15).map((n) => past.reduce((sum, other) => sum + (item[other] === n ? 2 ** ((time![other] - time![e]) / (7 * 24 * HOUR)) : 0), 0)));
  const near = judged((e, past) => range(15).map((n) => past.reduce((sum, other) => sum + (user[other] === user[e] ? weights[item[other]].get(n) ?? 0 : 0), 0)));
  [counted, recent, near].forEach((want, row) => want.forEach((value, at) => assert.ok(Math.abs(sections[2].rows[row].figures[at]! - value) < 1e-6, `row ${row}: ${sections[2].rows[row].figures}, slowly ${want}`)));
});

if (movieLens === null) skip('study/historyToNext: MovieLens 100k', noMovieLens);
else {
  const all = await movieLensRatings('u.data');
  const judged = async (model: Recommender, [train, held]: readonly [Interactions, Interactions]): Promise<{ ndcg: number; recall: number }> => evaluate(await model.fit(train), held, { exclude: train, metrics: ['ndcg', 'recall'] });
  for (const [name, pieces, neighbours, settings, floor] of [
    ['after one moment', ofKnown(timePieces(all)), 10, { history: 1000, horizon: 1000, exampleAge: 7, dropout: 0, epochs: 18 }, { ndcg: 0.15, recall: 0.065 }],
    ['the last fifth of each user', userPieces(all), 400, { dropout: 0.5 }, { ndcg: 0.22, recall: 0.13 }],
  ] as const) {
    test(`MovieLens 100k, ${name}: above popularity and the cosine of items`, async () => {
      const own = await judged(new HistoryToNext({ ...settings, loss: 'sampled', negatives: 200 }), pieces), popular = await judged(new Popularity(), pieces), near = await judged(new ItemKNN({ neighbours }), pieces), said = JSON.stringify({ own, popular, near });
      for (const measure of ['ndcg', 'recall'] as const) assert.ok(own[measure] > Math.max(popular[measure], near[measure]) && own[measure] > floor[measure], said);
    });
  }
}

test.run();
