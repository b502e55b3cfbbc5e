// What layers share whose weights meet their input in a product: bias, dropout, residual, activation and layer norm on the way
// out, and gradients of weights and bias, which are sums over all rows.
//
// Such a sum is cut: block (.., s) adds rows s * cut.. into a share of its own, [ins + 1, outs] with the bias in the last row,
// and add_shares adds the shares in their order. So a gradient has the same bits in every run, and 64 x 64 weights keep as
// many blocks busy as 512 x 512.

enum { PLAIN, RELU, GELU };

__device__ __forceinline__ float4 plus(float4 a, float4 b) { return make_float4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w); }

__device__ __forceinline__ float4 times(float4 a, float4 b) { return make_float4(a.x * b.x, a.y * b.y, a.z * b.z, a.w * b.w); }

template <class F> __device__ __forceinline__ float4 each(float4 x, F f) { return make_float4(f(x.x), f(x.y), f(x.z), f(x.w)); }

// gelu and its slope, which share an exponential: with P(z) = erfc(z) e^(z^2) of Abramowitz and Stegun 7.1.26 (absolute error
// of the normal distribution 7.5e-8, where f32 has 6e-8), the two are a division, an exponential and ten multiply-adds.
__device__ __forceinline__ float2 gelu_and_slope(float x) {
    const float t = __fdividef(1.f, fmaf(0.3275911f * SQRT_HALF, fabsf(x), 1.f));
    float tail = fmaf(1.061405429f, t, -1.453152027f);
    tail = fmaf(tail, t, 1.421413741f);
    tail = fmaf(tail, t, -0.284496736f);
    tail = fmaf(tail, t, 0.254829592f);
    const float density = exp2f(-0.5f * LOG2_E * x * x);
    tail *= 0.5f * t * density;
    const float below = x < 0.f ? tail : 1.f - tail;
    return make_float2(x * below, fmaf(INVERSE_SQRT_TWO_PI * x, density, below));
}

// Of four values, gelu in place, and the slopes; in f32 as exactly as can be.
__device__ __forceinline__ float4 activate(float4& x) {
    if constexpr (EXACT) {
        const float4 slope = each(x, gelu_slope);
        x = each(x, gelu);
        return slope;
    }
    const float2 a = gelu_and_slope(x.x), b = gelu_and_slope(x.y), c = gelu_and_slope(x.z), d = gelu_and_slope(x.w);
    x = make_float4(a.x, b.x, c.x, d.x);
    return make_float4(a.y, b.y, c.y, d.y);
}

// A mask's factors of quads of a result. As a thread ends with quads 16 columns apart, and one counter of the generator has a
// bit for each of eight such columns, its words are kept from one quad to the next.
struct Masks {
    bool drops;
    Mask mask;
    // Rows of a sample, and elements from a row to the next.
    int per_sample;
    u32 across;
    // Random words of the four columns' bits, and of which row's group they are.
    mutable int row = -1;
    mutable u32 group;
    mutable uint4 words[4];

    __device__ Masks(const Mask* mask, int per_sample, u32 across) : drops(mask), per_sample(per_sample), across(across) {
        if (drops) this->mask = *mask;
    }
    __device__ __forceinline__ float4 of(int m, int n) const {
        const u32 sample = m / per_sample, element = (m - sample * per_sample) * across + n, w = element / 16 % 8;
        if (across % 16 != 0)
            return make_float4(mask_factor(mask, sample, element), mask_factor(mask, sample, element + 1),
                               mask_factor(mask, sample, element + 2), mask_factor(mask, sample, element + 3));
        if (m != row || element / 128 != group) {
            row = m;
            group = element / 128;
#pragma unroll
            for (u32 i = 0; i < 4; i++) words[i] = mask_words(mask, sample, group, element % 16 + i);
        }
        return make_float4(factor(words[0], w), factor(words[1], w), factor(words[2], w), factor(words[3], w));
    }
    __device__ __forceinline__ float factor(const uint4& words, u32 w) const { return dropped(mask, words, w) ? 0.f : mask.scale; }
};

// What a layer's result is added to: residual + dropout(c) [rows, columns], without either where it is null.
struct Onto {
    const float* residual;
    Masks masks;

    __device__ Onto(const float* residual, const Mask* mask, int per_sample, int columns)
        : residual(residual), masks(mask, per_sample, columns) {}
    static __device__ Onto nothing() { return Onto(nullptr, nullptr, 1, 0); }
    __device__ __forceinline__ float4 operator()(int m, int n, int rows, int columns, float4 c) const {
        if (masks.drops) c = times(c, masks.of(m, n));
        return residual ? plus(c, Dense<false>(residual, rows, columns).quad(m, n)) : c;
    }
};

// The layer norm of a result y [rows, columns] that is no wider than a block: `normed` like y, mean and rstd [rows]; none
// where `normed` is null. As kernels/layer_norm.cu.
struct Norm {
    float eps;
    const float *gamma, *beta;
    float *normed, *mean, *rstd;

    static __device__ Norm none() { return Norm{0.f, nullptr, nullptr, nullptr, nullptr, nullptr}; }

    // Of one row, of which THREADS threads side by side have four quads each, 16 columns apart from `first` on; y is 0 outside.
    template <int THREADS>
    __device__ __forceinline__ void row(int m, int rows, int columns, const float* y, int first) const {
        float sum = 0.f, squares = 0.f;
#pragma unroll
        for (int n = first; n < first + 64; n += 16) {
            const float4 x = *reinterpret_cast<const float4*>(y + n);
            sum += x.x + x.y + (x.z + x.w);
        }
        const float center = over<THREADS>(sum) / columns;
#pragma unroll
        for (int n = first; n < first + 64; n += 16) {
            const float4 off = each(*reinterpret_cast<const float4*>(y + n), [=](float x) { return x - center; });
            if (n < columns) squares = fmaf(off.x, off.x, squares);
            if (n + 1 < columns) squares = fmaf(off.y, off.y, squares);
            if (n + 2 < columns) squares = fmaf(off.z, off.z, squares);
            if (n + 3 < columns) squares = fmaf(off.w, off.w, squares);
        }
        const float scale = 1.f / sqrtf(over<THREADS>(squares) / columns + eps);
        if (m >= rows) return;
        if (first == 0) {
            mean[m] = center;
            rstd[m] = scale;
        }
#pragma unroll 1
        for (int n = first; n < min(first + 64, columns); n += 16) {
            const float4 xhat = each(*reinterpret_cast<const float4*>(y + n), [=](float x) { return (x - center) * scale; });
            const float4 scaled = times(xhat, Dense<false>(gamma, 1, columns).quad(0, n));
            store(normed + (u64)m * columns + n, plus(scaled, Dense<false>(beta, 1, columns).quad(0, n)), columns - n);
        }
    }
    template <int THREADS> static __device__ __forceinline__ float over(float x) {
#pragma unroll
        for (int other = 1; other < THREADS; other *= 2) x += __shfl_xor_sync(~0u, x, other);
        return x;
    }
};

// The end that stores y = activation(z) and, of GELU, slope = gelu'(z) [rows, columns], where z is c + bias, without a bias
// where that is null, onto what there is; and y's layer norm.
struct Activated {
    int activation, rows, columns;
    const float* bias;
    Onto onto;
    Norm norm;
    float *y, *slope;
    __device__ __forceinline__ void operator()(int m, int n, float4& c) const {
        if (m >= rows || n >= columns) return;
        const u64 at = (u64)m * columns + n;
        const int left = columns - n;
        float4 z = bias ? plus(c, Dense<false>(bias, 1, columns).quad(0, n)) : c;
        z = onto(m, n, rows, columns, z);
        if (activation == GELU) {
            store(slope + at, activate(z), left);
        } else if (activation == RELU) {
            z = each(z, [](float x) { return fmaxf(x, 0.f); });
        }
        store(y + at, z, left);
        if (norm.normed) c = z;
    }
    template <int THREADS> __device__ __forceinline__ void row(int m, const float* y, int first) const {
        if (norm.normed) norm.row<THREADS>(m, rows, columns, y, first);
    }
};
template <> constexpr bool ENDS_ROWS<Activated> = true;

// The gradient [rows, columns] of a layer's result, whose columns are added on the way: all quads of a thread are of the same
// four.
template <class T = float> struct Summed : Dense<false, T> {
    mutable float4 sum = make_float4(0.f, 0.f, 0.f, 0.f);
    __device__ Summed(const T* data, int rows, int columns) : Dense<false, T>(data, rows, columns) {}
    __device__ __forceinline__ float4 quad(int row, int column) const {
        const float4 x = Dense<false, T>::quad(row, column);
        sum = plus(sum, x);
        return x;
    }
};

// The block's part of its share of dweight [a's columns, outs] and dbias [outs].
template <class P, class A, class T>
__device__ __forceinline__ void weight_gradient(const A& a, const Summed<T>& dz, int ins, int cut, float* shares) {
    const int outs = dz.columns, from = blockIdx.y * cut;
    const int2 at = corner<64>(outs);
    float* share = shares + (u64)blockIdx.y * (ins + 1) * outs;
    product<P, 64>(a, dz, at.x, at.y, from, min(from + cut, dz.rows), Store{share, ins, outs});
    if (at.x > 0) return;
    __shared__ float4 sums[128];
    sums[threadIdx.x] = dz.sum;
    __syncthreads();
    if (threadIdx.x < 16 && at.y + 4 * threadIdx.x < outs) {
        float4 sum = sums[threadIdx.x];
        for (int i = 16; i < 128; i += 16) sum = plus(sum, sums[i + threadIdx.x]);
        store(share + (u64)ins * outs + at.y + 4 * threadIdx.x, sum, outs - at.y - 4 * threadIdx.x);
    }
}
