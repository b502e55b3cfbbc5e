// Backward of attention on tensor cores; with attention_mma.cuh, which says how.

// What backward reads, where its results go.
struct Backward {
    const float *q, *k, *v, *out, *stats, *dout;
    const u32* lengths;
    const Mask* mask;
    float *dq, *dk, *dv;
};

// Rows of one head in shared memory: of queries, with what is known of each, and of keys.
template <class P, int HEAD> struct Rows {
    typedef Head<P, HEAD> H;
    typedef typename P::Element Element;
    static constexpr int ROW = H::ROW;
    Element *q, *dout, *k, *v;
    float *greatest, *inverse, *delta;
    void* rest;

    // Behind those of `head` others.
    __device__ Rows(int queries, int keys, int head = 0) {
        const int bytes = 2 * (queries + keys) * ROW * sizeof(Element) + 3 * queries * sizeof(float) + Bits::room(keys);
        q = reinterpret_cast<Element*>(reinterpret_cast<char*>(room) + head * bytes);
        dout = q + queries * ROW;
        k = dout + queries * ROW;
        v = k + keys * ROW;
        greatest = reinterpret_cast<float*>(v + keys * ROW);
        inverse = greatest + queries;
        delta = inverse + queries;
        rest = delta + queries;
    }

    // `lines` keys from `first` on, of which those before `keys` are there.
    __device__ __forceinline__ void load_keys(const Dims& d, const At& at, const Backward& in, int first, int lines, int keys) {
        const u64 there = at.head(d, d.tk, d.k_row, first);
        H::template load<2>({k, v}, {in.k + there, in.v + there}, {1.f, 1.f}, d.k_row, lines, keys - first, d.head);
    }
    // `lines` queries from `from` on. delta = out . dout, by as many lanes as a row has quads; zeros where there is no query,
    // so that its probabilities are.
    __device__ __forceinline__ void load_queries(const Dims& d, const At& at, const Backward& in, int from, int lines) {
        const int count = d.tq - from, stride = d.heads * d.head;
        const float *out = in.out + at.out(d, from), *dout = in.dout + at.out(d, from);
        const bool whole = d.head % 4 == 0 && ((u64)out | (u64)dout) % 16 == 0;
        const u64 first_q = at.head(d, d.tq, d.q_row, from);
        H::template load<1>({q}, {in.q + first_q}, {d.scale * LOG2_E}, d.q_row, lines, count, d.head);
        for (int i = threadIdx.x; i < lines * (HEAD / 4); i += blockDim.x) {
            const int line = i / (HEAD / 4), c = i % (HEAD / 4) * 4, left = line < count ? d.head - c : 0;
            const float4 x = H::quad(out + (u64)line * stride + c, left, whole);
            const float4 y = H::quad(dout + (u64)line * stride + c, left, whole);
            P::put(this->dout + line * ROW + c, y);
            float sum = fmaf(x.x, y.x, fmaf(x.y, y.y, fmaf(x.z, y.z, x.w * y.w)));
#pragma unroll
            for (int apart = HEAD / 8; apart > 0; apart /= 2) sum += __shfl_xor_sync(EVERY_LANE, sum, apart);
            if (c > 0) continue;
            const bool there = line < count;
            const u64 stat = there ? at.stat(d, from + line) : 0;
            greatest[line] = there ? in.stats[stat] : 0.f;
            inverse[line] = there ? in.stats[stat + QUERIES] : 0.f;
            delta[line] = sum;
        }
    }
};

// dq of the warp's 16 queries.
template <class P, int HEAD> struct QuerySide {
    typedef Head<P, HEAD> H;
    float dq[H::ACROSS][4] = {};
    typename H::Left q, dout;
    float greatest[2], inverse[2], delta[2];

    // Queries `line`.. of the block's.
    __device__ __forceinline__ QuerySide(const Rows<P, HEAD>& rows, int line)
        : q(rows.q + line * H::ROW), dout(rows.dout + line * H::ROW) {
#pragma unroll
        for (int r = 0; r < 2; r++) {
            const int own = line + threadIdx.x % WARP / 4 + 8 * r;
            greatest[r] = rows.greatest[own];
            inverse[r] = rows.inverse[own];
            delta[r] = rows.delta[own];
        }
    }
    // += over 16 keys, `key`.. of the block's, of which `left` are there.
    __device__ __forceinline__ void add(const Rows<P, HEAD>& rows, const Factors& factors, int key, int left) {
        const int g = threadIdx.x % WARP / 4, t = threadIdx.x % 4;
        float s[2][4] = {}, dp[2][4] = {};
        H::dot(s, q, rows.k + key * H::ROW);
        H::dot(dp, dout, rows.v + key * H::ROW);
#pragma unroll
        for (int i = 0; i < 8; i++) {
            const int r = i / 2 % 2, j = i / 4 * 8 + 2 * t + i % 2;
            float& ds = s[i / 4][i % 4];
            const float p = j < left ? power_of_two(ds - greatest[r]) * inverse[r] : 0.f;
            ds = p * (factors.of(g + 8 * r, key + j) * dp[i / 4][i % 4] - delta[r]);
        }
        H::add(dq, s, rows.k + key * H::ROW);
    }
};

// dk and dv of the warp's 16 keys.
template <class P, int HEAD> struct KeySide {
    typedef Head<P, HEAD> H;
    float dk[H::ACROSS][4] = {}, dv[H::ACROSS][4] = {};
    typename H::Left k, v;
    int key, left;

    // Keys `key`.. of the block's, of which `left` are there.
    __device__ __forceinline__ KeySide(const Rows<P, HEAD>& rows, int key, int left)
        : k(rows.k + key * H::ROW), v(rows.v + key * H::ROW), key(key), left(left) {}

    // += over 16 queries, `line`.. of the block's.
    __device__ __forceinline__ void add(const Rows<P, HEAD>& rows, const Factors& factors, int line) {
        const int g = threadIdx.x % WARP / 4, t = threadIdx.x % 4;
        float s[2][4] = {}, dp[2][4] = {};
        H::dot(s, k, rows.q + line * H::ROW);
        H::dot(dp, v, rows.dout + line * H::ROW);
#pragma unroll
        for (int i = 0; i < 8; i++) {
            const int own = g + i / 2 % 2 * 8, query = i / 4 * 8 + 2 * t + i % 2;
            float &p = s[i / 4][i % 4], &ds = dp[i / 4][i % 4];
            const float all = own < left ? power_of_two(p - rows.greatest[line + query]) * rows.inverse[line + query] : 0.f;
            const float factor = factors.of(query, key + own);
            ds = all * (factor * ds - rows.delta[line + query]);
            p = all * factor;
        }
        H::add(dv, s, rows.dout + line * H::ROW);
        H::add(dk, dp, rows.q + line * H::ROW);
    }
    // From position `first` on; rows of q carry log2 e / sqrt head.
    __device__ __forceinline__ void write(const Dims& d, const At& at, const Backward& in, int first) const {
        const u64 to = at.head(d, d.tk, d.k_row, first);
        H::write(in.dk + to, d.k_row, d.tk - first, d.head, dk, LN_2, LN_2);
        H::write(in.dv + to, d.k_row, d.tk - first, d.head, dv, 1.f, 1.f);
    }
};

// A block has so many queries as it has warps' rows, and goes over all keys.
template <class P, int HEAD> __device__ __forceinline__ void backward_q(const Dims& d, const Backward& in) {
    const At at(d, (d.tq + LINES - 1) / LINES);
    const int keys = at.keys(d, in.lengths), from = at.tile * LINES, line = threadIdx.x / WARP * 16;
    Rows<P, HEAD> rows(LINES, LINES);
    const Bits bits(rows.rest, in.mask, LINES, from);
    const Factors factors(d, at, bits, from + line);
    rows.load_queries(d, at, in, from, LINES);
    __syncthreads();
    QuerySide<P, HEAD> own(rows, line);
    for (int first = 0; first < keys; first += LINES) {
        if (first > 0) __syncthreads();
        rows.load_keys(d, at, in, first, LINES, keys);
        bits.make(d, at, in.mask, from + LINES, first);
        __syncthreads();
        for (int key = 0; key < min(LINES, keys - first) && from + line < d.tq; key += 16)
            own.add(rows, factors, key, keys - first - key);
    }
    if (from + line < d.tq)
        Head<P, HEAD>::write(in.dq + at.head(d, d.tq, d.q_row, from + line), d.q_row, d.tq - from - line, d.head, own.dq,
                             d.scale, d.scale);
}

// A block has as many keys, and goes over all queries.
template <class P, int HEAD> __device__ __forceinline__ void backward_kv(const Dims& d, const Backward& in) {
    const At at(d, (d.tk + LINES - 1) / LINES);
    const int keys = at.keys(d, in.lengths), first = at.tile * LINES, key = threadIdx.x / WARP * 16;
    Rows<P, HEAD> rows(LINES, LINES);
    rows.load_keys(d, at, in, first, LINES, keys);
    // Where they are not held, keys are read after the barrier that the first queries need.
    if constexpr (Head<P, HEAD>::Left::HOLDS) __syncthreads();
    KeySide<P, HEAD> own(rows, key, keys - first - key);
    for (int from = 0; from < d.tq && first < keys; from += LINES) {
        const Bits bits(rows.rest, in.mask, LINES, from);
        if (from > 0) __syncthreads();
        rows.load_queries(d, at, in, from, LINES);
        bits.make(d, at, in.mask, from + LINES, first);
        __syncthreads();
        for (int line = 0; line < min(LINES, d.tq - from) && first + key < keys; line += 16)
            own.add(rows, Factors(d, at, bits, from + line), line);
    }
    if (first + key < d.tk) own.write(d, at, in, first + key);
}

// A block has all heads of a sample.
template <class P, int HEAD> __device__ __forceinline__ void backward(const Dims& d, const Backward& in) {
    const int keys = At().keys(d, in.lengths), queries = whole_warps(d.tq), lines = whole_warps(d.tk);
    const int own = threadIdx.x / WARP * 16;
    every_head(
        d,
        [&](const At& at, int head) {
            Rows<P, HEAD> rows(queries, lines, head);
            rows.load_queries(d, at, in, 0, queries);
            rows.load_keys(d, at, in, 0, lines, keys);
            Bits(rows.rest, in.mask, lines, 0).make(d, at, in.mask, d.tq, 0);
        },
        [&](const At& at, int head) {
            const Rows<P, HEAD> rows(queries, lines, head);
            const Bits bits(rows.rest, in.mask, lines, 0);
            if (own < d.tq) {
                QuerySide<P, HEAD> side(rows, own);
                const Factors factors(d, at, bits, own);
                for (int key = 0; key < keys; key += 16) side.add(rows, factors, key, keys - key);
                Head<P, HEAD>::write(in.dq + at.head(d, d.tq, d.q_row, own), d.q_row, d.tq - own, d.head, side.dq, d.scale,
                                     d.scale);
            }
            if (own < d.tk) {
                KeySide<P, HEAD> side(rows, own, keys - own);
                for (int line = 0; line < d.tq && own < keys; line += 16) side.add(rows, Factors(d, at, bits, line), line);
                side.write(d, at, in, own);
            }
        });
}
