/**
 * Compiles every kernels/<name>/simd.ts into one small WASM module and writes it, as base64, into kernels/module.ts.
 * `npm run kernels` runs it; `--check` only says whether module.ts is what the sources compile to.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { main as asc } from 'assemblyscript/asc';

const here = fileURLToPath(new URL('.', import.meta.url));

/** compileKernels: the module's bytes. Throws what the compiler says when the sources do not compile. */
export async function compileKernels(): Promise<Uint8Array> {
  const entries = readdirSync(here, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && readdirSync(here + entry.name).includes('simd.ts'))
    .map((entry) => `${entry.name}/simd.ts`)
    .sort();
  let bytes: Uint8Array | null = null;
  const { error, stderr } = await asc([
    ...entries, '--baseDir', here, '--outFile', 'kernels.wasm',
    '--enable', 'simd', '--enable', 'threads', '--importMemory', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536',
    '--runtime', 'stub', '--noAssert', '-O3', '--converge', '--use', 'abort=', '--disableWarning', '112',
  ], {
    readFile: (name, base) => { try { return readFileSync(`${base}/${name}`, 'utf8'); } catch { return null; } },
    writeFile: (_, contents) => { bytes = contents as Uint8Array; },
    listFiles: () => [],
  });
  if (error || bytes === null) throw new Error(`the kernels do not compile:\n${stderr.toString()}`, { cause: error });
  return bytes;
}

/** moduleSource: the text of kernels/module.ts that carries these bytes. */
export function moduleSource(bytes: Uint8Array): string {
  const lines = Buffer.from(bytes).toString('base64').match(/.{1,120}/g) ?? [];
  return [
    '// Written by `npm run kernels` from kernels/*/simd.ts; a test compares it with them. Do not edit.',
    'export const kernelModule: string =',
    lines.map((line) => `  '${line}'`).join(' +\n') + ';',
    '',
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const source = moduleSource(await compileKernels()), file = `${here}module.ts`;
  if (process.argv.includes('--check')) {
    if (readFileSync(file, 'utf8') !== source) { console.error('kernels/module.ts is not what kernels/*/simd.ts compile to: run npm run kernels'); process.exit(1); }
  } else {
    writeFileSync(file, source);
    console.log(`kernels/module.ts: ${source.length} characters`);
  }
}
