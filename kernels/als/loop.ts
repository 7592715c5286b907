/**
 * alsCG: half a sweep of alternating least squares for implicit feedback: rows of U, each moved by a few steps of conjugate gradient towards
 * the best one while V stands still. For items the same with the tables exchanged.
 *
 *   L[u] = Σ_i c[u, i] (p[u, i] - <U[u], V[i]>)² + l2 |U[u]|²      over all items; p is 1 for an item met, else 0, and c is 1 where not met
 *
 * is least where A x = b, which takes the items met alone beside a matrix G that all users share (w = c - 1):
 *
 *   G = VᵀV + l2 I      A = G + Σ_i w[u, i] V[i] V[i]ᵀ      b = Σ_i (1 + w[u, i]) V[i]      sums over the items that u met
 *
 *   r = b - A x,  p = r;  then `steps` times:  q = A p,  a = |r|² / <p, q>,  x += a p,  r -= a q,  p = r + (|r|² now / |r|² before) p
 *
 * A is never made: A p = G p + Σ_i w <V[i], p> V[i]. x starts from what U[u] holds. A user who met nothing gets zeros.
 * Each step lowers L[u] by a |r|², so L costs nothing: it begins at <x, G x> + Σ_i (w <V[i], x>² + c - 2 c <V[i], x>).
 *
 * Shapes: U (nUsers, K), of which rows from .. to - 1 are overwritten; V (nItems, K); G (K, K); indptr (nUsers + 1), indices, w (nnz): the CSR
 * of the items met; work (K (K + 320)), overwritten. Returns Σ L[u] over these rows. A row gets the same bits whatever from and to are.
 *
 * Hu, Koren, Volinsky, "Collaborative Filtering for Implicit Feedback Datasets", 2008; Takács, Pilászy, Tikk, "Applications of the Conjugate
 * Gradient Method for Implicit Feedback Collaborative Filtering", 2011.
 */
export function alsCG(
  U: Float32Array, work: Float32Array, V: Float32Array, G: Float32Array, indptr: Int32Array, indices: Int32Array, w: Float32Array,
  from: number, to: number, K: number, steps: number,
): number {
  let L = 0;
  const r = work.subarray(0, K), p = work.subarray(K, 2 * K), q = work.subarray(2 * K, 3 * K);
  for (let u = from; u < to; u++) {
    const x = U.subarray(u * K, u * K + K);
    if (indptr[u] === indptr[u + 1]) { x.fill(0); continue; }

    for (let k = 0; k < K; k++) {
      let sum = 0;
      for (let n = 0; n < K; n++) sum += x[n] * G[n * K + k];
      L += x[k] * sum;
      r[k] = -sum;
    }
    for (let at = indptr[u]; at < indptr[u + 1]; at++) {
      const i = indices[at] * K, c = 1 + w[at];
      let s = 0;
      for (let k = 0; k < K; k++) s += V[i + k] * x[k];
      L += w[at] * s * s + c - 2 * c * s;
      for (let k = 0; k < K; k++) r[k] += (c - w[at] * s) * V[i + k];
    }
    let rr = 0;
    for (let k = 0; k < K; k++) { p[k] = r[k]; rr += r[k] * r[k]; }

    for (let step = 0; step < steps && rr > 0; step++) {
      for (let k = 0; k < K; k++) {
        let sum = 0;
        for (let n = 0; n < K; n++) sum += p[n] * G[n * K + k];
        q[k] = sum;
      }
      for (let at = indptr[u]; at < indptr[u + 1]; at++) {
        const i = indices[at] * K;
        let s = 0;
        for (let k = 0; k < K; k++) s += V[i + k] * p[k];
        for (let k = 0; k < K; k++) q[k] += w[at] * s * V[i + k];
      }
      let pq = 0;
      for (let k = 0; k < K; k++) pq += p[k] * q[k];
      if (pq <= 0) break; // lost to rounding: x is as good as it gets

      const a = rr / pq;
      let after = 0;
      for (let k = 0; k < K; k++) {
        x[k] += a * p[k];
        r[k] -= a * q[k];
        after += r[k] * r[k];
      }
      for (let k = 0; k < K; k++) p[k] = r[k] + (after / rr) * p[k];
      L -= a * rr;
      rr = after;
    }
  }
  return L;
}

/**
 * alsCholesky: the same rows solved exactly: A is made, and A x = b solved by Cholesky's decomposition A = C Cᵀ, C a lower triangle.
 *
 *   C[m, n] = (A[m, n] - Σ_k C[m, k] C[n, k]) / C[n, n]   for n < m, k < n        C[m, m] = √(A[m, m] - Σ_k C[m, k]²)
 *
 * Where rounding leaves under the root less than a millionth of A[m, m], it is that millionth: as if l2 were a little larger there.
 *
 * Shapes: as for alsCG; work is left with the C of the last row that had met anything in its first K² numbers, its upper triangle undefined.
 * Returns Σ L[u].
 */
export function alsCholesky(
  U: Float32Array, work: Float32Array, V: Float32Array, G: Float32Array, indptr: Int32Array, indices: Int32Array, w: Float32Array,
  from: number, to: number, K: number,
): number {
  let L = 0;
  const A = work.subarray(0, K * K);
  for (let u = from; u < to; u++) {
    const x = U.subarray(u * K, u * K + K);
    x.fill(0);
    if (indptr[u] === indptr[u + 1]) continue;

    A.set(G.subarray(0, K * K));
    for (let at = indptr[u]; at < indptr[u + 1]; at++) {
      const i = indices[at] * K;
      for (let m = 0; m < K; m++) {
        x[m] += (1 + w[at]) * V[i + m];
        for (let n = 0; n < K; n++) A[m * K + n] += w[at] * V[i + m] * V[i + n];
      }
    }
    for (let m = 0; m < K; m++) {
      for (let n = 0; n < m; n++) {
        let sum = A[m * K + n];
        for (let k = 0; k < n; k++) sum -= A[m * K + k] * A[n * K + k];
        A[m * K + n] = sum / A[n * K + n];
      }
      let square = A[m * K + m];
      for (let k = 0; k < m; k++) square -= A[m * K + k] * A[m * K + k];
      A[m * K + m] = Math.sqrt(Math.max(square, 1e-6 * A[m * K + m]));
    }
    choleskySolve(x, A, K);

    for (let k = 0; k < K; k++) {
      let sum = 0;
      for (let n = 0; n < K; n++) sum += x[n] * G[n * K + k];
      L += x[k] * sum;
    }
    for (let at = indptr[u]; at < indptr[u + 1]; at++) {
      const i = indices[at] * K, c = 1 + w[at];
      let s = 0;
      for (let k = 0; k < K; k++) s += V[i + k] * x[k];
      L += w[at] * s * s + c - 2 * c * s;
    }
  }
  return L;
}

/** choleskySolve: x = (C Cᵀ)⁻¹ x, in place: C y = x from the top, then Cᵀ x = y from the bottom. Shapes: x (K); C (K, K), its lower triangle. */
export function choleskySolve(x: Float32Array, C: Float32Array, K: number): void {
  for (let m = 0; m < K; m++) {
    let sum = x[m];
    for (let n = 0; n < m; n++) sum -= C[m * K + n] * x[n];
    x[m] = sum / C[m * K + m];
  }
  for (let m = K - 1; m >= 0; m--) {
    let sum = x[m];
    for (let n = m + 1; n < K; n++) sum -= C[n * K + m] * x[n];
    x[m] = sum / C[m * K + m];
  }
}
