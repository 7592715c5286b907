/**
 * Every `ts` block of README and docs is run, in a process of its own, against the built package; where a `text` block follows it, that
 * must be what it prints. (The blocks of docs/metrics.md build on each other; test/metrics/docs.test.ts runs them.) `UPDATE_SNIPPETS=1 node --import tsx test/docs/snippets.test.ts` writes what they print into the pages.
 */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const root = fileURLToPath(new URL('../..', import.meta.url)), scratch = join(root, 'dist', 'snippets');
const pages = ['README.md', ...readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md') && name !== 'metrics.md').map((name) => join('docs', name))];
const update = process.env.UPDATE_SNIPPETS === '1';
const block = /```ts\n([\s\S]*?)```(?:\n+```text\n([\s\S]*?)```)?/g;
const run = promisify(execFile);

const test = suite('docs/snippets');

test.before(() => {
  if (!existsSync(join(root, 'dist', 'lib', 'index.js'))) throw new Error('the package is not built: npm run build');
  cpSync(join(root, 'docs', 'examples'), join(scratch, 'docs', 'examples'), { recursive: true }); // what a snippet writes stays in there
});
test.after(() => rmSync(scratch, { recursive: true, force: true }));

test('there are snippets, the first in README', () => {
  assert.ok(readFileSync(join(root, 'README.md'), 'utf8').match(block), 'README.md has no ts block');
});

for (const page of pages) {
  const text = readFileSync(join(root, page), 'utf8');
  let updated = text;
  for (const [n, [whole, code, printed]] of [...text.matchAll(block)].entries()) {
    test(`${page}, block ${n + 1}`, async () => {
      const file = join(scratch, `${page.replaceAll(/\W/g, '-')}-${n + 1}.mts`);
      writeFileSync(file, code);
      const { stdout } = await run(process.execPath, ['--import', 'tsx', file], { cwd: scratch, env: { ...process.env, FORCE_COLOR: '0', NO_COLOR: '1' } });
      if (update) updated = updated.replace(whole, () => `\`\`\`ts\n${code}\`\`\`${stdout === '' ? '' : `\n\n\`\`\`text\n${stdout}\`\`\``}`);
      else if (printed !== undefined) assert.is(stdout, printed);
    });
  }
  if (update) test(`${page} is written`, () => writeFileSync(join(root, page), updated));
}

test.run();
