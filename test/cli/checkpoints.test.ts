import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { StudyResult } from '../../lib/study/study.ts';
import { type RunOptions, fails, run, succeeds } from '../helpers/command.ts';
import { place } from '../helpers/place.ts';
import { retailCsv, smallShop } from '../helpers/retail.ts';
import { skip } from '../helpers/skip.ts';

const { folder, out, table, columns, file, remove } = place(), kept = join(folder, 'run.ckpt');
const orders = file('orders.csv', `who,what,order\n${Array.from({ length: 600 }, (_, n) => `u${(n >> 2) % 9},i${(n * n) % 11},o${n >> 2}`).join('\n')}\n`);
const models = {
  'bpr': ['fit', table, ...columns, '--model', 'bpr', '--factors', '16', '--set', 'stepsPerEpoch=500', '--out', out],
  'lstm': ['fit', orders, '--user', 'who', '--item', 'what', '--basket', 'order', '--model', 'lstm', '--factors', '8', '--set', 'hidden=8', '--set', 'layers=1', '--out', out],
};
const epochs = (n: number): string[] => ['--epochs', String(n)], keeping = ['--checkpoint', kept];
const epochsIn = async (path: string): Promise<number> => (JSON.parse((await succeeds(['info', path, '--json'])).stdout) as { numbers: { epochs: number } }).numbers.epochs;

/** Sends the signal once stderr says that training has begun. */
const interrupt = (signal: NodeJS.Signals, begun = /\d %/): RunOptions => {
  let sent = false;
  return { during: (child, stderr) => { if (!sent && begun.test(stderr)) { sent = true; child.kill(signal); } } };
};

const test = suite('cli/checkpoints');
test.before.each(() => { for (const path of [out, kept]) rmSync(path, { force: true }); });
test.after(remove);

if (process.platform === 'win32') skip('cli/checkpoints', 'Windows has no signals to send');
else {
  for (const [name, fit] of Object.entries(models)) {
    test(`${name}: Ctrl-C says what is kept; the same command goes on to the same bytes`, async () => {
      const { stderr } = await fails([...fit, ...epochs(1_000_000), ...keeping], 130, ['interrupted; ', /run\.ckpt has \d+ of 1,000,000 epochs, and the same command goes on from there$/], interrupt('SIGINT'));
      const done = Number(/has (\d+) of/.exec(stderr)![1]), last = done + 3;
      assert.is(await epochsIn(kept), done);
      assert.not.ok(existsSync(out));
      const resumed = await succeeds([...fit, ...epochs(last), ...keeping]), bytes = readFileSync(out);
      assert.match(resumed.stderr, `run.ckpt has ${done} of ${last} epochs: going on from there`);
      const again = await succeeds([...fit, ...epochs(last), ...keeping]);
      assert.match(again.stderr, `run.ckpt has ${last} of ${last} epochs: nothing is left to learn`);
      assert.equal(readFileSync(out), bytes);
      const plain = await succeeds([...fit, ...epochs(last)]);
      assert.equal(readFileSync(out), bytes, 'as if it had never been stopped');
      assert.not.match(plain.stderr, 'run.ckpt');
    });
  }

  test('killed without a word: what is there is whole, and goes on to the same bytes', async () => {
    const fit = models.bpr;
    assert.is.not((await run([...fit, ...epochs(1_000_000), ...keeping], interrupt('SIGKILL'))).code, 0);
    const last = await epochsIn(kept) + 2;
    await succeeds([...fit, ...epochs(last), ...keeping]);
    const bytes = readFileSync(out);
    await succeeds([...fit, ...epochs(last)]);
    assert.equal(readFileSync(out), bytes);
    for (const name of readdirSync(folder).filter((name) => name.includes('.tightrec-'))) rmSync(join(folder, name)); // of a process killed while writing
  });

  test('Ctrl-C in the first epoch: nothing is kept, and nothing is claimed', async () => {
    await fails([...models.bpr.map((word) => word.replace('=500', '=100000000')), ...epochs(2), ...keeping], 130, ['interrupted; no file was written'], interrupt('SIGINT'));
    assert.not.ok(existsSync(kept));
  });

  test('the study goes on: the same figures, the same curves, each model by itself', async () => {
    const shop = file('shop.csv', retailCsv(smallShop({ invoices: 200 }))), checkpoints = join(folder, 'kept', 'here'), json = join(folder, 'study.json');
    const study = (...more: string[]): string[] => ['study', '--data', shop, '--models', 'purchase-history,bpr,lstm', '--no-report', '--json', json, ...more];
    const measured = (): unknown[] => (JSON.parse(readFileSync(json, 'utf8')) as StudyResult).models.map(({ fitSeconds, ...rest }) => { assert.ok(fitSeconds > 0); return rest; });
    await succeeds(study());
    const whole = measured();
    rmSync(json);
    // in the second row of bpr
    await fails(study('--checkpoints', checkpoints), 130, ['interrupted; ', 'kept/here has what was learned up to the last whole epoch, and the same command goes on from there'], interrupt('SIGINT', /\nbpr: validation/));
    assert.ok(existsSync(join(checkpoints, 'bpr.safetensors')) && !existsSync(json));
    const { stderr } = await succeeds(study('--checkpoints', checkpoints));
    assert.match(stderr, /\nbpr: 30 of 30 epochs are in .*bpr\.safetensors\nbpr: validation/);
    assert.equal(measured(), whole);
    assert.equal(readdirSync(checkpoints).sort(), ['bpr-chapter-s-settings.safetensors', 'bpr.safetensors', 'lstm-chapter-s-settings.safetensors', 'lstm.safetensors']);
    await succeeds(study('--checkpoints', checkpoints)); // now nothing is left to learn
    assert.equal(measured(), whole);

    await fails(study('--checkpoints', checkpoints, '--seed', '2'), 1, ['bpr.safetensors is of BPR with seed 1, and this model has 2', 'another place for checkpoints']);
    const more = file('more.csv', retailCsv(smallShop({ invoices: 201 })));
    await fails(['study', '--data', more, '--models', 'bpr', '--no-report', '--checkpoints', checkpoints], 1, ['bpr.safetensors is of other data: it has ']);
    await fails(study('--checkpoints', shop), 1, ['shop.csv', '--checkpoints']);
  });
}

test('--checkpoint: what is there and is none is refused, and left as it is', async () => {
  const fit = [...models.bpr, ...epochs(2)], another = join(folder, 'another.safetensors');
  await succeeds(fit);
  const model = readFileSync(out);
  writeFileSync(another, model);
  await fails([...fit, '--checkpoint', another], 1, ['another.safetensors is a BPR that was saved, not a checkpoint of a fit; name another file']);
  const text = file('notes.txt', 'buy milk, bread\n');
  await fails([...fit, '--checkpoint', text], 1, ['notes.txt is not a whole safetensors file']);
  await succeeds([...fit, ...keeping]);
  const whole = readFileSync(kept);
  for (const broken of [whole.subarray(0, whole.length - 9), Buffer.from(whole).fill(7, whole.length - 40, whole.length - 36), Buffer.alloc(0)]) {
    writeFileSync(kept, broken);
    await fails([...fit, ...keeping], 1, ['run.ckpt']);
    assert.equal(readFileSync(kept), broken);
  }
  assert.equal([readFileSync(another), readFileSync(text, 'utf8')], [model, 'buy milk, bread\n']);
});

test('--checkpoint: places that cannot be, told before the file is read', async () => {
  const unread = file('unread.csv', 'neither,of,these\n'), fit = (...more: string[]): string[] => ['fit', unread, ...columns, '--out', out, ...more];
  await fails(fit('--model', 'bpr', '--checkpoint', out), 2, ['--out and --checkpoint would both write ', 'model.safetensors']);
  await fails(fit('--model', 'bpr', '--checkpoint', unread), 2, ['--checkpoint would overwrite the input ', 'unread.csv']);
  await fails(fit('--model', 'bpr', '--checkpoint', join(folder, 'nowhere', 'run.ckpt')), 1, ['the directory ', 'nowhere does not exist']);
  await fails(fit('--model', 'bpr', '--checkpoint', folder), 1, ['it is a directory']);
  for (const model of ['popularity', 'purchase-history', 'item-knn', 'ease']) await fails(fit('--model', model, ...keeping), 2, ['--checkpoint keeps what is learned epoch by epoch', 'learns in one go']);
});

test('--checkpoint: other options and other data are named', async () => {
  const fit = [...models.lstm, ...epochs(3)];
  await succeeds([...fit, ...keeping]);
  const refused = (words: string[], ...args: string[]): Promise<unknown> => fails([...args, ...keeping], 1, [...words, 'give the data and the options it was made with, or another place for checkpoints']);
  await refused(['run.ckpt is of NextItemLSTM with hidden 8, and this model has 9'], ...fit.map((word) => word.replace('hidden=8', 'hidden=9')));
  await refused(['run.ckpt is of NextItemLSTM, and this model is BPR'], ...models.bpr);
  await refused(['run.ckpt has 3 epochs done, and this model has epochs 2'], ...models.lstm, ...epochs(2));
  await refused(['is of other data: its events had baskets, and these have none'], ...fit.filter((word) => !['--basket', 'order'].includes(word)));
  const other = join(folder, 'other.csv');
  writeFileSync(other, readFileSync(orders, 'utf8').replaceAll('u3,', 'u-3,'));
  await refused(["is of other data: its user in row 0 is 'u0', and in these 'u-3'"], ...fit.map((word) => (word === orders ? other : word)));
});

test('a checkpoint is a model file', async () => {
  await succeeds([...models.bpr, ...epochs(2), ...keeping]);
  const [one, other] = await Promise.all([out, kept].map((path) => succeeds(['recommend', path, '--user', 'u1', '--json'])));
  assert.is(other.stdout, one.stdout);
  assert.match((await succeeds(['info', kept])).stdout, /^model +BPR\n[^]*epochs done +2\nuser_factors +9 x 16\nitem_factors +7 x 16\nitem_bias +7 x 1\nfile +[\d,]+ bytes\n$/);
});

test('lstm: baskets from a column, or by user; what the model file is good for', async () => {
  await succeeds([...models.lstm, ...epochs(3)]);
  const withBaskets = readFileSync(out), { stdout } = await succeeds(['recommend', out, '--user', 'u1', '--k', '3', '--json']);
  assert.is((JSON.parse(stdout) as unknown[]).length, 3);
  assert.match((await succeeds(['similar', out, '--item', 'i1', '--k', '2'])).stdout, /^item +score\n/);
  assert.match((await succeeds(['evaluate', out, orders, '--user', 'who', '--item', 'what', '--k', '2'])).stdout, /^NextItemLSTM on \d+ pairs of 9 users\n/);
  assert.match((await succeeds(['info', out])).stdout, /hidden +8\n[^]*lstm_0_hidden +8 x 32\n/);
  await succeeds([...models.lstm.filter((word) => !['--basket', 'order'].includes(word)), ...epochs(3)]);
  assert.is.not(Buffer.compare(readFileSync(out), withBaskets), 0);
  await succeeds([...models.lstm, ...epochs(3), '--seed', '1']);
  assert.equal(readFileSync(out), withBaskets);
  await succeeds([...models.lstm, ...epochs(3), '--seed', '2']);
  assert.is.not(Buffer.compare(readFileSync(out), withBaskets), 0);
  await fails([...models.lstm, '--set', 'hiden=3'], 2, ["lstm: there is no setting 'hiden'", '--set hidden', '--learning-rate']);
  await fails(models.lstm.map((word) => word.replace('hidden=8', 'hidden=0')), 2, ['lstm: --set hidden must be a whole number']);
  await fails(models.lstm.map((word) => (word === 'order' ? 'who' : word)), 2, ['--value and --basket needs a column of its own', "'who' twice"]);
  await fails(models.lstm.map((word) => (word === 'order' ? 'cart' : word)), 1, ['expected a column "cart"']);
});

test.run();
