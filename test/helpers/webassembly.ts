/**
 * Imported before anything of tightrec, this makes the runtime a poorer one, as the environment variable TIGHTREC_TEST_WEBASSEMBLY says:
 *
 *   unshared   no shared memory (a page without cross-origin isolation)
 *   small      no shared memory, and no reservation above 128 MiB
 *   refused    no WebAssembly.Memory at all
 *   nosimd     memory, but modules do not compile (a strict page, an old runtime)
 *   missing    no WebAssembly
 */
export type Runtime = 'whole' | 'unshared' | 'small' | 'refused' | 'nosimd' | 'missing';
export const runtimes: Runtime[] = ['unshared', 'small', 'refused', 'nosimd', 'missing'];
export const runtime: Runtime = (process.env.TIGHTREC_TEST_WEBASSEMBLY ?? 'whole') as Runtime;

const Memory = WebAssembly.Memory;

if (runtime === 'missing') Reflect.deleteProperty(globalThis, 'WebAssembly');
else if (runtime === 'nosimd') WebAssembly.Module = class { constructor() { throw new WebAssembly.CompileError('Wasm code generation disallowed by embedder'); } } as unknown as typeof WebAssembly.Module;
else if (runtime !== 'whole') {
  WebAssembly.Memory = class extends Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      if (runtime === 'refused') throw new RangeError('WebAssembly.Memory(): could not allocate memory');
      if (descriptor.shared) throw new TypeError('WebAssembly.Memory(): shared memory is not available');
      if (runtime === 'small' && descriptor.maximum! > 2048) throw new RangeError('WebAssembly.Memory(): could not allocate memory');
      super(descriptor);
    }
  };
}
