/**
 * Compiles the kernels of every kernels/<name>/simd.ts into two small WASM modules and writes them, as text, into kernels/moduleAnswering.ts and
 * kernels/moduleLearning.ts; and matmul once more, with fused multiply-add, into kernels/moduleFma.ts. `npm run kernels` runs it.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { main as asc } from 'assemblyscript/asc';
import { moduleText } from './moduleText.ts';

const here = fileURLToPath(new URL('.', import.meta.url));

/** compile: the module that AssemblyScript makes of `entries`, files below `baseDir` or texts of `made`. Throws what the compiler says when they do not compile. */
export async function compile(entries: readonly string[], baseDir: string, flags: readonly string[], made: Readonly<Record<string, string>> = {}): Promise<Uint8Array> {
  let bytes: Uint8Array | null = null;
  const { error, stderr } = await asc([
    ...entries, '--baseDir', baseDir, '--outFile', 'module.wasm', '--enable', 'simd',
    ...flags, '--noAssert', '-O3', '--converge', '--use', 'abort=', '--disableWarning', '112',
  ], {
    readFile: (name, base) => { try { return made[name] ?? readFileSync(`${base}/${name}`, 'utf8'); } catch { return null; } },
    writeFile: (_, contents) => { bytes = contents as Uint8Array; },
    listFiles: () => [],
  });
  if (error || bytes === null) throw new Error(`${entries.join(', ')}: does not compile:\n${stderr.toString()}`, { cause: error });
  return bytes;
}

const memoryFlags = ['--enable', 'threads', '--importMemory', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536'];

/** compileAnswering: the bytes of the module that answering.simd.ts names. */
const compileAnswering = (): Promise<Uint8Array> => compile(['answering.simd.ts'], here, memoryFlags);

/** compileLearning: the bytes of the module of all other kernels. */
function compileLearning(): Promise<Uint8Array> {
  const exported = readFileSync(`${here}answering.simd.ts`, 'utf8').matchAll(/^export \{ (.*) \} from/gm), answering = new Set([...exported].flatMap(([, kernels]) => kernels.split(', '))), lines: string[] = [];
  for (const { name } of readdirSync(here, { withFileTypes: true }).filter((entry) => entry.isDirectory() && readdirSync(here + entry.name).includes('simd.ts'))) {
    const kernels = [...readFileSync(`${here}${name}/simd.ts`, 'utf8').matchAll(/^export function (\w+)/gm)].map(([, kernel]) => kernel).filter((kernel) => !answering.has(kernel));
    if (kernels.length > 0) lines.push(`export { ${kernels.join(', ')} } from './${name}/simd';`);
  }
  return compile(['learning.simd.ts'], here, memoryFlags, { 'learning.simd.ts': [...lines.sort(), "export { WORKSPACE, workspace } from './matmul/simd';", ''].join('\n') });
}

/** compileFma: the bytes of the module that has matmul alone, with relaxed SIMD's fused multiply-add. */
const compileFma = (): Promise<Uint8Array> => compile(['matmul/simd.ts'], here, [...memoryFlags, '--enable', 'relaxed-simd']);

/** moduleSource: the text of the file that carries these bytes as the constant `name`. */
function moduleSource(name: string, bytes: Uint8Array): string {
  const lines = moduleText(bytes).match(/.{1,120}/g) ?? [];
  return [
    '// Written by `npm run kernels` from kernels/*/simd.ts; a test compares it with them. Do not edit.',
    `export const ${name}: string =`,
    lines.map((line) => `  '${line}'`).join(' +\n') + ';',
    '',
  ].join('\n');
}

/** modules: each file of a module, as it should be. */
export const modules = async (): Promise<Record<string, string>> => ({
  'moduleAnswering.ts': moduleSource('answeringModule', await compileAnswering()),
  'moduleLearning.ts': moduleSource('learningModule', await compileLearning()),
  'moduleFma.ts': moduleSource('fmaModule', await compileFma()),
});

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [file, source] of Object.entries(await modules())) {
    writeFileSync(here + file, source);
    console.log(`kernels/${file}: ${source.length} characters`);
  }
}
