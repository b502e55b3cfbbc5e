// headers: attention, attention_fma
// Launched by src/ops/attention/cuda.rs: attention in f32, for heads of any size. How it is done is in attention_fma.cuh.

extern "C" __global__ void __launch_bounds__(THREADS, 2)
    attention_forward(Dims d, const float* __restrict__ q, const float* __restrict__ k, const float* __restrict__ v,
                          const u32* __restrict__ lengths, const Mask* __restrict__ mask, float* __restrict__ out,
                          float* __restrict__ stats) {
    const At at(d, (d.tq + QUERIES - 1) / QUERIES);
    const Part own(d, blockIdx.y);
    const int keys = at.keys(d, lengths), from = at.tile * QUERIES, count = min(QUERIES, d.tq - from);
    const int parts = gridDim.y, row = own.row, channels = d.heads * d.head;
    float *tile_q = room, *tile_k = tile_q + QUERIES * row, *tile_v = tile_k + KEYS * row, *scores = tile_v + KEYS * row;
    float* before = scores + QUERIES * SCORES;
    u16* bits = mask ? reinterpret_cast<u16*>(before + QUERIES) : nullptr;
    const Words words(d, at.h, at.tile);
    const float scale = d.scale * LOG2_E, kept = mask ? mask->scale : 1.f;
    Pairs<2> sums(own, QUERIES / 2);
    Softmax softmax;
    for (int first = 0; first < keys; first += KEYS) {
        float s[4][4] = {};
        for (int p = 0; p < parts; p++) {
            const Part part(d, p);
            __syncthreads();
            if (first == 0 || parts > 1) part.load(tile_q, q + at.head(d, d.tq, d.q_row, from), d.q_row, QUERIES, count);
            part.load(tile_k, k + at.head(d, d.tk, d.k_row, first), d.k_row, KEYS, keys - first);
            if (p == 0) own.load(tile_v, v + at.head(d, d.tk, d.k_row, first), d.k_row, KEYS, keys - first);
            if (p == 0 && bits) mask_bits(*mask, at.b, words.first + first * words.words, KEYS * words.words, bits);
            __syncthreads();
            dot(s, tile_q, tile_k, part);
        }
#pragma unroll
        for (int i = 0; i < 4; i++)
#pragma unroll
            for (int j = 0; j < 4; j++) {
                const int key = threadIdx.x % 16 + 16 * j;
                scores[(threadIdx.x / 16 * 4 + i) * SCORES + key] = first + key < keys ? s[i][j] * scale : LOWEST;
            }
        __syncthreads();
        softmax.tile(scores, before, bits, words.words, kept);
        __syncthreads();
        sums.scale(before);
        sums.add_along(scores, tile_v, row, min(KEYS, keys - first));
    }
    // The sums' inverses reach those who have the rows.
    __syncthreads();
#pragma unroll
    for (int i = 0; i < 8; i++)
        if (threadIdx.x % WARP == 0) {
            const int query = threadIdx.x / WARP * 8 + i;
            before[query] = 1.f / softmax.sum[i];
            if (query < count && blockIdx.y == 0) {
                stats[at.stat(d, from + query)] = softmax.greatest[i];
                stats[at.stat(d, from + query) + QUERIES] = 1.f / softmax.sum[i];
            }
        }
    __syncthreads();
    sums.scale(before);
    sums.write(out + at.out(d, from), channels, count, own, 1.f);
}

extern "C" __global__ void __launch_bounds__(THREADS, 2)
    attention_backward_q(Dims d, const float* __restrict__ q, const float* __restrict__ k, const float* __restrict__ v,
                             const float* __restrict__ stats, const float* __restrict__ delta, const float* __restrict__ dout,
                             const u32* __restrict__ lengths, const Mask* __restrict__ mask, float* __restrict__ dq) {
    const At at(d, (d.tq + QUERIES - 1) / QUERIES);
    const Part own(d, blockIdx.y);
    const Inputs in = {q, k, v, stats, delta, dout, lengths, mask};
    const int keys = at.keys(d, lengths), from = at.tile * QUERIES;
    Tiles tiles(own.row, false, mask);
    Pairs<2> sums(own, QUERIES / 2);
    for (int first = 0; first < keys; first += KEYS) {
        tiles.make(d, at, in, from, first, first == 0);
        sums.add_along(tiles.ds, tiles.k, own.row, min(KEYS, keys - first));
    }
    sums.write(dq + at.head(d, d.tq, d.q_row, from), d.q_row, min(QUERIES, d.tq - from), own, d.scale);
}

extern "C" __global__ void __launch_bounds__(THREADS, 2)
    attention_backward_kv(Dims d, const float* __restrict__ q, const float* __restrict__ k, const float* __restrict__ v,
                              const float* __restrict__ stats, const float* __restrict__ delta,
                              const float* __restrict__ dout, const u32* __restrict__ lengths,
                              const Mask* __restrict__ mask, float* __restrict__ dk, float* __restrict__ dv) {
    const At at(d, (d.tk + KEYS - 1) / KEYS);
    const Part own(d, blockIdx.y);
    const Inputs in = {q, k, v, stats, delta, dout, lengths, mask};
    const int first = at.tile * KEYS;
    Tiles tiles(own.row, true, mask);
    Pairs<3> dks(own, KEYS / 2), dvs(own, KEYS / 2);
    if (first < at.keys(d, lengths))
        for (int from = 0; from < d.tq; from += QUERIES) {
            tiles.make(d, at, in, from, first, true);
            const int count = min(QUERIES, d.tq - from);
            dks.add_across(tiles.ds, tiles.q, own.row, count);
            dvs.add_across(tiles.p, tiles.dout, own.row, count);
        }
    const u64 to = at.head(d, d.tk, d.k_row, first);
    dks.write(dk + to, d.k_row, min(KEYS, d.tk - first), own, d.scale);
    dvs.write(dv + to, d.k_row, min(KEYS, d.tk - first), own, 1.f);
}

// delta = out . dout, a warp a query of a head.
extern "C" __global__ void __launch_bounds__(256)
    attention_delta(Dims d, const float* __restrict__ out, const float* __restrict__ dout, float* __restrict__ delta) {
    const u64 row = (u64)blockIdx.x * 8 + threadIdx.x / WARP;
    if (row >= (u64)d.batch * d.tq * d.heads) return;
    float sum = 0.f;
    for (int c = threadIdx.x % WARP; c < d.head; c += WARP) sum = fmaf(out[row * d.head + c], dout[row * d.head + c], sum);
    sum = warp_sum(sum);
    const u64 query = row / d.heads, h = row % d.heads;
    if (threadIdx.x % WARP == 0) delta[(query / d.tq * d.heads + h) * d.tq + query % d.tq] = sum;
}
