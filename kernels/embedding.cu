// Launched by src/ops/embedding/cuda.rs. table, dtable [rows, channels]; ids [tokens]; y, dy [tokens, channels].

struct Dims {
    int rows, channels;
};

// Pointwise.
extern "C" __global__ void __launch_bounds__(256)
    embedding_forward(Dims d, u32 count, const u32* __restrict__ ids, const float* __restrict__ table,
                      float* __restrict__ y) {
    const u32 channels = d.channels;
    each_element(count, [&](u32 i) {
        const u32 token = i / channels;
        y[i] = table[(u64)ids[token] * channels + i % channels];
    });
}

struct Strips {
    u32 tokens;
    // Tokens of one strip; the last may have fewer.
    u32 strip;
};

// sums [strips, rows, channels]. Grid [rows, channels / 32, strips]: a block looks through a strip's ids, 32 at a time a warp,
// for those of its row of the table, and adds up their dy. No two blocks add to one place, and each adds in one order:
// the same bits every time. A table has few rows, so that looking through the ids once for each costs little.
extern "C" __global__ void __launch_bounds__(256)
    embedding_backward(Dims d, Strips s, const u32* __restrict__ ids, const float* __restrict__ dy,
                       float* __restrict__ sums) {
    __shared__ float partial[8][WARP];
    const u32 lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, row = blockIdx.x;
    const u32 channel = blockIdx.y * WARP + lane;
    const u32 to = min((blockIdx.z + 1) * s.strip, s.tokens);
    float sum = 0.0f;
    for (u32 first = blockIdx.z * s.strip + warp * WARP; first < to; first += 8 * WARP) {
        const u32 mine = first + lane;
        u32 found = __ballot_sync(EVERY_LANE, mine < to && ids[mine] == row);
        for (; found != 0; found &= found - 1) {
            const u64 token = first + __ffs(found) - 1;
            if (channel < d.channels) sum += dy[token * d.channels + channel];
        }
    }
    partial[warp][lane] = sum;
    __syncthreads();
    if (warp > 0 || channel >= d.channels) return;
    for (u32 other = 1; other < 8; ++other) sum += partial[other][lane];
    sums[((u64)blockIdx.z * d.rows + row) * d.channels + channel] = sum;
}
