import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { interactions } from '../../lib/data/index.ts';
import { BiasOnly } from '../../lib/models.ts';
import { evaluateRatings } from '../../lib/metrics/index.ts';
import { fails, succeeds } from '../helpers/command.ts';
import { place } from '../helpers/place.ts';

const { out, file, remove } = place();
const test = suite('cli/ratings');
test.after(remove);

const rows: [user: string, item: string, rating: number][] = Array.from({ length: 60 }, (_, at) => [`u${at % 7}`, `i${(at * 3) % 11}`, 1 + (at * 5 + (at % 7)) % 5]), held: typeof rows = [['u1', 'i4', 5], ['u2', 'i9', 1], ['who', 'i1', 2], ['u3', 'what', 3]];
const dat = (events: typeof rows): string => events.map((cells) => cells.join('::')).join('\n');
const columns = ['--no-header', '--delimiter', '::', '--user', '1', '--item', '2', '--value', '3'];
const data = (events: typeof rows) => interactions(events.map(([user]) => user), events.map(([, item]) => item), { values: events.map(([, , rating]) => rating) });

for (const model of ['auto-rec', 'bias-only', 'rating-mf', 'svd-plus-plus']) {
  test(`${model}: a file without a header, fitted and measured`, async () => {
    const fitted = await succeeds(['fit', file('train.dat', dat(rows)), ...columns, '--model', model, '--out', out]);
    assert.match(fitted.stdout, /of 7 users and 11 items, from 60 interactions/);
    const { stdout, stderr } = await succeeds(['evaluate', out, file('held.dat', dat(held)), ...columns]);
    assert.match(stdout, /on 4 ratings\nmetric +value\nrmse +\d\.\d{4}\nmae +\d\.\d{4}\n$/);
    assert.match(stderr, 'of 4 ratings 2 are predicted from what else the model knows: it has no rating of 1 user and 1 item');
    if (model !== 'bias-only') return;
    const want = evaluateRatings(await new BiasOnly().fit(data(rows)), data(held)), json = JSON.parse((await succeeds(['evaluate', out, file('held.dat', dat(held)), ...columns, '--json'])).stdout);
    assert.equal(json, { model: 'BiasOnly', ratings: 4, cold: want.cold, rmse: want.rmse, mae: want.mae });
  });
}

test('a model that predicts no ratings; a file with a header', async () => {
  await succeeds(['fit', file('train.dat', dat(rows)), ...columns, '--model', 'popularity', '--out', out]);
  await fails(['evaluate', out, file('held.dat', dat(held)), ...columns], 2, ['Popularity predicts no ratings that --value could be compared with']);
  await fails(['fit', file('train.dat', `u::i::r\n${dat(rows)}`), ...columns, '--model', 'rating-mf', '--out', out], 1, ['row 1, column "3"', 'got "r"']);
});

test('JSON lines, compressed or not', async () => {
  const json = rows.map(([user_id, book_id, rating]) => JSON.stringify({ user_id, book_id, rating })).join('\n');
  assert.match((await succeeds(['fit', file('train.json', json), '--user', 'user_id', '--item', 'book_id', '--value', 'rating', '--model', 'bias-only', '--out', out])).stdout, /from 60 interactions/);
  await fails(['fit', file('cut.json', json.slice(0, -5)), '--user', 'user_id', '--item', 'book_id', '--value', 'rating', '--model', 'bias-only', '--out', out], 1, ['row 60: expected a JSON object', '--on-bad-row skip']);
});

test.run();
