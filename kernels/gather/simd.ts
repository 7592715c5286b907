// AssemblyScript. The formulas are in loop.ts.

export function gatherRows(out: usize, table: usize, ids: usize, B: i32, K: i32): void {
  const bytes = <usize>K << 2;
  for (let b = 0; b < B; b++, ids += 4) {
    let row = table + <usize>load<i32>(ids) * bytes;
    let k = 0;
    for (; k + 16 <= K; k += 16, row += 64, out += 64) {
      v128.store(out, v128.load(row));
      v128.store(out, v128.load(row, 16), 16);
      v128.store(out, v128.load(row, 32), 32);
      v128.store(out, v128.load(row, 48), 48);
    }
    for (; k + 4 <= K; k += 4, row += 16, out += 16) v128.store(out, v128.load(row));
    for (; k < K; k++, row += 4, out += 4) store<f32>(out, load<f32>(row));
  }
}

export function gatherAdd(out: usize, table: usize, ids: usize, B: i32, K: i32): void {
  if (K == 1) { // biases: the loops below cost more than one number
    for (let b = 0; b < B; b++, ids += 4, out += 4) store<f32>(out, load<f32>(out) + load<f32>(table + (<usize>load<i32>(ids) << 2)));
    return;
  }
  const bytes = <usize>K << 2;
  for (let b = 0; b < B; b++, ids += 4) {
    let row = table + <usize>load<i32>(ids) * bytes;
    let k = 0;
    for (; k + 4 <= K; k += 4, row += 16, out += 16) v128.store(out, f32x4.add(v128.load(out), v128.load(row)));
    for (; k < K; k++, row += 4, out += 4) store<f32>(out, load<f32>(out) + load<f32>(row));
  }
}

export function gatherRowsGrad(dTable: usize, dOut: usize, ids: usize, B: i32, K: i32): void {
  if (K == 1) {
    for (let b = 0; b < B; b++, ids += 4, dOut += 4) {
      const at = dTable + (<usize>load<i32>(ids) << 2);
      store<f32>(at, load<f32>(at) + load<f32>(dOut));
    }
    return;
  }
  const bytes = <usize>K << 2;
  for (let b = 0; b < B; b++, ids += 4) {
    let row = dTable + <usize>load<i32>(ids) * bytes;
    let k = 0;
    for (; k + 16 <= K; k += 16, row += 64, dOut += 64) {
      v128.store(row, f32x4.add(v128.load(row), v128.load(dOut)));
      v128.store(row, f32x4.add(v128.load(row, 16), v128.load(dOut, 16)), 16);
      v128.store(row, f32x4.add(v128.load(row, 32), v128.load(dOut, 32)), 32);
      v128.store(row, f32x4.add(v128.load(row, 48), v128.load(dOut, 48)), 48);
    }
    for (; k + 4 <= K; k += 4, row += 16, dOut += 16) v128.store(row, f32x4.add(v128.load(row), v128.load(dOut)));
    for (; k < K; k++, row += 4, dOut += 4) store<f32>(row, load<f32>(row) + load<f32>(dOut));
  }
}
