// Launched by src/ops/dropout/cuda.rs; backward is forward of dy. x, y [samples, per_sample].
// A row of blocks a sample, a thread for each counter of the generator: eight elements, sixteen apart, so that half a warp
// reads and writes sixteen in a row.

struct Dims {
    u32 samples, per_sample;
};

extern "C" __global__ void __launch_bounds__(256)
    dropout_forward(Dims d, const Mask* __restrict__ mask, const float* __restrict__ x, float* __restrict__ y) {
    const u32 thread = blockIdx.x * blockDim.x + threadIdx.x, group = thread / 16, bit = thread % 16;
    if (128 * group + bit >= d.per_sample) return;
    const Mask m = *mask;
    for (u32 sample = blockIdx.y; sample < d.samples; sample += gridDim.y) {
        const uint4 words = mask_words(m, sample, group, bit);
        const u64 row = (u64)sample * d.per_sample;
#pragma unroll
        for (u32 w = 0; w < 8; ++w) {
            const u32 element = 128 * group + 16 * w + bit;
            if (element < d.per_sample) y[row + element] = dropped(m, words, w) ? 0.0f : x[row + element] * m.scale;
        }
    }
}
