// C[m, n] = sum_k A[m, k] B[k, n], for kernels that say where A and B lie and what becomes of C.
//
// Geometry: a block makes 64 rows x WIDE columns (64 or 128) of C, a warp 32 x 32, so 128 or 256 threads. Both operands come
// through shared memory in tiles of DEPTH, two tiles each: while the warps multiply one, the next is on its way to
// registers, from where it is rounded, once, into the other; one barrier a tile. Reads have no bank conflicts, and F32 makes
// 32 fused multiply-adds a thread of three 16-byte reads. Results leave through the same shared memory, in whole rows.
//
// The networks' products are thin (n, k in 64..512 under m to 287k), and bound by memory: 64 rows a block are blocks enough
// for 132 SMs at 18k rows, and as columns are counted fastest, the n / WIDE blocks that read the same rows of A run side by
// side and find them in L2. 17 to 31 KiB of shared memory, and 93 to 128 registers (ptxas, sm_80 and sm_90; no stack, no
// spills), are 16 warps an SM: four blocks of 128 threads or two of 256, with 32 to 48 KiB of loads under way.
//
// An operand has ALONG_K, whether k is its contiguous axis, and quad(row, column), four values along that axis, zeros outside.
// An end takes (m, n, c): C from column n on, a multiple of four, of which some may be outside. One that ENDS_ROWS may change c,
// and is then given what the thread has of its row.

constexpr int TALL = 64;

// Four values in memory, in f32 or, as u16, in bf16: aligned, or of which `left` are inside.
__device__ __forceinline__ float4 load(const float* x) { return __ldg(reinterpret_cast<const float4*>(x)); }

__device__ __forceinline__ float4 load(const u16* x) {
    const uint2 both = __ldg(reinterpret_cast<const uint2*>(x));
    return make_float4(__uint_as_float(both.x << 16), __uint_as_float(both.x & 0xffff0000u), __uint_as_float(both.y << 16),
                       __uint_as_float(both.y & 0xffff0000u));
}

__device__ __forceinline__ float value(float x) { return x; }

__device__ __forceinline__ float value(u16 x) { return __uint_as_float(u32(x) << 16); }

template <class T> __device__ __forceinline__ float4 load(const T* x, int left) {
    return make_float4(value(x[0]), left > 1 ? value(x[1]) : 0.f, left > 2 ? value(x[2]) : 0.f, left > 3 ? value(x[3]) : 0.f);
}

__device__ __forceinline__ void store(float* to, float4 x, int left) {
    if (left >= 4 && (u64)to % 16 == 0) {
        *reinterpret_cast<float4*>(to) = x;
    } else {
        to[0] = x.x;
        if (left > 1) to[1] = x.y;
        if (left > 2) to[2] = x.z;
        if (left > 3) to[3] = x.w;
    }
}

__device__ __forceinline__ void store(u16* to, float4 x, int left) {
    const uint2 both = make_uint2(Bf16::pair(x.x, x.y), Bf16::pair(x.z, x.w));
    if (left >= 4 && (u64)to % 8 == 0) {
        *reinterpret_cast<uint2*>(to) = both;
    } else {
        to[0] = both.x;
        if (left > 1) to[1] = both.x >> 16;
        if (left > 2) to[2] = both.y;
        if (left > 3) to[3] = both.y >> 16;
    }
}

// A matrix [rows, columns], dense. Quads are read whole where every one is aligned, and inside or outside.
template <bool K, class T = float> struct Dense {
    static constexpr bool ALONG_K = K;
    const T* data;
    int rows, columns;
    bool whole;

    __device__ Dense(const T* data, int rows, int columns)
        : data(data), rows(rows), columns(columns), whole(columns % 4 == 0 && (u64)data % (4 * sizeof(T)) == 0) {}
    __device__ __forceinline__ float4 quad(int row, int column) const {
        if (row >= rows || column >= columns) return make_float4(0.f, 0.f, 0.f, 0.f);
        const T* x = data + (u64)row * columns + column;
        return whole ? load(x) : load(x, columns - column);
    }
};

// The end that stores C [rows, columns].
struct Store {
    float* data;
    int rows, columns;
    __device__ __forceinline__ void operator()(int m, int n, float4 c) const {
        if (m < rows && n < columns) store(data + (u64)m * columns + n, c, columns - n);
    }
};

// A warp's 32 x 32 results, and how the tiles they are made of lie in shared memory: here as in global memory, [X][DEPTH]
// along k and [DEPTH][X] else.
template <class P> struct Warp {
    typedef typename P::Element Element;
    static constexpr int DEPTH = sizeof(Element) == 2 ? 32 : 16;
    float v[2][4][4] = {};

    template <bool ALONG_K> static __device__ constexpr int lines(int x) { return ALONG_K ? x : DEPTH; }
    template <bool ALONG_K> static __device__ constexpr int row(int x) { return ALONG_K ? DEPTH + P::PAD : x + P::PAD_TURNED; }
    template <bool ALONG_K> static __device__ __forceinline__ void put(Element* tile, int line, int column, int row, float4 x) {
        P::put(tile + line * row + column, x);
    }

    // `i`, `j`: the warp's first row and column in the tiles.
    template <bool A_ALONG_K, bool B_ALONG_K>
    __device__ __forceinline__ void add(const Element* a, int i, int a_row, const Element* b, int j, int b_row) {
#pragma unroll
        for (int k = 0; k < DEPTH; k += 16) {
            typename P::A left[2];
            typename P::B right[2][2];
#pragma unroll
            for (int h = 0; h < 2; h++) {
                if constexpr (A_ALONG_K) left[h] = P::a(a + (i + 16 * h) * a_row + k, a_row);
                else left[h] = P::template a_turned<false>(a + k * a_row + i + 16 * h, a_row);
                if constexpr (B_ALONG_K) P::b_turned(right[h], b + (j + 16 * h) * b_row + k, b_row);
                else P::template b<false>(right[h], b + k * b_row + j + 16 * h, b_row);
            }
#pragma unroll
            for (int h = 0; h < 2; h++)
#pragma unroll
                for (int n = 0; n < 4; n++) P::mma(v[h][n], left[h], right[n / 2][n % 2]);
        }
    }

    // To `to`, rows apart by 8 more than a multiple of 32.
    __device__ __forceinline__ void write(float* to, int row) const {
        to += threadIdx.x % 32 / 4 * row + threadIdx.x % 4 * 2;
#pragma unroll
        for (int h = 0; h < 4; h++)
#pragma unroll
            for (int n = 0; n < 4; n++) {
                const float2 two = make_float2(v[h / 2][n][h % 2 * 2], v[h / 2][n][h % 2 * 2 + 1]);
                *reinterpret_cast<float2*>(to + 8 * h * row + 8 * n) = two;
            }
    }
};

struct F32 {};

// Whether arithmetic is to be as exact as f32 is.
template <class P> constexpr bool IS_EXACT = false;
template <> constexpr bool IS_EXACT<F32> = true;
constexpr bool EXACT = IS_EXACT<VARIANT>;

// The same in fused multiply-adds: every tile lies [DEPTH][X], so that a thread reads its 8 rows and 4 columns in quads.
template <> struct Warp<F32> {
    typedef float Element;
    static constexpr int DEPTH = 16;
    float v[8][4] = {};

    template <bool ALONG_K> static __device__ constexpr int lines(int) { return DEPTH; }
    template <bool ALONG_K> static __device__ constexpr int row(int x) { return x + 4; }
    template <bool ALONG_K> static __device__ __forceinline__ void put(float* tile, int line, int column, int row, float4 x) {
        if constexpr (ALONG_K) {
            tile += column * row + line;
            tile[0] = x.x;
            tile[row] = x.y;
            tile[2 * row] = x.z;
            tile[3 * row] = x.w;
        } else {
            *reinterpret_cast<float4*>(tile + line * row + column) = x;
        }
    }

    template <bool A_ALONG_K, bool B_ALONG_K>
    __device__ __forceinline__ void add(const float* a, int i, int a_row, const float* b, int j, int b_row) {
        a += i + threadIdx.x % 32 / 8 * 8;
        b += j + threadIdx.x % 8 * 4;
#pragma unroll 4
        for (int k = 0; k < DEPTH; k++, a += a_row, b += b_row) {
            const float4 low = *reinterpret_cast<const float4*>(a), high = *reinterpret_cast<const float4*>(a + 4);
            const float4 right = *reinterpret_cast<const float4*>(b);
            const float left[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
            for (int r = 0; r < 8; r++) {
                v[r][0] = fmaf(left[r], right.x, v[r][0]);
                v[r][1] = fmaf(left[r], right.y, v[r][1]);
                v[r][2] = fmaf(left[r], right.z, v[r][2]);
                v[r][3] = fmaf(left[r], right.w, v[r][3]);
            }
        }
    }

    __device__ __forceinline__ void write(float* to, int row) const {
        to += threadIdx.x % 32 / 8 * 8 * row + threadIdx.x % 8 * 4;
#pragma unroll
        for (int r = 0; r < 8; r++)
            *reinterpret_cast<float4*>(to + r * row) = make_float4(v[r][0], v[r][1], v[r][2], v[r][3]);
    }
};

// An operand's tile between global and shared memory.
template <class P, class Operand, int X, int THREADS> struct Tile {
    typedef typename Warp<P>::Element Element;
    static constexpr bool ALONG_K = Operand::ALONG_K;
    static constexpr int DEPTH = Warp<P>::DEPTH, ROW = Warp<P>::template row<ALONG_K>(X);
    static constexpr int SIZE = ROW * Warp<P>::template lines<ALONG_K>(X);
    static constexpr int QUADS = (ALONG_K ? DEPTH : X) / 4, STEP = THREADS / QUADS, COUNT = (ALONG_K ? X : DEPTH) / STEP;
    static_assert(COUNT > 0 && THREADS % QUADS == 0, "all quads of a thread are in one column");
    float4 held[COUNT];

    __device__ __forceinline__ void fetch(const Operand& from, int x, int k) {
        const int line = (ALONG_K ? x : k) + threadIdx.x / QUADS, column = (ALONG_K ? k : x) + threadIdx.x % QUADS * 4;
#pragma unroll
        for (int i = 0; i < COUNT; i++) held[i] = from.quad(line + i * STEP, column);
    }
    __device__ __forceinline__ void put(Element* tile) const {
#pragma unroll
        for (int i = 0; i < COUNT; i++)
            Warp<P>::template put<ALONG_K>(tile, threadIdx.x / QUADS + i * STEP, threadIdx.x % QUADS * 4, ROW, held[i]);
    }
};

__device__ constexpr int greater(int a, int b) { return a > b ? a : b; }

template <class End> constexpr bool ENDS_ROWS = false;

// Gives the block's results to `end`, 32 rows at a time: a thread has the quads 16 columns apart in 64 of a row, which are
// eighths of the same groups of dropout bits; WIDE / 16 threads side by side have a row.
template <class P, int WIDE, class End>
__device__ __forceinline__ void finish(const Warp<P>& sums, int i, int j, float* room, int m, int n, const End& end) {
    constexpr int ROW = WIDE + 8;
    const int line = threadIdx.x / (WIDE / 16), first = threadIdx.x % (WIDE / 16) / 4 * 64 + threadIdx.x % 4 * 4;
    for (int half = 0; half < TALL; half += 32) {
        __syncthreads();
        if (i == half) sums.write(room + j, ROW);
        __syncthreads();
        float* row = room + line * ROW;
#pragma unroll 1
        for (int column = first; column < first + 64; column += 16)
            end(m + half + line, n + column, *reinterpret_cast<float4*>(row + column));
        if constexpr (ENDS_ROWS<End>) end.template row<WIDE / 16>(m + half + line, row, first);
    }
}

// The block's part of C, from row m and column n on, summed over k in from..to; `from` and, unless it is the last, `to` are
// multiples of 32.
template <class P, int WIDE, class A, class B, class End>
__device__ __forceinline__ void product(const A& a, const B& b, int m, int n, int from, int to, const End& end) {
    typedef typename Warp<P>::Element Element;
    typedef Tile<P, A, TALL, 2 * WIDE> Left;
    typedef Tile<P, B, WIDE, 2 * WIDE> Right;
    constexpr int DEPTH = Warp<P>::DEPTH, SIZE = Left::SIZE + Right::SIZE;
    __shared__ __align__(16) char room[greater(2 * SIZE * sizeof(Element), 32 * (WIDE + 8) * sizeof(float))];
    Element* tiles = reinterpret_cast<Element*>(room);
    const int i = threadIdx.x / 32 / (WIDE / 32) * 32, j = threadIdx.x / 32 % (WIDE / 32) * 32;
    Left left;
    Right right;
    Warp<P> sums;
    for (int k = from; k < to + DEPTH; k += DEPTH) {
        Element *here = tiles + (k - from) / DEPTH % 2 * SIZE, *before = tiles + SIZE - (here - tiles);
        if (k < to) {
            left.fetch(a, m, k);
            right.fetch(b, n, k);
        }
        if (k > from)
            sums.template add<A::ALONG_K, B::ALONG_K>(before, i, Left::ROW, before + Left::SIZE, j, Right::ROW);
        if (k < to) {
            left.put(here);
            right.put(here + Left::SIZE);
            __syncthreads();
        }
    }
    finish<P, WIDE>(sums, i, j, reinterpret_cast<float*>(room), m, n, end);
}

// The first row and column of a block's part of a result of so many columns, columns counted fastest.
template <int WIDE> __device__ __forceinline__ int2 corner(int columns) {
    const u32 across = (columns + WIDE - 1) / WIDE;
    return make_int2(blockIdx.x / across * TALL, blockIdx.x % across * WIDE);
}
