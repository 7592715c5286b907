import { rmSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fails, succeeds } from '../helpers/command.ts';
import { place } from '../helpers/place.ts';

const { out, table, columns, file, untouched, remove } = place();

const test = suite('cli/bad settings');
test.before.each(() => rmSync(out, { force: true }));
test.after(remove);

for (const model of ['popularity', 'purchase-history', 'logistic-mf', 'bpr']) {
  test(`one user, one item: ${model}`, async () => {
    const one = file('one.csv', 'user,item\nu1,i1\n');
    const learning = model === 'bpr' || model === 'logistic-mf' ? ['--factors', '4', '--epochs', '2'] : [];
    await succeeds(['fit', one, ...columns, '--model', model, '--out', out, ...learning]);
    const { stdout, stderr } = await succeeds(['recommend', out, '--user', 'u1', '--include-seen', '--json']);
    assert.equal((JSON.parse(stdout) as { item: string }[]).map(({ item }) => item), ['i1']);
    assert.match(stderr, 'the model knows 1 items');
    if (model !== 'purchase-history') assert.match((await succeeds(['recommend', out, '--user', 'u1', '--k', '1'])).stderr, 'has every item already');
  });
}

const settings: Record<string, { args: string[]; says: (string | RegExp)[] }> = {
  'NaN as an option': { args: ['--learning-rate', 'NaN'], says: ['--learning-rate', 'NaN'] },
  'NaN as a setting': { args: ['--set', 'learningRate=NaN'], says: ['learningRate', 'NaN'] },
  'no number': { args: ['--factors', 'many'], says: ['--factors', 'many'] },
  'a half factor': { args: ['--factors', '2.5'], says: ['factors', 'whole number', '2.5'] },
  'no factors': { args: ['--factors', '0'], says: ['factors', '0'] },
  'an infinite rate': { args: ['--learning-rate', 'Infinity'], says: ['learningRate', 'Infinity'] },
  'a negative weight': { args: ['--l2', '-1'], says: ['l2', '-1'] },
  'a setting that the model has not': { args: ['--half-life', '9'], says: ["no setting 'halfLife'", 'learningRate'] },
  'a setting that no model has': { args: ['--set', 'magic=1'], says: ["no setting 'magic'"] },
  'a setting without a value': { args: ['--set', 'magic'], says: ['name=value'] },
  'a setting from the depths of JavaScript': { args: ['--set', '__proto__=1'], says: ["no setting '__proto__'"] },
  'a model that is none': { args: ['--model', 'als'], says: ['als', 'bpr'] },
};
for (const [what, { args, says }] of Object.entries(settings)) {
  test(what, async () => { await fails(['fit', table, ...columns, '--model', 'bpr', '--out', out, ...args], 2, says); untouched(); });
}

test('a half-life without times', async () => {
  await fails(['fit', table, ...columns, '--model', 'purchase-history', '--half-life', '30', '--out', out], 1, ['no times', '--time COLUMN']);
  untouched();
});

test('a learning rate that makes training diverge', async () => {
  await fails(['fit', table, ...columns, '--model', 'logistic-mf', '--learning-rate', '1e30', '--factors', '8', '--out', out], 1, ['diverged', 'lower learningRate']);
  untouched();
});

test('more memory than there is', async () => {
  await fails(['fit', table, ...columns, '--model', 'bpr', '--factors', '1000000000', '--out', out], 1, [/memory/]);
  untouched();
});

test.run();
