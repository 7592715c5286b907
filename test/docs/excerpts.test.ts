/** The code on the pages is that of the sources, and a page that asks for what is not there is refused by name. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withExcerpts } from '../../bench/excerpts.ts';

const root = fileURLToPath(new URL('../..', import.meta.url)), read = (file: string): string => readFileSync(join(root, file), 'utf8');
const pages = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md')).map((name) => `docs/${name.replaceAll('\\', '/')}`);

const test = suite('docs/excerpts');

test('every page shows the code as it is', () => {
  for (const page of pages) assert.ok(withExcerpts(page, read(page), read) === read(page), `${page} is not what the sources say: run npm run docs`);
});

test('every kernel that has four variants has a page that shows them, and README lists it', () => {
  const kernels = readdirSync(join(root, 'kernels')).filter((name) => existsSync(join(root, 'kernels', name, 'gpu.ts')));
  assert.ok(kernels.length > 10);
  for (const kernel of kernels) {
    const page = `docs/kernels/${kernel}.md`;
    assert.ok(pages.includes(page), `there is no ${page}`);
    assert.ok(read('docs/kernels/README.md').includes(`](${kernel}.md)`), `docs/kernels/README.md does not list ${kernel}`);
    for (const variant of ['loop', 'simd', 'ndarray', 'gpu']) assert.ok(read(page).includes(`<!-- code: kernels/${kernel}/${variant}.ts `), `${page} does not show ${variant}.ts`);
    assert.ok(read(page).includes(`<!-- table: kernel ${kernel} -->`), `${page} has no figures`);
  }
});

test('every kernel that is a loop and SIMD alone has a page that shows both, but for the helpers', () => {
  const helpers = ['ids', 'l2', 'vector'], kernels = readdirSync(join(root, 'kernels'), { withFileTypes: true }).filter((entry) => entry.isDirectory() && !existsSync(join(root, 'kernels', entry.name, 'gpu.ts'))).map(({ name }) => name);
  assert.ok(helpers.every((helper) => kernels.includes(helper)) && kernels.length > helpers.length);
  for (const kernel of kernels.filter((name) => !helpers.includes(name))) {
    const page = `docs/kernels/${kernel}.md`;
    assert.ok(pages.includes(page), `there is no ${page}`);
    assert.ok(read('docs/kernels/README.md').includes(`| [${kernel}](${kernel}.md) |`), `docs/kernels/README.md does not list ${kernel}`);
    for (const variant of ['loop', 'simd']) assert.ok(read(page).includes(`<!-- code: kernels/${kernel}/${variant}.ts `), `${page} does not show ${variant}.ts`);
    for (const part of ['Formula', 'Shapes', 'Cost', 'Figures', 'Break it']) assert.ok(read(page).includes(`\n## ${part}\n`), `${page} has no part '${part}'`);
  }
});

const source = `import { a } from './a.ts';

/**
 * long: a comment of several lines.
 */
export function long(
  x: number,
): number {
  if (x > 0) {
    return x;
  }
  return 0;
}

/** x + 1 */
export const thread = function (this: unknown, x: number): number {
  return x + 1;
};

function helper(x: number): number { return x; }
const arrow = (x: number): number => x;
function longer(): void {
}
`;
const show = (names: string, body = ''): string => withExcerpts('page.md', `before\n<!-- code: ${names} -->\n${body}<!-- end -->\nafter\n`, (file) => { if (file !== 'a.ts') throw new Error('no such file'); return source; });
const shown = (names: string): string => show(names).split('```ts\n')[1].split('\n```')[0];

test('a function goes from its first line to its last, with a comment of one line', () => {
  assert.is(shown('a.ts long'), 'export function long(\n  x: number,\n): number {\n  if (x > 0) {\n    return x;\n  }\n  return 0;\n}');
  assert.is(shown('a.ts thread'), '/** x + 1 */\nexport const thread = function (this: unknown, x: number): number {\n  return x + 1;\n};');
  assert.is(shown('a.ts arrow helper'), 'const arrow = (x: number): number => x;\n\nfunction helper(x: number): number { return x; }');
  assert.is(shown('a.ts longer'), 'function longer(): void {\n}');
});

test('what stands there is replaced, and what is around it stays', () => {
  const once = show('a.ts helper', '```ts\nold\n```\n');
  assert.is(once, 'before\n<!-- code: a.ts helper -->\n```ts\nfunction helper(x: number): number { return x; }\n```\n<!-- end -->\nafter\n');
  assert.is(withExcerpts('page.md', once, () => source), once);
});

test('what is not there is refused, and the page named', () => {
  const says = (names: string, what: RegExp, body?: string): void => assert.throws(() => show(names, body), (error: Error) => error.message.startsWith('page.md, ') && what.test(error.message));
  says('a.ts lon', /a\.ts has no function 'lon'/);
  says('a.ts long nothing', /no function 'nothing'/);
  says('b.ts long', /cannot read b\.ts: no such file/);
  says('a.ts', /expected a file and the names of functions/);
  says('a.ts x(', /expected a file and the names of functions/);
  says('a.ts long', /<!-- end --> is missing/, 'text\n<!-- code: a.ts helper -->\n');
});

test.run();
