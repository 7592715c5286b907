/** Every link of a page into the repository leads somewhere. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const root = fileURLToPath(new URL('../..', import.meta.url)), withoutCode = (page: string): string => page.replace(/^ *```[\s\S]*?^ *```$/gm, '').replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, ' '));
const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md')).map((name) => join('docs', name))];

/** The names by which a page's headings are linked to. */
const anchorsOf = (file: string): string[] => [...readFileSync(file, 'utf8').replace(/^ *```[\s\S]*?^ *```$/gm, '').matchAll(/^#+ +(.*)$/gm)].map(([, heading]) => heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-'));

/** What is wrong with the links of a page that stands at `file`. */
function deadLinks(file: string, text: string): string[] {
  return [...withoutCode(text).matchAll(/\]\(([^()\s]+)\)/g)].flatMap(([, link]) => {
    if (/^\w+:/.test(link)) return [];
    const [path, anchor] = link.split('#'), to = path === '' ? file : join(dirname(file), path);
    if (!existsSync(to)) return [`${link}: no such file`];
    return anchor === undefined || !to.endsWith('.md') || anchorsOf(to).includes(anchor) ? [] : [`${link}: no such heading`];
  });
}

const test = suite('docs/links');

for (const page of pages) test(page, () => assert.equal(deadLinks(join(root, page), readFileSync(join(root, page), 'utf8')), []));

test('a dead link would be seen', () => {
  assert.equal(deadLinks(join(root, 'docs', 'x.md'), '[a](tour.md) [b](none.md) [c](tour.md#none) [d](../README.md) [e](https://host/x) `[f](none)`'), ['none.md: no such file', 'tour.md#none: no such heading']);
});

test.run();
