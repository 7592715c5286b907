import type { GpuKernels } from '../gpu.ts';
import { type GpuDevice, type Thread, keeping } from '../gpuDevice.ts';

// The formulas are in loop.ts. One thread makes one number; the four gates are told apart by the column, `gate` being 0 to 3 for i, f, g, o.

/** σ(z), or tanh(z) for g. Beyond ±20 tanh is ±1 in float32, and some devices make NaN of it. */
const lstmGatesThread = function (this: Thread, z: Float32Array, H: number): number {
  const at = this.thread.x;
  const guess = Math.floor(at / H);
  const block = guess + ((guess + 1) * H <= at ? 1 : 0) - (guess * H > at ? 1 : 0);
  const gate = block - 4 * Math.floor((block + 0.5) / 4);
  const value = z[at];
  const e = Math.exp(-Math.abs(value));
  const sigmoid = (value >= 0 ? 1 : e) / (1 + e);
  const tanh = Math.tanh(Math.max(-20, Math.min(20, value)));
  return gate === 2 ? tanh : sigmoid;
};

/** f c0 + i g */
const lstmMemoryThread = function (this: Thread, a: Float32Array, c0: Float32Array, H: number): number {
  const at = this.thread.x;
  const guess = Math.floor(at / H);
  const b = guess + ((guess + 1) * H <= at ? 1 : 0) - (guess * H > at ? 1 : 0);
  const i = at + 3 * b * H;
  return a[i + H] * c0[at] + a[i] * a[i + 2 * H];
};

/** o tanh(c) */
const lstmHiddenThread = function (this: Thread, a: Float32Array, c: Float32Array, H: number): number {
  const at = this.thread.x;
  const guess = Math.floor(at / H);
  const b = guess + ((guess + 1) * H <= at ? 1 : 0) - (guess * H > at ? 1 : 0);
  return a[at + 3 * b * H + 3 * H] * Math.tanh(Math.max(-20, Math.min(20, c[at])));
};

/** dz_i + s g i (1 - i), dz_f + s c0 f (1 - f), dz_g + s i (1 - g²) or dz_o + dh tanh(c) o (1 - o) */
const lstmGatesGradThread = function (
  this: Thread, dz: Float32Array, a: Float32Array, c: Float32Array, c0: Float32Array, dh: Float32Array, dc: Float32Array, H: number,
): number {
  const at = this.thread.x;
  const guess = Math.floor(at / H);
  const block = guess + ((guess + 1) * H <= at ? 1 : 0) - (guess * H > at ? 1 : 0);
  const b = Math.floor((block + 0.5) / 4);
  const gate = block - 4 * b;
  const i = at - gate * H;
  const cell = i - 3 * b * H;
  const t = Math.tanh(Math.max(-20, Math.min(20, c[cell])));
  const o = a[i + 3 * H];
  const s = dc[cell] + dh[cell] * o * (1 - t * t);
  const own = a[at];
  const forGates = (gate === 0 ? s * a[i + 2 * H] : gate === 1 ? s * c0[cell] : dh[cell] * t) * own * (1 - own);
  const forWritten = s * a[i] * (1 - own * own);
  return dz[at] + (gate === 2 ? forWritten : forGates);
};

/** dc0 + s f */
const lstmMemoryGradThread = function (this: Thread, dc0: Float32Array, a: Float32Array, c: Float32Array, dh: Float32Array, dc: Float32Array, H: number): number {
  const at = this.thread.x;
  const guess = Math.floor(at / H);
  const b = guess + ((guess + 1) * H <= at ? 1 : 0) - (guess * H > at ? 1 : 0);
  const i = at + 3 * b * H;
  const t = Math.tanh(Math.max(-20, Math.min(20, c[at])));
  const s = dc[at] + dh[at] * a[i + 3 * H] * (1 - t * t);
  return dc0[at] + s * a[i + H];
};

export function lstmOn(gpu: GpuDevice): Pick<GpuKernels, 'lstmCell' | 'lstmCellGrad'> {
  const gates = gpu.resident('lstmCell, gates', lstmGatesThread), memory = gpu.resident('lstmCell, memory', lstmMemoryThread), hidden = gpu.kernel('lstmCell', lstmHiddenThread);
  const gatesGrad = gpu.kernel('lstmCellGrad, dz', lstmGatesGradThread), memoryGrad = gpu.kernel('lstmCellGrad, dc0', lstmMemoryGradThread);
  return {
    lstmCell: (h, c, a, z, c0, B, H) => keeping(async (keep) => {
      const newA = await keep(gates(4 * B * H, z, H)), newC = await keep(memory(B * H, newA, c0, H));
      h.set(await hidden(B * H, newA, newC, H));
      c.set(await newC.read());
      a.set(await newA.read());
    }),
    async lstmCellGrad(dz, dc0, a, c, c0, dh, dc, B, H) {
      dz.set(await gatesGrad(4 * B * H, dz, a, c, c0, dh, dc, H));
      dc0.set(await memoryGrad(B * H, dc0, a, c, dh, dc, H));
    },
  };
}
