// Attention on tensor cores, for heads of at most 16, 32 or 64 channels: a warp has 16 queries, or in backward_kv 16 keys,
// and a block up to five warps of the same head. Where a head is one tile, a block has every head of its sample: as many as
// there is room for are read before the warps, without waiting for each other, go from one to the next.
//
// Rows come in f32 and are rounded once, on the way to shared memory; what is missing is zeros. Scores stay in registers as
// mma leaves them, softmax needs shuffles among four lanes only, and the probabilities are at once a fragment of the next
// product (PAIRED, mma.cuh). No tile of scores is ever in memory.
//
// forward       tiles of 80 keys under a running maximum and sum.
// forward_whole one tile, as the networks' 70 keys are.
// backward_q    per 16 x 16 scores: p again from stats, ds, dq += ds k.
// backward_kv   the same on the other side, with scores as [key, query]: dv += p dout, dk += ds q.
// backward      both, of one tile: each row is read once, by one launch.
// Every sum has one order and one owner; nothing is added atomically.
//
// Heads of 16 and 32 channels take at most 128 registers a thread, three blocks an SM; heads of 64 at most 168, two blocks.
// Shared memory of a head in bf16, for 16, 32 and 64 channels: forward 13, 20 and 35 KiB, backward of 70 positions 17, 27 and
// 47 KiB; in tf32 less than twice that.
//
// On an H200, 4 heads of 16 channels, 70 positions and 4096 samples: forward reads and writes 294 MB, 68 us, and backward 587
// MB, 137 us. Products are 7 and 23 GFLOP (of 80 positions), 9 and 30 us of tensor cores; what is done to each of 105 million
// scores, some 13 instructions forward and 30 backward, takes 50 and 110 us of issue slots. So both are bound by memory while
// the other work hides behind it. Long sequences are bound by issue slots, and by loads that nothing overlaps but another
// block's work.

// Rows of a block, and of a tile that it goes over. With 80, the networks' 70 are one of five full warps, and three such
// blocks leave each thread 128 registers.
constexpr int LINES = 80;
// So many rows in warps of 16.
__device__ __forceinline__ int whole_warps(int rows) { return (rows + 15) / 16 * 16; }

__device__ __forceinline__ float power_of_two(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

template <class P, int HEAD> struct Head {
    typedef typename P::Element Element;
    typedef typename P::A A;
    typedef typename P::B B;
    static constexpr int ROW = HEAD + P::PAD, DEEP = HEAD / 16, ACROSS = HEAD / 8;

    // `lines` rows of each of N heads to shared memory, times its factor; `count` rows of `head` values are there. The loads
    // of several rows wait for memory together.
    template <int N>
    static __device__ __forceinline__ void load(Element* const (&to)[N], const float* const (&x)[N], const float (&factors)[N],
                                                int stride, int lines, int count, int head) {
        constexpr int BATCH = HEAD / 8 < 4 ? HEAD / 8 : 4;
        bool whole = head % 4 == 0 && stride % 4 == 0;
#pragma unroll
        for (int n = 0; n < N; n++) whole &= (u64)x[n] % 16 == 0;
#pragma unroll 1
        for (int first = threadIdx.x; first < lines * (HEAD / 4); first += BATCH * blockDim.x) {
            float4 held[BATCH][N];
#pragma unroll
            for (int i = 0; i < BATCH; i++) {
                const int at = first + i * blockDim.x, line = at / (HEAD / 4), c = at % (HEAD / 4) * 4;
#pragma unroll
                for (int n = 0; n < N; n++)
                    held[i][n] = quad(x[n] + (u64)line * stride + c, line < count ? head - c : 0, whole);
            }
#pragma unroll
            for (int i = 0; i < BATCH; i++) {
                const int at = first + i * blockDim.x, line = at / (HEAD / 4), c = at % (HEAD / 4) * 4;
                if (line >= lines) break;
#pragma unroll
                for (int n = 0; n < N; n++) {
                    const float4 v = held[i][n];
                    const float f = factors[n];
                    P::put(to[n] + line * ROW + c, make_float4(v.x * f, v.y * f, v.z * f, v.w * f));
                }
            }
        }
    }
    static __device__ __forceinline__ float4 quad(const float* x, int left, bool whole) {
        if (left <= 0) return make_float4(0.f, 0.f, 0.f, 0.f);
        if (whole) return __ldg(reinterpret_cast<const float4*>(x));
        return make_float4(x[0], left > 1 ? x[1] : 0.f, left > 2 ? x[2] : 0.f, left > 3 ? x[3] : 0.f);
    }

    // 16 rows, as the left side of many products: in registers where these have room, or else read anew for each.
    struct Left {
        static constexpr bool HOLDS = DEEP * sizeof(A) <= (HEAD < 64 ? 16 : 64);
        A a[DEEP];
        const Element* tile;

        __device__ __forceinline__ Left(const Element* tile) : tile(tile) {
            if (HOLDS) read();
        }
        __device__ __forceinline__ void read() {
#pragma unroll
            for (int k = 0; k < DEEP; k++) a[k] = P::a(tile + 16 * k, ROW);
        }
    };
    // scores += left . right, of 16 rows each.
    static __device__ __forceinline__ void dot(float (&s)[2][4], Left& left, const Element* right) {
        if (!Left::HOLDS) left.read();
#pragma unroll
        for (int k = 0; k < DEEP; k++) {
            B b[2];
            P::b_turned(b, right + 16 * k, ROW);
            P::mma(s[0], left.a[k], b[0]);
            P::mma(s[1], left.a[k], b[1]);
        }
    }
    // sums += scores x, of 16 rows.
    static __device__ __forceinline__ void add(float (&sums)[ACROSS][4], const float (&s)[2][4], const Element* x) {
        const A left = P::of_scores(s[0], s[1]);
#pragma unroll
        for (int n = 0; n < HEAD / 16; n++) {
            B b[2];
            P::template b<true>(b, x + 16 * n, ROW);
            P::mma(sums[2 * n], left, b[0]);
            P::mma(sums[2 * n + 1], left, b[1]);
        }
    }
    // 16 rows times `low` and, the second eight, `high`; of `to`, `count` rows of `head` values are there.
    static __device__ __forceinline__ void write(float* to, int stride, int count, int head, const float (&sums)[ACROSS][4],
                                                 float low, float high) {
        const int g = threadIdx.x % WARP / 4, t = threadIdx.x % 4;
#pragma unroll
        for (int r = 0; r < 2; r++) {
            float* line = to + (u64)(g + 8 * r) * stride + 2 * t;
            const float factor = r == 0 ? low : high;
            const bool whole = (u64)line % 8 == 0;
            if (g + 8 * r >= count) continue;
#pragma unroll
            for (int n = 0; n < ACROSS; n++) {
                const float x = sums[n][2 * r] * factor, y = sums[n][2 * r + 1] * factor;
                const int left = head - 8 * n - 2 * t;
                if (whole && left > 1) {
                    *reinterpret_cast<float2*>(line + 8 * n) = make_float2(x, y);
                } else {
                    if (left > 0) line[8 * n] = x;
                    if (left > 1) line[8 * n + 1] = y;
                }
            }
        }
    }
};

// Dropout's bits of a tile: for each block of 48 queries that it meets, three words for each of `keys` keys.
struct Bits {
    u16* bits;
    bool drops;
    int keys, block;
    float scale;

    // Bytes for those of so many keys: a block may meet three of 48 queries.
    static __device__ __forceinline__ int room(int keys) { return 3 * 3 * keys * sizeof(u16); }

    // Queries from `from` on.
    __device__ Bits(void* room, const Mask* mask, int keys, int from)
        : bits(static_cast<u16*>(room)), drops(mask), keys(keys), block(from / QUERIES), scale(mask ? mask->scale : 1.f) {}

    // Queries up to `to`, keys from `first` on.
    __device__ __forceinline__ void make(const Dims& d, const At& at, const Mask* mask, int to, int first) const {
        if (!drops) return;
        for (int i = 0; (block + i) * QUERIES < min(to, d.tq); i++) {
            const Words words(d, at.h, block + i);
            mask_bits(*mask, at.b, words.first + first * words.words, keys * words.words, bits + i * 3 * keys);
        }
    }
};

// Those of 16 queries, from `from` on.
struct Factors {
    const u16* words;
    bool drops;
    u32 step;
    float scale;

    __device__ Factors(const Dims& d, const At& at, const Bits& bits, int from)
        : words(bits.bits + (from / QUERIES - bits.block) * 3 * bits.keys + from / 16 % 3), drops(bits.drops),
          step(Words(d, at.h, from / QUERIES).words), scale(bits.scale) {}
    // What the probability of a key is multiplied by.
    __device__ __forceinline__ float of(int query, int key) const {
        return !drops || words[key * step] >> query & 1 ? scale : 0.f;
    }
};

// The warp's 16 queries on their way over the keys: sums of values, and softmax's greatest score and sum so far.
template <class P, int HEAD> struct Forward {
    typedef Head<P, HEAD> H;
    typedef typename P::Element Element;
    static constexpr int CHUNKS = LINES / 16;
    typename H::Left q;
    float s[CHUNKS][2][4], sums[H::ACROSS][4] = {}, greatest[2] = {LOWEST, LOWEST}, sum[2] = {};

    __device__ __forceinline__ Forward(const Element* tile_q) : q(tile_q) {}

    // Adds a tile, of which `keys` are there.
    __device__ __forceinline__ void add(const Element* k, const Element* v, const Factors& factors, int keys) {
        score(k, keys);
        rescale();
        const int g = threadIdx.x % WARP / 4, t = threadIdx.x % 4;
#pragma unroll
        for (int c = 0; c < CHUNKS; c++) {
            if (16 * c >= keys) continue;
#pragma unroll
            for (int i = 0; i < 8; i++) {
                const int r = i / 2 % 2;
                const float p = power_of_two(s[c][i / 4][i % 4] - greatest[r]);
                sum[r] += p;
                s[c][i / 4][i % 4] = p * factors.of(g + 8 * r, 16 * c + i / 4 * 8 + 2 * t + i % 2);
            }
            H::add(sums, s[c], v + 16 * c * H::ROW);
        }
    }
    __device__ __forceinline__ void score(const Element* k, int keys) {
        const int left = keys - threadIdx.x % 4 * 2;
#pragma unroll
        for (int c = 0; c < CHUNKS; c++) {
#pragma unroll
            for (int i = 0; i < 8; i++) s[c][i / 4][i % 4] = 0.f;
            if (16 * c < keys) H::dot(s[c], q, k + 16 * c * H::ROW);
#pragma unroll
            for (int i = 0; i < 8; i++)
                if (16 * c + i / 4 * 8 + i % 2 >= left) s[c][i / 4][i % 4] = LOWEST;
        }
    }
    // What came before, under the greatest score there is now.
    __device__ __forceinline__ void rescale() {
#pragma unroll
        for (int r = 0; r < 2; r++) {
            float most = greatest[r];
#pragma unroll
            for (int c = 0; c < CHUNKS; c++)
#pragma unroll
                for (int n = 0; n < 2; n++) most = fmaxf(most, fmaxf(s[c][n][2 * r], s[c][n][2 * r + 1]));
            most = fmaxf(most, __shfl_xor_sync(EVERY_LANE, most, 1));
            most = fmaxf(most, __shfl_xor_sync(EVERY_LANE, most, 2));
            const float correction = power_of_two(greatest[r] - most);
            greatest[r] = most;
            sum[r] *= correction;
#pragma unroll
            for (int n = 0; n < H::ACROSS; n++) sums[n][2 * r] *= correction, sums[n][2 * r + 1] *= correction;
        }
    }
    // Query `own` is the first.
    __device__ __forceinline__ void write(const Dims& d, const At& at, int own, float* out, float* stats) {
#pragma unroll
        for (int r = 0; r < 2; r++) {
            sum[r] += __shfl_xor_sync(EVERY_LANE, sum[r], 1);
            sum[r] += __shfl_xor_sync(EVERY_LANE, sum[r], 2);
            sum[r] = 1.f / sum[r];
            const int query = own + threadIdx.x % WARP / 4 + 8 * r;
            if (threadIdx.x % 4 == 0 && query < d.tq) {
                stats[at.stat(d, query)] = greatest[r];
                stats[at.stat(d, query) + QUERIES] = sum[r];
            }
        }
        H::write(out + at.out(d, own), d.heads * d.head, d.tq - own, d.head, sums, sum[0], sum[1]);
    }
};

// Goes over the heads of the block's sample, by groups: `read` brings a head to its room, then `work` is done on each.
template <class Read, class Work> __device__ __forceinline__ void every_head(const Dims& d, Read read, Work work) {
    At at;
    for (int first = 0; first < d.heads; first += d.group) {
        const int end = min(first + d.group, d.heads);
        if (first > 0) __syncthreads();
#pragma unroll 1
        for (at.h = first; at.h < end; at.h++) read(at, at.h - first);
        __syncthreads();
#pragma unroll 1
        for (at.h = first; at.h < end; at.h++) work(at, at.h - first);
    }
}

template <class P, int HEAD>
__device__ __forceinline__ void forward(const Dims& d, const float* q, const float* k, const float* v, const u32* lengths,
                                        const Mask* mask, float* out, float* stats) {
    typedef Head<P, HEAD> H;
    const At at(d, (d.tq + LINES - 1) / LINES);
    const int keys = at.keys(d, lengths), lines = blockDim.x / WARP * 16, line = threadIdx.x / WARP * 16;
    const int from = at.tile * LINES, own = from + line;
    typename P::Element *tile_q = reinterpret_cast<typename P::Element*>(room), *tile_k = tile_q + lines * H::ROW;
    typename P::Element* tile_v = tile_k + LINES * H::ROW;
    const Bits bits(tile_v + LINES * H::ROW, mask, LINES, from);
    const Factors factors(d, at, bits, own);
    const u64 first_q = at.head(d, d.tq, d.q_row, from);
    H::template load<1>({tile_q}, {q + first_q}, {d.scale * LOG2_E}, d.q_row, lines, d.tq - from, d.head);
    // Where they are not held, queries are read after the barrier that the first keys need.
    if constexpr (H::Left::HOLDS) __syncthreads();
    Forward<P, HEAD> sums(tile_q + line * H::ROW);
    for (int first = 0; first < keys; first += LINES) {
        if (first > 0) __syncthreads();
        const u64 there = at.head(d, d.tk, d.k_row, first);
        H::template load<2>({tile_k, tile_v}, {k + there, v + there}, {1.f, 1.f}, d.k_row, LINES, keys - first, d.head);
        bits.make(d, at, mask, from + lines, first);
        __syncthreads();
        if (own < d.tq) sums.add(tile_k, tile_v, factors, keys - first);
    }
    if (own < d.tq) sums.write(d, at, own, out, stats);
}

template <class P, int HEAD>
__device__ __forceinline__ void forward_whole(const Dims& d, const float* q, const float* k, const float* v,
                                              const u32* lengths, const Mask* mask, float* out, float* stats) {
    typedef Head<P, HEAD> H;
    typedef typename P::Element Element;
    const int keys = At().keys(d, lengths), queries = whole_warps(d.tq), lines = whole_warps(d.tk);
    const int own = threadIdx.x / WARP * 16, rows = (queries + 2 * lines) * H::ROW;
    const auto tile = [&](int head) {
        return reinterpret_cast<Element*>(reinterpret_cast<char*>(room) + head * (rows * sizeof(Element) + Bits::room(lines)));
    };
    every_head(
        d,
        [&](const At& at, int head) {
            Element *tile_q = tile(head), *tile_k = tile_q + queries * H::ROW, *tile_v = tile_k + lines * H::ROW;
            const u64 there = at.head(d, d.tk, d.k_row, 0);
            H::template load<1>({tile_q}, {q + at.head(d, d.tq, d.q_row, 0)}, {d.scale * LOG2_E}, d.q_row, queries, d.tq,
                                d.head);
            H::template load<2>({tile_k, tile_v}, {k + there, v + there}, {1.f, 1.f}, d.k_row, lines, keys, d.head);
            Bits(tile_q + rows, mask, lines, 0).make(d, at, mask, d.tq, 0);
        },
        [&](const At& at, int head) {
            Element *tile_q = tile(head), *tile_k = tile_q + queries * H::ROW, *tile_v = tile_k + lines * H::ROW;
            Forward<P, HEAD> sums(tile_q + own * H::ROW);
            sums.add(tile_k, tile_v, Factors(d, at, Bits(tile_q + rows, mask, lines, 0), own), keys);
            sums.write(d, at, own, out, stats);
        });
}
