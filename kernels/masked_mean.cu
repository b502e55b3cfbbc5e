// Launched by src/ops/masked_mean/cuda.rs. x, dx [batch, time, channels]; y, dy [batch, channels]; lengths [batch], or null for
// all of time.

struct Dims {
    int batch, time, channels;
};

__device__ __forceinline__ int length_of(Dims d, const u32* lengths, int b) {
    return lengths == nullptr ? d.time : lengths[b];
}

// Grid [batch, channels / 32]: a lane a channel, positions shared out among the warps.
extern "C" __global__ void __launch_bounds__(256)
    masked_mean_forward(Dims d, const u32* __restrict__ lengths, const float* __restrict__ x, float* __restrict__ y) {
    const int b = blockIdx.x, channel = blockIdx.y * WARP + threadIdx.x % WARP, n = length_of(d, lengths, b);
    const float sum = column_sum(x + (u64)b * d.time * d.channels, d.channels, channel, 0, n);
    if (threadIdx.x < WARP && channel < d.channels) y[(u64)b * d.channels + channel] = sum / n;
}

// Pointwise.
extern "C" __global__ void __launch_bounds__(256)
    masked_mean_backward(Dims d, const u32* __restrict__ lengths, const float* __restrict__ dy,
                         float* __restrict__ dx) {
    const u32 sample = d.time * d.channels;
    each_element(d.batch * sample, [&](u32 i) {
        const u32 b = i / sample, at = i % sample, t = at / d.channels, c = at % d.channels;
        const int n = length_of(d, lengths, b);
        dx[i] = t < n ? dy[(u64)b * d.channels + c] / n : 0.0f;
    });
}
