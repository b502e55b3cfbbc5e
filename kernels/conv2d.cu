// headers: mma, product, layer
// variants: F32; Tf32; Bf16
// Launched by src/ops/conv2d/cuda.rs, for conv1d too. x [positions, ins], w [taps, ins, outs], dz [positions, outs], where a
// position is one of a map of height x width in a batch, in reading order.
//
// The textbook's unrolled matrix [positions, taps * ins] is an operand that is never made: its quads are read from the map,
// channels of one tap of one position, zeros outside of the map. Products, and what becomes of them, as for a linear layer:
// product.cuh, layer.cuh.
//
// forward   y = activation(unrolled(x) w + bias), and of GELU the slope.
// backward  dx = unrolled(dz) w^T, with taps on the other side of a position and w read where it lies;
//           dw = unrolled(x)^T dz and dbias, in shares.
//
// On an H200, width 7 over 64 channels of 287k positions is 147 MB, 34 us, and 16 GFLOP: 21 us of tensor cores in bf16, twice
// that in tf32, 270 us of fused multiply-adds. A block's seven readings of its rows are in L1; those of dw, where each tap
// is a block of its own, come from L2 and are 1 GB.

// n / by for n < 2^31, by a product (Granlund and Montgomery 1994, doi:10.1145/178243.178249).
struct Divisor {
    u32 by, factor, shift;
    __device__ __forceinline__ u32 quotient(u32 n) const { return (__umulhi(n, factor) + n) >> shift; }
};

// Sizes, and how far a tap lies from its position.
struct Dims {
    int positions, ins, outs, taps;
    Divisor height, width, kernel_width;
    // Of the operand that is unrolled.
    Divisor channels;
    // Tap (u, v) is u * dilation - top rows down and v - left columns on, times `sign`, which is -1 for dx.
    int dilation, top, left, sign;
};

// Channels of taps of positions, [positions, taps * channels], of x or dz [positions, channels].
template <bool K> struct Unrolled {
    static constexpr bool ALONG_K = K;
    Dims d;
    const float* data;
    bool whole;

    __device__ Unrolled(const Dims& d, const float* data)
        : d(d), data(data), whole(d.channels.by % 4 == 0 && (u64)data % 16 == 0) {}

    // Where `column` of a position is read; null outside.
    __device__ __forceinline__ const float* at(int position, int column) const {
        const u32 tap = d.channels.quotient(column), u = d.kernel_width.quotient(tap);
        const int down = d.sign * (int(u) * d.dilation - d.top);
        const int on = d.sign * (int(tap - u * d.kernel_width.by) - d.left);
        const u32 line = d.width.quotient(position), map = d.height.quotient(line);
        // Less than zero is very much.
        const u32 row = line - map * d.height.by + down, at = position - line * d.width.by + on;
        if (tap >= d.taps || row >= d.height.by || at >= d.width.by) return nullptr;
        return data + (u64)(position + down * int(d.width.by) + on) * d.channels.by + (column - tap * d.channels.by);
    }
    __device__ __forceinline__ float one(int position, int column) const {
        const float* x = at(position, column);
        return x ? *x : 0.f;
    }
    __device__ __forceinline__ float4 quad(int position, int column) const {
        if (position >= d.positions) return make_float4(0.f, 0.f, 0.f, 0.f);
        if (whole) {
            const float* x = at(position, column);
            return x ? __ldg(reinterpret_cast<const float4*>(x)) : make_float4(0.f, 0.f, 0.f, 0.f);
        }
        return make_float4(one(position, column), one(position, column + 1), one(position, column + 2),
                           one(position, column + 3));
    }
};

// w^T: outs of taps of an input channel, [ins, taps * outs].
struct Taps {
    static constexpr bool ALONG_K = true;
    Dims d;
    const float* w;
    bool whole;

    __device__ Taps(const Dims& d, const float* w) : d(d), w(w), whole(d.outs % 4 == 0 && (u64)w % 16 == 0) {}

    __device__ __forceinline__ const float* at(int in, int column) const {
        const u32 tap = d.channels.quotient(column);
        if (tap >= d.taps) return nullptr;
        return w + ((u64)tap * d.ins + in) * d.outs + (column - tap * d.outs);
    }
    __device__ __forceinline__ float one(int in, int column) const {
        const float* x = at(in, column);
        return x ? *x : 0.f;
    }
    __device__ __forceinline__ float4 quad(int in, int column) const {
        if (in >= d.ins) return make_float4(0.f, 0.f, 0.f, 0.f);
        if (whole) {
            const float* x = at(in, column);
            return x ? __ldg(reinterpret_cast<const float4*>(x)) : make_float4(0.f, 0.f, 0.f, 0.f);
        }
        return make_float4(one(in, column), one(in, column + 1), one(in, column + 2), one(in, column + 3));
    }
};

template <class P, int WIDE>
__device__ __forceinline__ void forward(const Dims& d, int activation, const float* x, const float* w, const float* bias,
                                        float* y, float* slope) {
    const int2 at = corner<WIDE>(d.outs);
    const int depth = d.taps * d.ins;
    const Dense<false> b(w, depth, d.outs);
    product<P, WIDE>(Unrolled<true>(d, x), b, at.x, at.y, 0, depth,
                     Activated{activation, d.positions, d.outs, bias, Onto::nothing(), Norm::none(), y, slope});
}

template <class P, int WIDE>
__device__ __forceinline__ void backward_x(const Dims& d, const float* dz, const float* w, float* dx) {
    const int2 at = corner<WIDE>(d.ins);
    product<P, WIDE>(Unrolled<true>(d, dz), Taps(d, w), at.x, at.y, 0, d.taps * d.outs, Store{dx, d.positions, d.ins});
}

#define POSITIONS(name, WIDE)                                                                                               \
    extern "C" __global__ void __launch_bounds__(2 * WIDE, 256 / WIDE) conv2d_forward##name(                                \
        const __grid_constant__ Dims d, int activation, const float* __restrict__ x, const float* __restrict__ w,           \
        const float* __restrict__ bias, float* __restrict__ y, float* __restrict__ slope) {                                 \
        forward<VARIANT, WIDE>(d, activation, x, w, bias, y, slope);                                                        \
    }                                                                                                                       \
    extern "C" __global__ void __launch_bounds__(2 * WIDE, 256 / WIDE)                                                      \
        conv2d_backward_x##name(const __grid_constant__ Dims d, const float* __restrict__ dz, const float* __restrict__ w,  \
                                float* __restrict__ dx) {                                                                   \
        backward_x<VARIANT, WIDE>(d, dz, w, dx);                                                                            \
    }

POSITIONS(, 64)
POSITIONS(_wide, 128)

extern "C" __global__ void __launch_bounds__(128, 4)
    conv2d_backward_weight(const __grid_constant__ Dims d, int cut, const float* __restrict__ dz, const float* __restrict__ x,
                           float* __restrict__ shares) {
    weight_gradient<VARIANT>(Unrolled<false>(d, x), Summed<>(dz, d.positions, d.outs), d.taps * d.ins, cut, shares);
}
