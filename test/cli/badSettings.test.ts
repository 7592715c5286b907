import { rmSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failureOf } from '../../lib/cli/failure.ts';
import { TightrecError } from '../../lib/errors.ts';
import { FIT_MODELS } from '../../lib/study/models.ts';
import { fails, succeeds } from '../helpers/command.ts';
import { place } from '../helpers/place.ts';

const { out, table, columns, file, untouched, remove } = place();

const test = suite('cli/bad settings');
test.before.each(() => rmSync(out, { force: true }));
test.after(remove);

for (const model of FIT_MODELS.filter((name) => name !== 'lstm')) {
  test(`one user, one item: ${model}`, async () => {
    const one = file('one.csv', 'user,item,stars\nu1,i1,4\n'), rated = ['auto-rec', 'bias-only', 'rating-mf', 'svd-plus-plus'].includes(model) ? ['--value', 'stars'] : [];
    const learning = ['als', 'bpr', 'logistic-mf', 'logistic-adagrad', 'rating-mf', 'svd-plus-plus', 'hybrid-mf'].includes(model) ? ['--factors', '4', '--epochs', '2'] : [];
    await succeeds(['fit', one, ...columns, ...rated, '--model', model, '--out', out, ...learning]);
    const { stdout, stderr } = await succeeds(['recommend', out, '--user', 'u1', '--include-seen', '--json']);
    assert.equal((JSON.parse(stdout) as { item: string }[]).map(({ item }) => item), ['i1']);
    assert.match(stderr, 'the model knows 1 item,');
    if (model !== 'purchase-history') assert.match((await succeeds(['recommend', out, '--user', 'u1', '--k', '1'])).stderr, 'has every item already');
  });
}

const settings: Record<string, { args: string[]; says: (string | RegExp)[] }> = {
  'NaN as an option': { args: ['--learning-rate', 'NaN'], says: ['--learning-rate', 'NaN'] },
  'NaN as a setting': { args: ['--set', 'learningRate=NaN'], says: ['--learning-rate must be', 'NaN'] },
  'no number': { args: ['--factors', 'many'], says: ['--factors', 'many'] },
  'a half factor': { args: ['--factors', '2.5'], says: ['bpr: --factors must be', 'whole number', '2.5'] },
  'no factors': { args: ['--factors', '0'], says: ['factors', '0'] },
  'an infinite rate': { args: ['--learning-rate', 'Infinity'], says: ['--learning-rate', 'Infinity'] },
  'a negative weight': { args: ['--l2', '-1'], says: ['l2', '-1'] },
  'a setting that the model has not': { args: ['--half-life', '9'], says: ['bpr: there is no --half-life', '--learning-rate', '--set batchSize'] },
  'no lambda': { args: ['--model', 'ease', '--set', 'lambda=0'], says: ['ease: --set lambda must be a positive number, got 0'] },
  'a lambda that is no number': { args: ['--model', 'ease', '--set', 'lambda=NaN'], says: ['ease: --set lambda must be a positive number, got NaN'] },
  'a likeness that is none': { args: ['--model', 'item-knn', '--set', 'likeness=jaccard'], says: ["item-knn: --set likeness must be 'cosine' or 'tf-idf' or 'bm25', got 'jaccard'"] },
  'no weight of an event': { args: ['--model', 'logistic-adagrad', '--set', 'alpha=-1'], says: ['logistic-adagrad: --set alpha must be a positive number, got -1'] },
  'layers that are none': { args: ['--model', 'history-to-next', '--set', 'layers=[]'], says: ['history-to-next: --set layers must be a list of at least one width, got a list'] },
  'a layer that is none': { args: ['--model', 'history-to-next', '--set', 'layers=[8,x]'], says: ['history-to-next: --set layers must be a list, each a whole number from 1 up'] },
  'a blend, which is several models': { args: ['--model', 'blend'], says: ['blend', 'ease'] },
  'a setting that no model has': { args: ['--set', 'magic=1'], says: ["no setting 'magic'"] },
  'a setting without a value': { args: ['--set', 'magic'], says: ['name=value'] },
  'a setting from the depths of JavaScript': { args: ['--set', '__proto__=1'], says: ["no setting '__proto__'"] },
  'a setting by its option and by --set': { args: ['--factors', '8', '--set', 'factors=4'], says: ['factors is given twice', '--set factors'] },
  'a setting twice by --set': { args: ['--set', 'batchSize=8', '--set', 'batchSize=4'], says: ['batchSize is given twice'] },
  'an option twice': { args: ['--user', 'item'], says: ['--user is given twice'] },
  'a model that is none': { args: ['--model', 'svd'], says: ['svd', 'bpr'] },
};
for (const [what, { args, says }] of Object.entries(settings)) {
  test(what, async () => { await fails(['fit', table, ...columns, ...(args[0] === '--model' ? [] : ['--model', 'bpr']), '--out', out, ...args], 2, says); untouched(); });
}

test('settings are judged before the file is read', async () => {
  const bad = file('unread.csv', 'neither,of,these\n'), fit = (...more: string[]) => ['fit', bad, ...columns, '--out', out, ...more];
  await fails(fit('--model', 'bpr', '--epochs', '0'), 2, ['--epochs must be', '0']);
  await fails(fit('--model', 'bpr', '--set', 'factor=8'), 2, ["no setting 'factor'", '--factors']);
  await fails(fit('--model', 'popularity', '--factors', '8'), 2, ['popularity: there is no --factors']);
  await fails(fit('--model', 'bpr', '--half-life', '4'), 2, ['there is no --half-life']);
});

test('a list in brackets is one', async () => {
  await succeeds(['fit', table, ...columns, '--model', 'history-to-next', '--epochs', '1', '--set', 'layers=[6, 5]', '--out', out]);
  assert.match((await succeeds(['info', out])).stdout, /layers +6,5\n[^]*layer_1 +6 x 5\n/);
});

test('a half-life without times', async () => {
  await fails(['fit', table, ...columns, '--model', 'purchase-history', '--half-life', '30', '--out', out], 1, ['no times', '--time COLUMN']);
  untouched();
});

test('a setting given as if it were an option: the way to give it', async () => {
  await fails(['fit', table, ...columns, '--model', 'ease', '--lambda', '20', '--out', out], 2, ["unknown option '--lambda'; a setting of a model that is no option is given as --set lambda=VALUE"]);
  await fails(['fit', table, ...columns, '--model', 'ease', '--epoch', '20', '--out', out], 2, ["unknown option '--epoch' (Did you mean --epochs?)"]);
  untouched();
});

test('ratings that are not there, amounts below zero', async () => {
  await fails(['fit', table, ...columns, '--model', 'rating-mf', '--out', out], 1, ['expected a rating for each event', 'these interactions have no values; give --value COLUMN']);
  await fails(['fit', file('returns.csv', 'user,item,much\na,x,1\na,x,-5\nb,y,2\n'), '--user', 'user', '--item', 'item', '--value', 'much', '--model', 'item-knn', '--out', out], 1, ["user 'a' has -4 of item 'x' in all", 'leave --value out']);
  untouched();
});

test('a learning rate that makes training diverge', async () => {
  await fails(['fit', table, ...columns, '--model', 'logistic-mf', '--learning-rate', '1e30', '--factors', '8', '--out', out], 1, ['diverged', 'lower --learning-rate']);
  untouched();
});

test('more memory than there is', async () => {
  await fails(['fit', table, ...columns, '--model', 'bpr', '--factors', '1000000000', '--out', out], 1, [/memory/]);
  const { message } = failureOf(new TightrecError('out-of-memory', 'use fewer factors, a smaller batch, or free() models that are no longer needed'));
  assert.is(message, 'give a smaller --factors or --set batchSize');
  untouched();
});

test.run();
