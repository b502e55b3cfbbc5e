// Launched by src/ops/masked_max/cuda.rs. x, dx [batch, time, channels]; y, argmax, dy [batch, channels]; lengths [batch], or
// null for all of time.

struct Dims {
    int batch, time, channels;
};

#define WARPS 8

// Grid [batch, channels / 32]: a lane a channel, positions shared out among the warps. Each keeps the first of its greatest;
// of those the earliest wins, as if one had looked through all in order.
extern "C" __global__ void __launch_bounds__(WARP* WARPS)
    masked_max_forward(Dims d, const u32* __restrict__ lengths, const float* __restrict__ x, float* __restrict__ y,
                       float* __restrict__ argmax) {
    __shared__ float values[WARPS][WARP];
    __shared__ int places[WARPS][WARP];
    const int b = blockIdx.x, lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    const int channel = blockIdx.y * WARP + lane, n = lengths == nullptr ? d.time : lengths[b];
    float best = LOWEST;
    int place = d.time;
    if (channel < d.channels) {
        for (int t = warp; t < n; t += WARPS) {
            const float value = x[((u64)b * d.time + t) * d.channels + channel];
            if (value > best || place == d.time) {
                best = value;
                place = t;
            }
        }
    }
    values[warp][lane] = best;
    places[warp][lane] = place;
    __syncthreads();
    if (warp > 0 || channel >= d.channels) return;
    for (int other = 1; other < WARPS; ++other) {
        const float value = values[other][lane];
        const int at = places[other][lane];
        if (at < d.time && (value > best || (value == best && at < place))) {
            best = value;
            place = at;
        }
    }
    y[(u64)b * d.channels + channel] = best;
    argmax[(u64)b * d.channels + channel] = place;
}

// Pointwise.
extern "C" __global__ void __launch_bounds__(256)
    masked_max_backward(Dims d, const float* __restrict__ argmax, const float* __restrict__ dy,
                        float* __restrict__ dx) {
    const u32 sample = d.time * d.channels;
    each_element(d.batch * sample, [&](u32 i) {
        const u32 at = i % sample, t = at / d.channels, c = at % d.channels;
        const u64 pooled = i / sample * d.channels + c;
        dx[i] = argmax[pooled] == t ? dy[pooled] : 0.0f;
    });
}
