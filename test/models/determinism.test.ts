import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backend, variants } from '../../kernels/index.ts';
import { skip } from '../helpers/skip.ts';
import type { Runtime } from '../helpers/webassembly.ts';

const test = suite('models/determinism');
const script = fileURLToPath(new URL('../helpers/trainBoth.ts', import.meta.url)), root = fileURLToPath(new URL('../..', import.meta.url));

interface Trained { node: string; kernels: string; shared: boolean; sums: string[] }

/** Trains in a process of its own. */
function trained(variant: string, { node = process.execPath, runtime = 'whole' }: { node?: string; runtime?: Runtime } = {}): Promise<Trained> {
  return new Promise((resolve, reject) => {
    const child = spawn(node, ['--import', 'tsx', script, variant], { cwd: root, env: { ...process.env, TIGHTREC_TEST_WEBASSEMBLY: runtime } });
    let output = '', complaint = '';
    child.stdout.on('data', (chunk) => { output += chunk; });
    child.stderr.on('data', (chunk) => { complaint += chunk; });
    child.on('error', reject);
    child.on('close', (code) => { if (code === 0) resolve(JSON.parse(output)); else reject(new Error(`${node} ended with ${code}: ${complaint}`)); });
  });
}

const other = process.env.TIGHTREC_NODE24;

for (const variant of ['loop', 'simd'] as const) {
  if (variants[variant] === null) { skip(`models/determinism, ${variant}`, backend().why); continue; }
  const here = trained(variant);

  test(`${variant}: the same seed gives the same bytes, process after process`, async () => {
    const [one, two] = await Promise.all([here, trained(variant)]);
    assert.is(one.kernels, variant);
    assert.is(new Set(one.sums).size, 17);
    assert.equal(two.sums, one.sums);
  });

  if (other === undefined) skip(`models/determinism, ${variant}, another version of Node`, 'TIGHTREC_NODE24 does not name a Node 24');
  else test(`${variant}: the same bytes in another version of Node`, async () => {
    const there = await trained(variant, { node: other });
    assert.is.not(there.node, process.version);
    assert.equal(there.sums, (await here).sums, `${process.version} and ${there.node}`);
  });

  // what a runtime lacks may make it slower, and nothing else
  for (const runtime of (variant === 'simd' ? ['unshared', 'small'] : ['missing', 'nosimd']) as Runtime[]) {
    test(`${variant}: the same bytes where WebAssembly is ${runtime}`, async () => {
      const poor = await trained('auto', { runtime });
      assert.is(poor.kernels, variant);
      assert.equal(poor.sums, (await here).sums);
    });
  }
}

test.run();
