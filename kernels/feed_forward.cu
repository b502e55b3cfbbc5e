// headers: mma, product, layer
// variants: F32; Tf32; Bf16
// Launched by src/ops/feed_forward/cuda.rs. x, y, dy [rows, channels], up [channels, hidden], down [hidden, channels]; products
// as in product.cuh, a block 64 rows and 64 columns, or 128 where there are as many.
//
// hidden           hidden = dropout(gelu(x up + bias)) and slope, its derivative in what GELU was given, mask included.
// forward          y = residual + dropout(hidden down + bias), and y's layer norm.
// backward_hidden  dz = (dy down^T) slope, reading down where it lies.
// backward_x       dx = dz up^T, the same.
// backward_up      dup = x^T dz and the sum of dz, and
// backward_down    ddown = hidden^T dy and the sum of dy, in shares (layer.cuh).
//
// What is between the products, [rows, hidden] each, is most of what is read and written. With factors in bf16 it is kept in
// bf16, which rounds the products' factors no further. On an H200, 64 to 256 of 287k rows take, by memory alone, 239 us
// forward and 409 us backward in f32, and with bf16 between 136 us and 239 us; the products are 9 GFLOP each, 12 us of tensor
// cores. Making hidden values again in backward instead of keeping them would cost as much in GELU and masks as it saves.

struct Dims {
    int rows, per_sample, channels, hidden;
};

// How [rows, hidden] is kept.
template <class P> struct Kept {
    typedef float T;
};
template <> struct Kept<Bf16> {
    typedef u16 T;
};
typedef Kept<VARIANT>::T Between;

// hidden = dropout(gelu(c + bias)), slope = gelu'(c + bias) with the same factors; no dropout where `mask` is null, no slope
// where that is.
struct Hidden {
    Dims d;
    const float* bias;
    Masks masks;
    Between *hidden, *slope;

    __device__ Hidden(const Dims& d, const float* bias, const Mask* mask, Between* hidden, Between* slope)
        : d(d), bias(bias), masks(mask, d.per_sample, (d.hidden + 15) / 16 * 16), hidden(hidden), slope(slope) {}
    __device__ __forceinline__ void operator()(int m, int n, float4 c) const {
        if (m >= d.rows || n >= d.hidden) return;
        const u64 at = (u64)m * d.hidden + n;
        float4 z = plus(c, Dense<false>(bias, 1, d.hidden).quad(0, n));
        const float4 slopes = activate(z), kept = masks.drops ? masks.of(m, n) : make_float4(1.f, 1.f, 1.f, 1.f);
        if (slope) store(slope + at, times(kept, slopes), d.hidden - n);
        store(hidden + at, times(kept, z), d.hidden - n);
    }
};

// dz = c slope
struct Through {
    Dims d;
    const Between* slope;
    Between* dz;
    __device__ __forceinline__ void operator()(int m, int n, float4 c) const {
        if (m >= d.rows || n >= d.hidden) return;
        const u64 at = (u64)m * d.hidden + n;
        store(dz + at, times(c, Dense<false, Between>(slope, d.rows, d.hidden).quad(m, n)), d.hidden - n);
    }
};

#define KERNELS(name, WIDE)                                                                                                 \
    extern "C" __global__ void __launch_bounds__(2 * WIDE, 256 / WIDE) feed_forward_hidden##name(                           \
        Dims d, const float* __restrict__ x, const float* __restrict__ up, const float* __restrict__ bias,                  \
        const Mask* __restrict__ mask, Between* __restrict__ hidden, Between* __restrict__ slope) {                         \
        const int2 at = corner<WIDE>(d.hidden);                                                                             \
        const Dense<true> a(x, d.rows, d.channels);                                                                         \
        const Dense<false> b(up, d.channels, d.hidden);                                                                     \
        product<VARIANT, WIDE>(a, b, at.x, at.y, 0, d.channels, Hidden(d, bias, mask, hidden, slope));                      \
    }                                                                                                                       \
    extern "C" __global__ void __launch_bounds__(2 * WIDE, 256 / WIDE)                                                      \
        feed_forward_forward##name(Dims d, const Between* __restrict__ hidden, const float* __restrict__ down,              \
                                   const float* __restrict__ bias, const Mask* __restrict__ mask,                           \
                                   const float* __restrict__ residual, float* __restrict__ y, float eps,                    \
                                   const float* __restrict__ gamma, const float* __restrict__ beta,                         \
                                   float* __restrict__ normed, float* __restrict__ mean, float* __restrict__ rstd) {        \
        const int2 at = corner<WIDE>(d.channels);                                                                           \
        const Dense<true, Between> a(hidden, d.rows, d.hidden);                                                             \
        const Dense<false> b(down, d.hidden, d.channels);                                                                   \
        const Onto onto(residual, mask, d.per_sample, d.channels);                                                          \
        const Norm norm{eps, gamma, beta, normed, mean, rstd};                                                              \
        product<VARIANT, WIDE>(a, b, at.x, at.y, 0, d.hidden,                                                               \
                               Activated{PLAIN, d.rows, d.channels, bias, onto, norm, y, nullptr});                         \
    }                                                                                                                       \
    extern "C" __global__ void __launch_bounds__(2 * WIDE, 256 / WIDE)                                                      \
        feed_forward_backward_hidden##name(Dims d, const float* __restrict__ dy, const float* __restrict__ down,            \
                                           const Between* __restrict__ slope, Between* __restrict__ dz) {                   \
        const int2 at = corner<WIDE>(d.hidden);                                                                             \
        const Dense<true> a(dy, d.rows, d.channels), b(down, d.hidden, d.channels);                                         \
        product<VARIANT, WIDE>(a, b, at.x, at.y, 0, d.channels, Through{d, slope, dz});                                     \
    }                                                                                                                       \
    extern "C" __global__ void __launch_bounds__(2 * WIDE, 256 / WIDE) feed_forward_backward_x##name(                       \
        Dims d, const Between* __restrict__ dz, const float* __restrict__ up, float* __restrict__ dx) {                     \
        const int2 at = corner<WIDE>(d.channels);                                                                           \
        const Dense<true, Between> a(dz, d.rows, d.hidden);                                                                 \
        const Dense<true> b(up, d.channels, d.hidden);                                                                      \
        product<VARIANT, WIDE>(a, b, at.x, at.y, 0, d.hidden, Store{dx, d.rows, d.channels});                               \
    }

KERNELS(, 64)
KERNELS(_wide, 128)

extern "C" __global__ void __launch_bounds__(128, 4) feed_forward_backward_up(
    Dims d, int cut, const Between* __restrict__ dz, const float* __restrict__ x, float* __restrict__ shares) {
    weight_gradient<VARIANT>(Dense<false>(x, d.rows, d.channels), Summed<Between>(dz, d.rows, d.hidden), d.channels, cut,
                             shares);
}

extern "C" __global__ void __launch_bounds__(128, 4) feed_forward_backward_down(
    Dims d, int cut, const float* __restrict__ dy, const Between* __restrict__ hidden, float* __restrict__ shares) {
    weight_gradient<VARIANT>(Dense<false, Between>(hidden, d.rows, d.hidden), Summed<>(dy, d.rows, d.channels), d.hidden, cut,
                             shares);
}
