import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BPR, type Checkpoint, LogisticMF, NextItemLSTM, checkpointFromBytes, checkpointToBytes, fromBytes, toBytes } from '../../lib/models.ts';
import { decodeSafetensors } from '../../lib/io/safetensors.ts';
import { checkpointFile, load } from '../../lib/node.ts';
import { forged } from '../helpers/forged.ts';
import { refuses, rejects } from '../helpers/refuses.ts';
import { shop } from '../helpers/shop.ts';
import { skip } from '../helpers/skip.ts';

const test = suite('io/checkpoint'), folder = mkdtempSync(join(tmpdir(), 'tightrec-checkpoints-')), path = join(folder, 'run.safetensors');
test.before.each(() => rmSync(path, { force: true }));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const scores = [1, 3, 2, 1], make = (settings = {}): BPR => new BPR({ factors: 3, epochs: 3, stepsPerEpoch: 3, batchSize: 50, ...settings });
const all: Checkpoint[] = [], best = { patience: 5, validation: (model: { toState(): { numbers: Record<string, number> } }) => scores[model.toState().numbers.epochs - 1] };
await make().fit(shop(), { ...best, checkpoints: { load: () => null, save: (checkpoint) => { all.push(checkpoint); } } });
const whole = checkpointToBytes(all[2]);

/** Without what is no plain data: encoders, which are compared by what they hold. */
const plain = ({ state: { catalogue: { users, items, seen }, ...state }, ...rest }: Checkpoint): unknown => ({ ...rest, state: { ...state, catalogue: { users: users.labels, items: items.labels, seen } } });

test('what went in comes out, and the same checkpoint gives the same bytes', () => {
  assert.equal(all.map(({ last, best }) => [last.epoch, best!.at.epoch, best!.value]), [[1, 1, 1], [2, 2, 3], [3, 2, 3]]);
  for (const checkpoint of [...all, { ...all[1], best: null }, { ...all[0], notes: 'größe "😀"\n' }]) {
    const bytes = checkpointToBytes(checkpoint), again = checkpointFromBytes(bytes);
    assert.equal(plain(again), plain(checkpoint));
    assert.equal(checkpointToBytes(again), bytes);
  }
});

test('the same arrays are not written twice', () => {
  const names = (checkpoint: Checkpoint): string[] => [...decodeSafetensors(checkpointToBytes(checkpoint)).tensors.keys()].filter((name) => name.startsWith('checkpoint.'));
  const moments = (which: string): string[] => ['item_bias', 'item_factors', 'user_factors'].flatMap((name) => ['m', 'v'].map((moment) => `checkpoint.${which}.${name}.${moment}`));
  assert.equal(names(all[1]).sort(), moments('last'));
  assert.equal(names(all[2]).sort(), [...moments('last'), ...moments('best'), ...['item_bias', 'item_factors', 'user_factors'].map((name) => `checkpoint.best.${name}`)].sort());
});

test('it is the file of its model too', async () => {
  const model = await make().fit(shop());
  assert.equal(toBytes(fromBytes(whole)), toBytes(model));
  await make().fit(shop(), { checkpoints: checkpointFile(path) });
  assert.equal(toBytes(await load(path)), toBytes(model));
});

test('other models: SGD keeps nothing beside its parameters', async () => {
  for (const other of [new LogisticMF({ factors: 3, epochs: 1, batchSize: 50 }), new NextItemLSTM({ factors: 3, hidden: 4, layers: 1, epochs: 1, optimizer: 'sgd' })]) {
    let kept: Uint8Array | null = null;
    await other.fit(shop(), { checkpoints: { load: () => null, save: (checkpoint) => { kept = checkpointToBytes(checkpoint); } } });
    const { last: { optimizer }, state } = checkpointFromBytes(kept!);
    assert.equal([Object.keys(optimizer).sort(), state.model], [other.name === 'NextItemLSTM' ? [] : Object.keys(state.tensors).sort(), other.name]);
  }
});

test('damage, a byte or a cut anywhere, is noticed', () => {
  for (let at = 0; at < whole.length; at += 97) {
    const bytes = whole.slice();
    bytes[at] ^= 1;
    refuses(() => checkpointFromBytes(bytes, 'run.safetensors'), 'file-damaged', /^run\.safetensors\b/);
    refuses(() => checkpointFromBytes(whole.subarray(0, at), 'run.safetensors'), 'file-damaged', /^run\.safetensors\b/);
  }
});

test('a model that was saved is not a checkpoint', async () => {
  const bytes = toBytes(await make().fit(shop()));
  refuses(() => checkpointFromBytes(bytes, 'shop.safetensors'), 'wrong-checkpoint', 'shop.safetensors is a BPR that was saved, not a checkpoint of a fit; name another file');
});

test('forged ones: every part is checked before anything is used', () => {
  const told = JSON.parse(decodeSafetensors(whole).metadata.get('checkpoint')!), change = (edit: (told: any) => void): Uint8Array => forged(whole, ({ metadata }) => { const copy = structuredClone(told); edit(copy); metadata.checkpoint = JSON.stringify(copy); });
  assert.equal(plain(checkpointFromBytes(change(() => {}))), plain(all[2]));
  const wrong: Record<string, (told: any) => void> = {
    'a number firstLoss': (told) => { told.firstLoss = null; },
    'what the data are known by': (told) => { told.data.user = -1; },
    'a whole number last epoch': (told) => { told.last.epoch = 0; },
    "the model's own number of epochs, 3": (told) => { told.last.epoch = 2; },
    'the five numbers of the generator at the last epoch': (told) => { told.last.random = [1, 2, 3]; },
    "the optimiser's steps at the last epoch": (told) => { told.last.steps.user_factors = -1; },
    'the best value of validation': (told) => { told.best.value = 'high'; },
    'a whole number best epoch': (told) => { told.best.at.epoch = 1.5; },
    'the five numbers of the generator at the best epoch': (told) => { told.best.at.random[1] = 'x'; },
    "the optimiser's steps at the best epoch": (told) => { told.best.at.steps = null; },
  };
  for (const [says, edit] of Object.entries(wrong)) refuses(() => checkpointFromBytes(change(edit), 'run.safetensors'), 'file-damaged', `run.safetensors: the metadata checkpoint must be JSON with ${says}`);
  for (const edit of [(told: any) => { delete told.data; }, (told: any) => { told.data = null; }, (told: any) => { delete told.last; }, (told: any) => { delete told.best; }, (told: any) => { told.best = 5; }, (told: any) => { told.best = []; }]) refuses(() => checkpointFromBytes(change(edit)), 'file-damaged');
  for (const text of ['', 'null', '[]', '5', '"x"', '{}', '{"last":', '[[[[']) refuses(() => checkpointFromBytes(forged(whole, ({ metadata }) => { metadata.checkpoint = text; })), 'file-damaged');
});

test('forged ones: tensors that are missing or of another shape end in an error when the fit goes on', async () => {
  for (const [name, code] of [['user_factors', 'wrong-checkpoint'], ['checkpoint.last.user_factors.m', 'bad-shape'], ['checkpoint.best.item_bias', 'wrong-checkpoint'], ['checkpoint.best.item_bias.v', 'bad-shape']] as const) {
    for (const edit of ['without', 'shorter']) {
      const bytes = forged(whole, ({ tensors }) => { if (edit === 'without') delete tensors[name]; else tensors[name] = { dtype: 'F32', shape: [2], data: Float32Array.of(1, 2) }; });
      await rejects(() => make().fit(shop(), { ...best, checkpoints: { load: () => checkpointFromBytes(bytes), save() {} } }), code);
    }
  }
});

// on disk

test('checkpointFile: what it cannot read is refused and stays; a folder that is not there is refused before anything is learned', async () => {
  const quiet = { onEpoch: () => assert.unreachable('an epoch was learned') };
  const refused = async (content: Uint8Array | string, code: Parameters<typeof rejects>[1], ...words: string[]): Promise<void> => {
    writeFileSync(path, content);
    await rejects(() => make().fit(shop(), { checkpoints: checkpointFile(path), ...quiet }), code, path, ...words);
    assert.equal(readFileSync(path), Buffer.from(content));
  };
  await refused('', 'file-damaged');
  await refused('user,item\n', 'file-damaged');
  await refused(whole.subarray(0, 5000), 'file-damaged');
  await refused(toBytes(await make().fit(shop())), 'wrong-checkpoint', 'not a checkpoint');
  writeFileSync(path, whole);
  await rejects(() => make({ seed: 9 }).fit(shop(), { checkpoints: checkpointFile(path), ...quiet }), 'wrong-checkpoint', `BPR.fit: ${path} is of BPR with seed 1, and this model has 9`);
  assert.equal(readFileSync(path), Buffer.from(whole));
  await rejects(() => make().fit(shop(), { checkpoints: checkpointFile(join(folder, 'nowhere', 'run')), ...quiet }), 'file-missing', 'nowhere does not exist; create it first');
  await rejects(() => make().fit(shop(), { checkpoints: checkpointFile(folder), ...quiet }), 'file-unreadable', 'it is a directory');
});

if (process.platform === 'win32') skip('io/checkpoint, a folder that may not be written', 'Windows keeps permissions elsewhere');
else {
  test('a folder that may not be written: an error after the first epoch, which the model keeps; the older file stays', async () => {
    const closed = join(folder, 'closed'), there = join(closed, 'there'), first = checkpointToBytes(all[0]), user = process.geteuid!();
    mkdirSync(closed);
    writeFileSync(there, first);
    chmodSync(there, 0o644);
    chmodSync(folder, 0o755);
    chmodSync(closed, 0o555);
    if (user === 0) process.seteuid!(65534);
    try {
      for (const name of ['new', 'there']) {
        const model = make();
        await rejects(() => model.fit(shop(), { ...best, checkpoints: checkpointFile(join(closed, name)) }), 'file-unreadable', 'cannot write', 'no permission');
        assert.is(model.toState().numbers.epochs, name === 'new' ? 1 : 2);
      }
    } finally { if (user === 0) process.seteuid!(user); chmodSync(closed, 0o755); }
    assert.equal([readdirSync(closed), readFileSync(there)], [['there'], Buffer.from(first)]);
  });
}

test('a process that dies while writing leaves the older file, and what it left beside it does not matter', async () => {
  await make({ epochs: 2 }).fit(shop(), { checkpoints: checkpointFile(path) });
  writeFileSync(join(folder, '.tightrec-half.tmp'), whole.subarray(0, 3000));
  assert.equal(toBytes(await make().fit(shop(), { checkpoints: checkpointFile(path) })), toBytes(await make().fit(shop())));
  assert.ok(existsSync(join(folder, '.tightrec-half.tmp')));
});

test.run();
