// headers: mma, product, layer
// variants: F32; Tf32; Bf16
// Launched by src/ops/linear/cuda.rs. x [rows, ins], w [ins, outs], dz [rows, outs]; products as in product.cuh, a block 64
// rows and 64 columns, or 128 where there are as many.
//
// forward   y = activation(residual + dropout(x w + bias)), of GELU the slope, and y's layer norm: one pass over x, residual
//           and y each.
// backward  dx = dz w^T, reading w where it lies; dw = x^T dz and dbias = sum of dz, in shares (layer.cuh).
//
// On an H200 (4.3 TB/s; 60 TFLOP/s in f32, 790 in bf16), 64 to 64 of 287k rows are 147 MB and 2.3 GFLOP: 34 us of memory, 3
// us of tensor cores, 40 us of fused multiply-adds. So F32 is bound by arithmetic, Tf32 and Bf16 by memory.

struct Dims {
    int rows, per_sample, ins, outs;
};

template <class P, int WIDE>
__device__ __forceinline__ void forward(Dims d, int activation, const float* x, const float* w, const float* bias,
                                        const Mask* mask, const float* residual, const Norm& norm, float* y, float* slope) {
    const int2 at = corner<WIDE>(d.outs);
    const Dense<true> a(x, d.rows, d.ins);
    const Dense<false> b(w, d.ins, d.outs);
    const Onto onto(residual, mask, d.per_sample, d.outs);
    product<P, WIDE>(a, b, at.x, at.y, 0, d.ins, Activated{activation, d.rows, d.outs, bias, onto, norm, y, slope});
}

template <class P, int WIDE>
__device__ __forceinline__ void backward_x(Dims d, const float* dz, const float* w, float* dx) {
    const int2 at = corner<WIDE>(d.ins);
    const Dense<true> a(dz, d.rows, d.outs), b(w, d.ins, d.outs);
    product<P, WIDE>(a, b, at.x, at.y, 0, d.outs, Store{dx, d.rows, d.ins});
}

#define ROWS(name, WIDE)                                                                                                    \
    extern "C" __global__ void __launch_bounds__(2 * WIDE, 256 / WIDE)                                                      \
        linear_forward##name(Dims d, int activation, const float* __restrict__ x, const float* __restrict__ w,              \
                             const float* __restrict__ bias, const Mask* __restrict__ mask,                                 \
                             const float* __restrict__ residual, float* __restrict__ y, float* __restrict__ slope, float eps,\
                             const float* __restrict__ gamma, const float* __restrict__ beta, float* __restrict__ normed,   \
                             float* __restrict__ mean, float* __restrict__ rstd) {                                          \
        const Norm norm{eps, gamma, beta, normed, mean, rstd};                                                              \
        forward<VARIANT, WIDE>(d, activation, x, w, bias, mask, residual, norm, y, slope);                                  \
    }                                                                                                                       \
    extern "C" __global__ void __launch_bounds__(2 * WIDE, 256 / WIDE) linear_backward_x##name(                             \
        Dims d, const float* __restrict__ dz, const float* __restrict__ w, float* __restrict__ dx) {                        \
        backward_x<VARIANT, WIDE>(d, dz, w, dx);                                                                            \
    }

ROWS(, 64)
ROWS(_wide, 128)

extern "C" __global__ void __launch_bounds__(128, 4) linear_backward_weight(
    Dims d, int cut, const float* __restrict__ dz, const float* __restrict__ x, float* __restrict__ shares) {
    weight_gradient<VARIANT>(Dense<false>(x, d.rows, d.ins), Summed<>(dz, d.rows, d.outs), d.ins, cut, shares);
}

// dweight [weights] and dbias [biases]: the sum of so many shares, each [weights + biases], in a fixed order.
extern "C" __global__ void __launch_bounds__(256)
    add_shares(u32 count, u32 weights, u32 biases, const float* __restrict__ shares, float* __restrict__ dweight,
               float* __restrict__ dbias) {
    const u32 at = blockIdx.x * WARP + threadIdx.x % WARP;
    const float sum = column_sum(shares, weights + biases, at, 0, count);
    if (threadIdx.x >= WARP || at >= weights + biases) return;
    if (at < weights) dweight[at] = sum;
    else dbias[at - weights] = sum;
}
