// Attention in f32, for heads of any size: tiles of 48 queries and 64 keys in shared memory, 192 threads.
//
// Scores: a thread has 4 queries x 4 keys, from eight 16-byte reads for 64 fused multiply-adds. Rows are an odd number of
// quads long, so that sixteen keys side by side lie in different banks. Results: 2 rows x 4 channels, kept in registers.
// A head of more than 64 channels is read 64 at a time, and a block makes 64 of its results' channels: scores are made once
// for each such part.
//
// forward      a block has 48 queries and goes over all keys with a running maximum and sum.
// backward_q   the same, with the probabilities made again from stats: dq = sum_j ds k.
// backward_kv  a block has 64 keys and goes over all queries: dv = sum p dout, dk = sum ds q.
// Every sum has one order and one owner; nothing is added atomically.
//
// 150 to 168 registers are two blocks an SM. Of a head of 16 channels, tiles are 27 KiB forward and 44 KiB backward, of 64
// and more 60 and 86 KiB. Seven products a score in backward, where five would do, and about four reads of shared memory for
// 16 multiply-adds in the products with narrow results: this is the judge of the tensor cores' kernels, not their rival.

constexpr int KEYS = 64, THREADS = 192, PART = 64;
// From one query's scores to the next's.
constexpr int SCORES = KEYS + 4;

// Rows of a part of a head in shared memory.
struct Part {
    // The part's first channel, its channels, and values from row to row.
    int from, width, row;
    __device__ Part(const Dims& d, int part) : from(part * PART), width(min(PART, d.head - from)) {
        row = row_of(d);
    }
    static __device__ __forceinline__ int row_of(const Dims& d) { return (min(PART, d.head) + 3) / 4 / 2 * 8 + 4; }
    __device__ __forceinline__ int quads() const { return (width + 3) / 4; }

    // `lines` rows, of which `count` are there, and zeros.
    __device__ __forceinline__ void load(float* to, const float* x, int stride, int lines, int count) const {
        const int quads = row / 4;
        const bool whole = stride % 4 == 0 && width % 4 == 0 && (u64)(x + from) % 16 == 0;
#pragma unroll 1
        for (int at = threadIdx.x; at < lines * quads; at += THREADS) {
            const int line = at / quads, c = at % quads * 4, left = line < count ? width - c : 0;
            const float* source = x + (u64)line * stride + from + c;
            float4 value = make_float4(0.f, 0.f, 0.f, 0.f);
            if (whole && left > 0) {
                value = *reinterpret_cast<const float4*>(source);
            } else {
                if (left > 0) value.x = source[0];
                if (left > 1) value.y = source[1];
                if (left > 2) value.z = source[2];
                if (left > 3) value.w = source[3];
            }
            *reinterpret_cast<float4*>(to + line * row + c) = value;
        }
    }
};

// s += q . k for the thread's 4 queries and 4 keys, 16 keys apart.
__device__ __forceinline__ void dot(float (&s)[4][4], const float* q, const float* k, const Part& part) {
    q += threadIdx.x / 16 * 4 * part.row;
    k += threadIdx.x % 16 * part.row;
#pragma unroll 1
    for (int c = 0; c < part.width; c += 4) {
        float4 left[4];
#pragma unroll
        for (int i = 0; i < 4; i++) left[i] = *reinterpret_cast<const float4*>(q + i * part.row + c);
#pragma unroll
        for (int j = 0; j < 4; j++) {
            const float4 right = *reinterpret_cast<const float4*>(k + 16 * j * part.row + c);
#pragma unroll
            for (int i = 0; i < 4; i++) {
                s[i][j] = fmaf(left[i].x, right.x, s[i][j]);
                s[i][j] = fmaf(left[i].y, right.y, s[i][j]);
                s[i][j] = fmaf(left[i].z, right.z, s[i][j]);
                s[i][j] = fmaf(left[i].w, right.w, s[i][j]);
            }
        }
    }
}

__device__ __forceinline__ void add(float (&sum)[4], float a, float4 x) {
    sum[0] = fmaf(a, x.x, sum[0]);
    sum[1] = fmaf(a, x.y, sum[1]);
    sum[2] = fmaf(a, x.z, sum[2]);
    sum[3] = fmaf(a, x.w, sum[3]);
}

// The thread's N pairs of rows, each with four channels, of a result of `pairs` pairs of rows.
template <int N> struct Pairs {
    float v[N][2][4] = {};
    const int quads, pairs;

    __device__ Pairs(const Part& part, int pairs) : quads(part.quads()), pairs(pairs) {}

    // First row of the i-th, and its first channel.
    __device__ __forceinline__ int line(int i) const { return (threadIdx.x + i * THREADS) / quads * 2; }
    __device__ __forceinline__ int channel(int i) const { return (threadIdx.x + i * THREADS) % quads * 4; }
    __device__ __forceinline__ bool is_there(int i) const { return threadIdx.x + i * THREADS < pairs * quads; }
    // += s[line, j] x[j, channel] over j in 0..count, in fours.
    __device__ __forceinline__ void add_along(const float* s, const float* x, int row, int count) {
#pragma unroll
        for (int i = 0; i < N; i++) {
            if (!is_there(i)) continue;
            const float *a = s + line(i) * SCORES, *b = x + channel(i);
#pragma unroll 1
            for (int j = 0; j < count; j += 4) {
                const float4 low = *reinterpret_cast<const float4*>(a + j);
                const float4 high = *reinterpret_cast<const float4*>(a + SCORES + j);
                const float lows[4] = {low.x, low.y, low.z, low.w}, highs[4] = {high.x, high.y, high.z, high.w};
#pragma unroll
                for (int k = 0; k < 4; k++) {
                    const float4 right = *reinterpret_cast<const float4*>(b + (j + k) * row);
                    add(v[i][0], lows[k], right);
                    add(v[i][1], highs[k], right);
                }
            }
        }
    }
    // += s[j, line] x[j, channel] over j in 0..count.
    __device__ __forceinline__ void add_across(const float* s, const float* x, int row, int count) {
#pragma unroll
        for (int i = 0; i < N; i++) {
            if (!is_there(i)) continue;
            const float *a = s + line(i), *b = x + channel(i);
#pragma unroll 1
            for (int j = 0; j < count; j++) {
                const float2 left = *reinterpret_cast<const float2*>(a + j * SCORES);
                const float4 right = *reinterpret_cast<const float4*>(b + j * row);
                add(v[i][0], left.x, right);
                add(v[i][1], left.y, right);
            }
        }
    }
    // Each row times its factor.
    __device__ __forceinline__ void scale(const float* factors) {
#pragma unroll
        for (int i = 0; i < N; i++)
#pragma unroll
            for (int c = 0; c < 8; c++) v[i][c / 4][c % 4] *= is_there(i) ? factors[line(i) + c / 4] : 0.f;
    }
    // Rows times `factor` to `to`, of which `count` are there.
    __device__ __forceinline__ void write(float* to, int stride, int count, const Part& part, float factor) const {
#pragma unroll
        for (int i = 0; i < N; i++)
#pragma unroll
            for (int r = 0; r < 2; r++)
#pragma unroll
                for (int c = 0; c < 4; c++)
                    if (is_there(i) && line(i) + r < count && channel(i) + c < part.width)
                        to[(u64)(line(i) + r) * stride + part.from + channel(i) + c] = v[i][r][c] * factor;
    }
};

// Softmax of a tile of scores over what came before: exponentials to `scores`, with dropout, and to `before` what results so
// far are to be multiplied by. A warp has eight queries.
struct Softmax {
    float greatest[8], sum[8];
    __device__ Softmax() {
#pragma unroll
        for (int i = 0; i < 8; i++) greatest[i] = LOWEST, sum[i] = 0.f;
    }
    __device__ __forceinline__ void tile(float* scores, float* before, const u16* bits, u32 words, float scale) {
        const int lane = threadIdx.x % WARP, from = threadIdx.x / WARP * 8;
#pragma unroll
        for (int i = 0; i < 8; i++) {
            float* row = scores + (from + i) * SCORES;
            const float low = row[lane], high = row[lane + 32];
            const float most = fmaxf(greatest[i], warp_max(fmaxf(low, high)));
            float p = exp2f(low - most), p2 = exp2f(high - most);
            const float correction = exp2f(greatest[i] - most);
            sum[i] = sum[i] * correction + warp_sum(p + p2);
            greatest[i] = most;
            if (bits) {
                const u32 word = (from + i) / 16, bit = (from + i) % 16;
                p = word < words && bits[lane * words + word] >> bit & 1 ? p * scale : 0.f;
                p2 = word < words && bits[(lane + 32) * words + word] >> bit & 1 ? p2 * scale : 0.f;
            }
            row[lane] = p;
            row[lane + 32] = p2;
            if (lane == 0) before[from + i] = correction;
        }
    }
};

// What both passes of backward read.
struct Inputs {
    const float *q, *k, *v, *stats, *delta, *dout;
    const u32* lengths;
    const Mask* mask;
};

// A tile of 48 queries and 64 keys of backward, and its places in shared memory.
struct Tiles {
    float *q, *dout, *k, *v, *ds, *p;
    u16* bits;

    __device__ Tiles(int row, bool keeps_p, const Mask* mask) {
        q = room;
        dout = q + QUERIES * row;
        k = dout + QUERIES * row;
        v = k + KEYS * row;
        ds = v + KEYS * row;
        p = keeps_p ? ds + QUERIES * SCORES : nullptr;
        bits = mask ? reinterpret_cast<u16*>(ds + (keeps_p ? 2 : 1) * QUERIES * SCORES) : nullptr;
    }

    // ds = p (dp - delta) and p, dropout included, for queries from `from` and keys from `first` on; the own part of the
    // head is the one that stays.
    __device__ __forceinline__ void make(const Dims& d, const At& at, const Inputs& in, int from, int first, bool anew) {
        const int keys = at.keys(d, in.lengths), count = min(QUERIES, d.tq - from), parts = gridDim.y;
        const Words words(d, at.h, from / QUERIES);
        float s[4][4] = {}, dp[4][4] = {};
        for (int i = 1; i <= parts; i++) {
            const Part part(d, (blockIdx.y + i) % parts);
            __syncthreads();
            if (anew || parts > 1) {
                part.load(q, in.q + at.head(d, d.tq, d.q_row, from), d.q_row, QUERIES, count);
                part.load(dout, in.dout + at.out(d, from), d.heads * d.head, QUERIES, count);
            }
            part.load(k, in.k + at.head(d, d.tk, d.k_row, first), d.k_row, KEYS, keys - first);
            part.load(v, in.v + at.head(d, d.tk, d.k_row, first), d.k_row, KEYS, keys - first);
            if (i == 1 && bits) mask_bits(*in.mask, at.b, words.first + first * words.words, KEYS * words.words, bits);
            __syncthreads();
            dot(s, q, k, part);
            dot(dp, dout, v, part);
        }
        const float scale = d.scale * LOG2_E, kept = bits ? in.mask->scale : 1.f;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const int line = threadIdx.x / 16 * 4 + i, word = line / 16;
            const bool there = line < count;
            const u64 stat = there ? at.stat(d, from + line) : 0;
            const float greatest = there ? in.stats[stat] : 0.f, inverse = there ? in.stats[stat + QUERIES] : 0.f;
            const float delta = there ? in.delta[at.delta(d, from + line)] : 0.f;
#pragma unroll
            for (int j = 0; j < 4; j++) {
                const int key = threadIdx.x % 16 + 16 * j;
                const bool keeps = there && (!bits || bits[key * words.words + word] >> line % 16 & 1);
                const float e = first + key < keys ? exp2f(s[i][j] * scale - greatest) * inverse : 0.f;
                const float factor = keeps ? kept : 0.f;
                ds[line * SCORES + key] = e * (factor * dp[i][j] - delta);
                if (p) p[line * SCORES + key] = e * factor;
            }
        }
        __syncthreads();
    }
};
