// Launched by src/ops/noisy_or/cuda.rs. x, dx [batch, time, channels]; y, dy [batch, channels]; lengths [batch], or null for
// all of time.

struct Dims {
    int batch, time, channels;
};

__device__ __forceinline__ int length_of(Dims d, const u32* lengths, int b) {
    return lengths == nullptr ? d.time : lengths[b];
}

// A thread a sum: bags hold a few sites, and there are many bags.
extern "C" __global__ void __launch_bounds__(256)
    noisy_or_forward(Dims d, const u32* __restrict__ lengths, const float* __restrict__ x, float* __restrict__ y) {
    each_element(d.batch * d.channels, [&](u32 i) {
        const u32 b = i / d.channels, c = i % d.channels;
        float sum = 0.0f;
        for (int t = 0; t < length_of(d, lengths, b); ++t) {
            const float z = x[((u64)b * d.time + t) * d.channels + c];
            sum += fmaxf(z, 0.0f) + log1pf(expf(-fabsf(z)));
        }
        y[i] = sum;
    });
}

// Pointwise.
extern "C" __global__ void __launch_bounds__(256)
    noisy_or_backward(Dims d, const u32* __restrict__ lengths, const float* __restrict__ x,
                      const float* __restrict__ dy, float* __restrict__ dx) {
    const u32 sample = d.time * d.channels;
    each_element(d.batch * sample, [&](u32 i) {
        const u32 b = i / sample, at = i % sample, t = at / d.channels, c = at % d.channels;
        const float decay = expf(-fabsf(x[i])), p = (x[i] > 0.0f ? 1.0f : decay) / (1.0f + decay);
        dx[i] = t < length_of(d, lengths, b) ? p * dy[(u64)b * d.channels + c] : 0.0f;
    });
}
