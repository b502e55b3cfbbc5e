// What the kernels of attention share: where heads lie, the statistics of softmax, dropout's bits.
//
// q [B, Tq, C], k, v [B, Tk, C], or all three side by side in [B, T, 3 C]: `q_row` and `k_row` are the values from a position
// to the next, of their gradients too. out, dout [B, Tq, C]. Head h has channels h * head.. of each. `lengths` [B] are the
// keys that are read, all where it is null; `mask` drops probabilities, none where it is null.
//
// stats [B, blocks, heads, 2, 48], blocks of 48 queries: of each query the greatest score, then the inverse of the sum of
// exponentials, in powers of two (scores carry log2 e / sqrt head). delta [B, heads, Tq] is out . dout.

constexpr int QUERIES = 48;

struct Dims {
    int batch, heads, tq, tk, head;
    int q_row, k_row;
    // 1 / sqrt head
    float scale;
    // Heads that are in shared memory at once, where a block has all of a sample.
    int group;
};

// One head of one sample, and one tile of it.
struct At {
    int b, h, tile;
    // Blocks count tiles first, then heads, then samples.
    __device__ At(const Dims& d, int tiles)
        : b(blockIdx.x / tiles / d.heads), h(blockIdx.x / tiles % d.heads), tile(blockIdx.x % tiles) {}
    // A block has a sample, whole.
    __device__ At() : b(blockIdx.x), h(0), tile(0) {}

    __device__ __forceinline__ int keys(const Dims& d, const u32* lengths) const { return lengths ? int(lengths[b]) : d.tk; }
    // Where position `t` begins in a tensor of so many positions and values from one to the next.
    __device__ __forceinline__ u64 head(const Dims& d, int time, int row, int t) const {
        return ((u64)b * time + t) * row + h * d.head;
    }
    __device__ __forceinline__ u64 out(const Dims& d, int t) const { return head(d, d.tq, d.heads * d.head, t); }
    // The greatest score of query `t`; the inverse of the sum is QUERIES further.
    __device__ __forceinline__ u64 stat(const Dims& d, int t) const {
        const int blocks = (d.tq + QUERIES - 1) / QUERIES;
        return (((u64)b * blocks + t / QUERIES) * d.heads + h) * 2 * QUERIES + t % QUERIES;
    }
    __device__ __forceinline__ u64 delta(const Dims& d, int t) const { return ((u64)b * d.heads + h) * d.tq + t; }
};

// The dropout bits of a head's block of queries: key j has `words` words of 16 queries, from word first + j * words on.
struct Words {
    u32 first, words;
    __device__ Words(const Dims& d, int h, int block) {
        const u32 queries = (d.tq + 15) / 16 * 16, from = block * QUERIES;
        first = (h * queries + from) / 16 * d.tk;
        words = min(u32(QUERIES), queries - from) / 16;
    }
};

// Bit i of bits[w]: whether element 16 (first + w) + i of a sample is kept. Half a warp makes eight words of the generator's
// counters, a bit of each from a lane. For whole warps.
__device__ __forceinline__ void mask_bits(const Mask& mask, u32 sample, u32 first, u32 count, u16* bits) {
    const u32 lane = threadIdx.x % WARP, step = blockDim.x / WARP * 2;
    for (u32 group = first / 8 + threadIdx.x / WARP * 2; group * 8 < first + count; group += step) {
        const uint4 random = mask_words(mask, sample, group + lane / 16, lane % 16);
        u32 mine = 0;
#pragma unroll
        for (u32 w = 0; w < 8; ++w) {
            const u32 kept = __ballot_sync(EVERY_LANE, !dropped(mask, random, w));
            if (lane % 8 == w) mine = kept >> lane / 8 * 16;
        }
        const u32 at = group * 8 + lane - first;
        if (lane < 16 && at < count) bits[at] = mine;
    }
}

// A block's tiles, in shared memory.
extern __shared__ __align__(16) float room[];
