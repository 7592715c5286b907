import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { transform } from 'esbuild';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backend } from '../kernels/index.ts';

const test = suite('entries'), root = fileURLToPath(new URL('..', import.meta.url)), run = promisify(execFile);

/** The built package, by its own name, with the script's types stripped beforehand: tsx itself would need code made of strings. */
async function fitAndSave(...flags: string[]): Promise<{ forbidden: boolean; kernels: string; same: string[] }> {
  const script = `${root}test/helpers/fitAndSave.${process.pid}.mjs`;
  await writeFile(script, (await transform(await readFile(`${root}test/helpers/fitAndSave.ts`, 'utf8'), { loader: 'ts', format: 'esm' })).code);
  try {
    const { stdout } = await run(process.execPath, [...flags, script, `${root}docs/examples/purchases.csv`], { cwd: root });
    return JSON.parse(stdout);
  } finally { await rm(script, { force: true }); }
}

test('where no code may be made of strings, the default entries fit, recommend, save and load', async () => {
  const all = ['Popularity', 'PurchaseHistory', 'ItemKNN', 'EASE', 'Blend', 'LogisticMatrixFactorization', 'LogisticMF', 'BPR', 'AlternatingLeastSquares', 'NextItemLSTM'];
  assert.equal(await fitAndSave('--disallow-code-generation-from-strings'), { forbidden: true, kernels: backend().kernels, same: all });
  assert.equal((await fitAndSave()).forbidden, false); // the flag is what forbids
});

test('where no code may be made of strings, tightrec/serve answers and tightrec/serve/node is there', async () => {
  const script = `import { BPR, interactions } from 'tightrec'; import { recommendHandler } from 'tightrec/serve'; import { serve } from 'tightrec/serve/node';
    const model = await new BPR({ factors: 2, epochs: 1 }).fit(interactions(['a', 'b'], ['x', 'y']));
    const response = await recommendHandler(model).fetch(new Request('http://host/recommend', { method: 'POST', body: '{ "user": "a" }' }));
    console.log(response.status, JSON.stringify((await response.json()).items) === JSON.stringify(model.recommendFor('a')), typeof serve);`;
  const { stdout } = await run(process.execPath, ['--disallow-code-generation-from-strings', '--input-type=module', '--eval', script], { cwd: root });
  assert.is(stdout, '200 true function\n');
});

test.run();
