declare module 'ndarray-gemm';
