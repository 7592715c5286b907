/**
 * What is published: dist/package, made from what tsc has written into dist/lib and dist/kernels. Code is bundled, a file an entry and shared chunks, and shrunk, with the names of
 * classes and functions kept for stack traces; types are the .d.ts files that the entries reach. `npm run build` runs it. docs/decisions.md says why.
 */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type MinifyOptions, minify } from 'terser';

const root = fileURLToPath(new URL('..', import.meta.url)), dist = join(root, 'dist'), out = join(dist, 'package');

/** What package.json exports, the command and the worker: the name in dist/package, and the file in dist. */
export const entries: Record<string, string> = {
  index: 'lib/index', models: 'lib/models', data: 'lib/data/index', metrics: 'lib/metrics/index', retrieval: 'lib/retrieval/index', autodiff: 'lib/autodiff/index', gpu: 'lib/gpu/index', node: 'lib/node',
  cli: 'lib/cli/main', worker: 'kernels/worker',
};

/** Those that nearly always come with 'tightrec' itself: they share all that it is made of, as one chunk, instead of a dozen small ones. */
const beside = new Set(['models', 'metrics', 'retrieval', 'autodiff', 'gpu', 'node']);

/** Files of other packages that the study copies into its report. */
const carried = ['uplot/dist/uPlot.iife.min.js', 'uplot/dist/uPlot.min.css', 'uplot/LICENSE'];

const shrinking: MinifyOptions = { module: true, ecma: 2020, compress: { ecma: 2020, passes: 2 }, mangle: true, keep_classnames: true, keep_fnames: true, format: { comments: false } };

async function bundle(): Promise<void> {
  const { outputFiles } = await build({
    entryPoints: Object.fromEntries(Object.entries(entries).map(([name, file]) => [name, beside.has(name) ? name : `./${file}.js`])), absWorkingDir: dist,
    bundle: true, splitting: true, format: 'esm', platform: 'neutral', target: 'es2023', packages: 'external', external: ['node:*'],
    outdir: out, chunkNames: 'chunk-[hash]', write: false, logLevel: 'warning',
    plugins: [{
      name: 'beside the index',
      setup({ onResolve, onLoad }) {
        onResolve({ filter: /^\w+$/ }, ({ path, kind }) => (kind === 'entry-point' ? { path, namespace: 'beside' } : undefined));
        onLoad({ filter: /.*/, namespace: 'beside' }, ({ path }) => ({ contents: `import * as index from './${entries.index}.js'; export * from './${entries[path]}.js';`, resolveDir: dist })); // the import is dropped, but counts for the chunks
      },
    }],
  });
  await Promise.all(outputFiles.map(async ({ path, text }) => writeFileSync(path, (await minify(withNames(text), shrinking)).code!)));
}

/** esbuild writes `var BPR = class _BPR`, or, where a class does not name itself, `var Tape = class`; a developer should see the name that it has in the source. */
function withNames(code: string): string {
  const named = [...code.matchAll(/\bvar (\w+) = class _\1\b/g)].reduce((text, [, name]) => text.replaceAll(new RegExp(`\\b_${name}\\b`, 'g'), name), code);
  return named.replaceAll(/\bvar (\w+) = class (?=extends\b|\{)/g, 'var $1 = class $1 ');
}

/** The .d.ts files that the entries reach, in the folders that they have in dist. */
function types(): void {
  const files = Object.values(entries).filter((file) => !/cli|worker/.test(file)).map((file) => `${file}.d.ts`);
  for (const file of files) {
    // tsc leaves the .ts of imports as it is, which only a TypeScript that is told to may follow
    const text = readFileSync(join(dist, file), 'utf8').replace(/(from |import\()(['"])(\.{1,2}\/[^'"]+)\.ts\2/g, (_, before, quote, path) => {
      const target = posix.join(posix.dirname(file), `${path}.d.ts`);
      if (!files.includes(target)) files.push(target);
      return `${before}${quote}${path}.js${quote}`;
    });
    const to = join(out, 'types', file);
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, text);
  }
}

function carry(): void {
  const { resolve } = createRequire(import.meta.url), uplot = resolve('uplot/package.json');
  for (const file of carried) cpSync(join(dirname(uplot), relative('uplot', file)), join(out, 'carried', file));
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
await bundle();
types();
carry();
