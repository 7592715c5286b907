/**
 * What is published: dist/package, made from what tsc has written into dist/lib and dist/kernels. Code is bundled, a file an entry and shared chunks, and shrunk, with the names of
 * classes and functions kept for stack traces; types are the .d.ts files that the entries reach. `npm run build` runs it. docs/decisions.md says why.
 */
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { basename, dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type MinifyOptions, minify } from 'terser';
import packageJson from '../../package.json' with { type: 'json' };

const root = fileURLToPath(new URL('../..', import.meta.url)), dist = join(root, 'dist'), out = join(dist, 'package');

/** What package.json exports, the command and the worker: the name in dist/package, and the file in dist. */
export const entries: Record<string, string> = {
  index: 'lib/index', models: 'lib/models', data: 'lib/data/index', metrics: 'lib/metrics/index', retrieval: 'lib/retrieval/index', autodiff: 'lib/autodiff/index', gpu: 'lib/gpu/index', approximate: 'lib/approximate/index', onnx: 'lib/onnx', serve: 'lib/serve/index', 'serve-node': 'lib/serve/node', node: 'lib/node',
  cli: 'lib/cli/main', worker: 'kernels/worker',
};

/** Those that nearly always come with 'tightrec' itself: they share all that it is made of, as one chunk, instead of a dozen small ones. So does what is loaded when it is asked for. */
const besideIndex = new Set(['models', 'metrics', 'retrieval', 'autodiff', 'gpu', 'approximate', 'onnx', 'serve', 'serve-node', 'node']);

/** Those that need nearly all of what learns as well: that is a second chunk. So does what the models load when they are to learn, and what the command loads. */
const besideLearning = new Set(['models', 'autodiff', 'gpu', 'node']), learning = /lib\/(?:models\/fit|cli)\//;

/** Files of other packages that the study copies into its report. */
const carried = ['uplot/dist/uPlot.iife.min.js', 'uplot/dist/uPlot.min.css'];

const shrinking: MinifyOptions = { module: true, ecma: 2020, compress: { ecma: 2020, passes: 2 }, mangle: true, keep_classnames: true, keep_fnames: true, format: { comments: false, max_line_len: 500 } };

async function bundle(): Promise<void> {
  const { outputFiles, metafile } = await build({
    entryPoints: Object.fromEntries(Object.entries(entries).map(([name, file]) => [name, besideIndex.has(name) ? name : `./${file}.js`])), absWorkingDir: dist,
    bundle: true, splitting: true, format: 'esm', platform: 'neutral', mainFields: ['module', 'main'], target: 'es2023', external: ['node:*', ...Object.keys({ ...packageJson.dependencies, ...packageJson.peerDependencies })], metafile: true,
    outdir: out, chunkNames: 'chunk-[hash]', write: false, logLevel: 'warning', preserveSymlinks: true,
    plugins: [{
      name: 'what stands beside what',
      setup({ onResolve, onLoad }) {
        onResolve({ filter: /./ }, ({ path, kind, resolveDir }) => {
          if (kind === 'entry-point' && besideIndex.has(path)) return { path: join(dist, `${entries[path]}.js`), namespace: 'beside', pluginData: besideLearning.has(path) };
          return kind === 'dynamic-import' && path.startsWith('.') ? { path: join(resolveDir, path), namespace: 'beside', pluginData: learning.test(join(resolveDir, path)) } : undefined;
        });
        onLoad({ filter: /.*/, namespace: 'beside' }, ({ path, pluginData }) => { // the first imports are dropped, but count for the chunks
          const others = [`${entries.index}.js`, ...(pluginData ? readdirSync(join(dist, 'lib', 'models', 'fit')).filter((name) => name.endsWith('.js')).map((name) => `lib/models/fit/${name}`) : [])];
          return { contents: `${others.map((file, n) => `import * as beside${n} from './${file}';`).join('')} export * from ${JSON.stringify(path)};`, resolveDir: dist };
        });
      },
    }, {
      name: 'what CommonJS requires of Node',
      setup({ onResolve, onLoad }) {
        onResolve({ filter: /./ }, ({ path, kind }) => (kind === 'require-call' && isBuiltin(path) ? { path: path.replace(/^(node:)?/, 'node:'), namespace: 'builtin' } : undefined));
        onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({ contents: `module.exports = process.getBuiltinModule('${path}')` }));
      },
    }],
  });
  const helpers = Object.keys(metafile.outputs).filter((path) => Object.keys(metafile.outputs[path].inputs).every((input) => input === '<runtime>')).map((path) => basename(path)); // esbuild's own, which only what it makes of CommonJS calls
  const unused = new RegExp(`^import "\\./(?:${helpers.join('|').replaceAll('.', '\\.')})";\n`, 'gm');
  await Promise.all(outputFiles.map(async ({ path, text }) => writeFileSync(path, (await minify(withNames(text.replaceAll(unused, '')), shrinking)).code!)));
  licences(Object.keys(metafile.inputs));
}

/** The licences of the packages that are bundled (those among devDependencies that the code imports) or carried. */
function licences(inputs: readonly string[]): void {
  const folders = new Set([...inputs.map((path) => join(dist, path)), join(root, 'node_modules', 'uplot', 'x')].flatMap((path) => /^.*[/\\]node_modules[/\\](?:@[^/\\]+[/\\])?[^/\\]+/.exec(path) ?? []));
  const texts = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, string>, file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
    return `${name} ${version}, ${license}\n\n${file === undefined ? '' : readFileSync(join(folder, file), 'utf8').trim()}\n`;
  });
  writeFileSync(join(out, 'THIRD-PARTY.txt'), `tightrec's package holds code of these packages.\n\n${texts.join(`\n${'-'.repeat(80)}\n\n`)}`);
}

/** esbuild writes `var BPR = class _BPR`, or, where a class does not name itself, `var Tape = class`; a developer should see the name that it has in the source. */
function withNames(code: string): string {
  const named = [...code.matchAll(/\bvar (\w+) = class _\1\b/g)].reduce((text, [, name]) => text.replaceAll(new RegExp(`\\b_${name}\\b`, 'g'), name), code);
  return named.replaceAll(/\bvar (\w+) = class (?=extends\b|\{)/g, 'var $1 = class $1 ');
}

/** The .d.ts files that the entries reach, in the folders that they have in dist. Those of the loops, which import nothing, are one file: a small file takes a whole block of the disk. */
function types(): void {
  const files = Object.values(entries).filter((file) => !/cli|worker/.test(file)).map((file) => `${file}.d.ts`), loop = /^kernels\/\w+\/loop\.d\.ts$/, loops: string[] = [];
  for (const file of files) {
    const folder = posix.dirname(file), text = readFileSync(join(dist, file), 'utf8').replaceAll(/((?:from |import\()['"])(\.{1,2}\/[^'"]+)\.ts(['"])/g, (_, before: string, path: string, after: string) => {
      const target = posix.join(folder, `${path}.d.ts`), to = posix.relative(folder, loop.test(target) ? 'kernels/loops.ts' : target.replace('.d.ts', '.ts'));
      if (!files.includes(target)) files.push(target);
      return `${before}${to.startsWith('.') ? '' : './'}${to}${after}`;
    });
    if (loop.test(file)) { loops.push(text); continue; }
    const to = join(out, 'types', file);
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, text);
  }
  writeFileSync(join(out, 'types', 'kernels', 'loops.d.ts'), loops.join(''));
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
