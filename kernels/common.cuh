// What all kernels share. Stands before each .cu when that is compiled; needs no header of the toolkit.

#define WARP 32u
#define EVERY_LANE 0xffffffffu
// Below every number that is compared with it; there is no infinity here without a header.
#define LOWEST (-3.402823466e38f)
#define LOG2_E 1.4426950408889634f
#define LN_2 0.6931471805599453f
#define SQRT_HALF 0.7071067811865476f
#define INVERSE_SQRT_TWO_PI 0.3989422804014327f

typedef unsigned int u32;
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned long long u64;

// ---- Sums and maxima in a fixed order -------------------------------------------------------------------------------------

// Of the warp's lanes, in every lane.
__device__ __forceinline__ float warp_sum(float x) {
#pragma unroll
    for (u32 apart = WARP / 2; apart > 0; apart /= 2) x += __shfl_xor_sync(EVERY_LANE, x, apart);
    return x;
}

__device__ __forceinline__ float warp_max(float x) {
#pragma unroll
    for (u32 apart = WARP / 2; apart > 0; apart /= 2) x = fmaxf(x, __shfl_xor_sync(EVERY_LANE, x, apart));
    return x;
}

// Of the block's threads, in every thread: whole warps, all of them here. `partial` has room for one value a warp, and is for
// one sum.
__device__ __forceinline__ float block_sum(float x, float* partial) {
    const u32 lane = threadIdx.x % WARP, warps = blockDim.x / WARP;
    x = warp_sum(x);
    if (lane == 0) partial[threadIdx.x / WARP] = x;
    __syncthreads();
    return warp_sum(lane < warps ? partial[lane] : 0.0f);
}

// The sum of x[row][column] over from <= row < to, x [.., columns]: a lane a column, rows shared out among the block's warps,
// at most 32. Whole in the first warp. The loads of four rows wait for memory together.
__device__ __forceinline__ float column_sum(const float* x, u32 columns, u32 column, u32 from, u32 to) {
    __shared__ float partial[32][WARP];
    const u32 lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, warps = blockDim.x / WARP;
    float sum = 0.0f;
    if (column < columns) {
#pragma unroll 4
        for (u32 row = from + warp; row < to; row += warps) sum += x[(u64)row * columns + column];
    }
    partial[warp][lane] = sum;
    __syncthreads();
    if (warp == 0) {
        for (u32 other = 1; other < warps; ++other) sum += partial[other][lane];
    }
    return sum;
}

// ---- Pointwise work -------------------------------------------------------------------------------------------------------

// Elements of a thread, as in src/cuda/launch.rs.
#define EACH 4u

// `body(i)` for this thread's elements among `count`, below 2^31: a block's are a run, and a warp's at any time are side by side.
template <typename Body>
__device__ __forceinline__ void each_element(u32 count, Body body) {
    const u32 first = blockIdx.x * (EACH * blockDim.x) + threadIdx.x;
#pragma unroll
    for (u32 k = 0; k < EACH; ++k) {
        const u32 i = first + k * blockDim.x;
        if (i < count) body(i);
    }
}

// ---- Functions ------------------------------------------------------------------------------------------------------------

// e^x for softmax, by the hardware's power of two; relative error 2e-7 times the greater of 1 and |x|.
__device__ __forceinline__ float exp_of(float x) { return exp2f(x * LOG2_E); }

// The normal distribution's cumulative function: gelu(x) = x normal_cdf(x).
__device__ __forceinline__ float normal_cdf(float x) { return 0.5f * (1.0f + erff(x * SQRT_HALF)); }

__device__ __forceinline__ float gelu(float x) { return x * normal_cdf(x); }

__device__ __forceinline__ float gelu_slope(float x) {
    return normal_cdf(x) + x * INVERSE_SQRT_TWO_PI * expf(-0.5f * x * x);
}

// ---- Dropout masks --------------------------------------------------------------------------------------------------------

// `KernelMask` of src/ops/dropout/cuda.rs: read through a pointer, because it is another one in every step.
struct Mask {
    u32 key[2];
    u32 step, draw, first_sample;
    // An element goes when its 16 bits are below this.
    u32 threshold;
    // What kept elements are multiplied by.
    float scale;
};

// Philox4x32 of seven rounds, as src/ops/dropout/philox.rs has it.
__device__ __forceinline__ uint4 philox(uint4 c, u32 key0, u32 key1) {
#pragma unroll
    for (u32 round = 0; round < 7; ++round) {
        const u32 a_high = __umulhi(c.x, 0xD2511F53u), a_low = c.x * 0xD2511F53u;
        const u32 b_high = __umulhi(c.z, 0xCD9E8D57u), b_low = c.z * 0xCD9E8D57u;
        c = make_uint4(b_high ^ c.y ^ key0, b_low, a_high ^ c.w ^ key1, a_low);
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    return c;
}

// The random words of elements `128 group + 16 w + bit` of `sample`, 0 <= w < 8: element w has 16 bits of them, which `dropped`
// takes out.
__device__ __forceinline__ uint4 mask_words(const Mask& m, u32 sample, u32 group, u32 bit) {
    return philox(make_uint4(16 * group + bit, m.first_sample + sample, m.draw, m.step), m.key[0], m.key[1]);
}

__device__ __forceinline__ bool dropped(const Mask& m, const uint4& words, u32 w) {
    const u32 word = w < 4 ? (w < 2 ? words.x : words.y) : (w < 6 ? words.z : words.w);
    return (w % 2 == 0 ? word & 0xffffu : word >> 16) < m.threshold;
}

// What `element` of `sample` is multiplied by, where elements come one by one: eight times the work of `mask_words`.
__device__ __forceinline__ float mask_factor(const Mask& m, u32 sample, u32 element) {
    const uint4 words = mask_words(m, sample, element / 128, element % 16);
    return dropped(m, words, element / 16 % 8) ? 0.0f : m.scale;
}
