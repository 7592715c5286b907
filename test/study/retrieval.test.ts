import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { splitRandom } from '../../lib/data/index.ts';
import { FILES } from '../../lib/study/movieLens.ts';
import { movieLensReport } from '../../lib/study/movieLensReport.ts';
import type { MovieLensResult } from '../../lib/study/movieLensResult.ts';
import { movieLensTable } from '../../lib/study/movieLensTable.ts';
import { runRetrieval } from '../../lib/study/retrievalStudy.ts';
import { cinema, inBytes } from '../helpers/cinema.ts';
import { fails, succeeds } from '../helpers/command.ts';

const test = suite('study/retrieval'), folder = mkdtempSync(join(tmpdir(), 'tightrec-retrieval-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const place = join(folder, 'ml-100k');
mkdirSync(place);
for (const [part, name] of Object.entries(FILES)) writeFileSync(join(place, name), inBytes[part as keyof typeof FILES]);

const towers = ['popularity', 'two-tower'] as const, result = await runRetrieval(cinema, { seed: 3, models: towers }), [retrieval] = result.sections;

test('a row for popularity and one for each pair of towers, with a curve; the film among the first k, more often the more there are', () => {
  assert.equal(retrieval.rows.map(({ name, curve, published }) => [name, curve.length, published]), [
    ['popularity', 0, null], ['two towers, 32, as in the tutorial', 11, 0.16], ['two towers, 64-32, as in the tutorial', 11, null], ['two towers, 32', 11, null], ['two towers, 64-32', 11, null], ['two towers, 64-32, user id', 11, null],
  ]);
  for (const { figures, curve, settings } of retrieval.rows) {
    for (const [at, share] of figures.entries()) assert.ok(share! >= (figures[at - 1] ?? 0) && share! <= 1, String(figures));
    assert.is(figures.at(-1), 1, 'there are 30 films');
    if (curve.length > 0) assert.equal([curve.at(-1)!.epoch, curve.at(-1)!.value, settings.epochs], [50, figures[4], 50]);
  }
  const [train, held] = splitRandom(cinema.ratings, { share: 0.2, seed: 3 }), counts = new Array<number>(30).fill(0);
  for (const film of train.item) counts[film]++;
  const ranked = counts.map((n, film) => [n, film]).sort((a, b) => b[0] - a[0] || a[1] - b[1]).map(([, film]) => film);
  assert.equal(retrieval.rows[0].figures, [1, 5, 10, 50, 100].map((k) => held.item.filter((film) => ranked.slice(0, k).includes(film)).length / held.item.length));
});

test('the query of the tutorial has its films, best first, once each', () => {
  const [{ films, title }] = result.lists, titles = films.map((film) => film.title);
  assert.is(title, '30 films for a student of 25');
  assert.equal([...titles].sort(), [...(cinema.items.columns.title as string[])].sort());
  assert.ok(films.every(({ score }, at) => at === 0 || score <= films[at - 1].score) && films.every(({ genres }) => genres.includes('Documentary')));
});

test('the same figures for the same seed; the models asked for, and no others', async () => {
  const again = await runRetrieval(cinema, { seed: 3, models: ['popularity'] });
  assert.equal([again.sections[0].rows[0].figures, again.lists, again.map], [retrieval.rows[0].figures, [], null]);
  const figures = ({ sections: [{ rows }], lists }: MovieLensResult): unknown => [rows.map((row) => [row.name, row.figures, row.curve]), lists];
  assert.equal(figures(await runRetrieval(cinema, { seed: 3, models: towers })), figures(result));
});

test('table and report: every figure, the films, what is made up; titles are text', async () => {
  const text = movieLensTable(result), html = await movieLensReport({ ...result, lists: [{ ...result.lists[0], films: [{ title: '<img src=x>', genres: ['<b>'], score: 1 }] }] });
  for (const { figures } of retrieval.rows) for (const value of figures) for (const page of [text, html]) assert.ok(page.includes(value!.toFixed(4)));
  assert.match(text, /^ {2}1 {2}-?\d+\.\d{3} {2}Film/m);
  assert.match(text, '0.16');
  assert.not.match(html, '<img src=x>');
  assert.match(html, '&#60;img src=x&#62;');
  assert.match(html, 'npx tightrec study movielens-retrieval --seed 3');
  assert.match(await movieLensReport(result, ['popularity']), 'movielens-retrieval --models popularity --seed 3');
  const made = await runRetrieval({ ...cinema, generated: true }, { models: ['popularity', 'two-tower'], seed: 3 });
  assert.ok(made.sections[0].rows.every(({ published, publishedNote }) => published === null && publishedNote === null));
  assert.match(movieLensTable(made).split('\n')[0], 'GENERATED RATINGS');
});

test('an abort ends it', async () => {
  const controller = new AbortController(), reason = new Error('enough');
  controller.abort(reason);
  try { await runRetrieval(cinema, { models: ['two-tower'], signal: controller.signal }); assert.unreachable(); } catch (error) { assert.is(error, reason); }
});

test('the command', async () => {
  const json = join(folder, 'out.json'), { stdout } = await succeeds(['study', 'movielens-retrieval', '--data', place, '--models', 'popularity', '--json', json, '--report', join(folder, 'out.html')]);
  assert.match(stdout, /^popularity +0\.\d{4}/m);
  const kept = JSON.parse(readFileSync(json, 'utf8')) as MovieLensResult;
  assert.equal([kept.study, kept.sections[0].id, 'map' in kept], ['movielens-retrieval', 'retrieval', false]);
  await fails(['study', 'movielens-retrieval', '--models', 'als', '--data', place], 2, ["there is no 'als'", 'two-tower']);
  await fails(['study', 'movielens-retrieval', '--data', place, '--checkpoints', folder], 2, ['a model of movielens-retrieval is trained in a minute']);
});

test.run();
