// Products of a warp's tiles in shared memory, in three precisions behind the same names: F32 in fused multiply-adds,
// Tf32 and Bf16 on tensor cores by mma.sync, all with sums in f32.
//
// A precision has its Element in shared memory (rounded on the way there, once), the fragments A (16 rows m, 16 deep) and
// B (8 columns n, 16 deep) of a warp, and mma(d, a, b), which adds the product of two fragments to d: thread (g, t) =
// (lane / 4, lane % 4) has d[0], d[1] at (g, 2t), (g, 2t + 1) and d[2], d[3] eight rows below.
//
// A tile lies in shared memory as its operand in global memory: A as [m][k], or turned as [k][m]; B as [k][n], or turned
// as [n][k]. The PAD of its rows keeps the eight rows or columns that are read together in different banks.
//
// Depth has no order of its own. In a PAIRED product both operands count it so that scores, as mma leaves them, are
// fragments as they stand: of 8 deep, element t is depth 2t and element t + 4 depth 2t + 1. Bf16 needs no pairing.

__device__ __forceinline__ unsigned shared_address(const void *p) { return (unsigned)__cvta_generic_to_shared(p); }

// Four 8 x 8 matrices of 16-bit elements (or 8 x 4 of 32-bit ones); lane l has the address of row l % 8 of matrix l / 8.
__device__ __forceinline__ void load_matrices(unsigned &a, unsigned &b, unsigned &c, unsigned &d, const void *row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(a), "=r"(b), "=r"(c), "=r"(d)
                 : "r"(shared_address(row)));
}

// The same, each matrix transposed.
__device__ __forceinline__ void load_turned(unsigned &a, unsigned &b, unsigned &c, unsigned &d, const void *row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(a), "=r"(b), "=r"(c), "=r"(d)
                 : "r"(shared_address(row)));
}

struct Bf16 {
    typedef unsigned short Element;
    static constexpr int PAD = 8, PAD_TURNED = 8;  // an odd number of 16-byte pieces a row
    struct A {
        unsigned r[4];
    };
    struct B {
        unsigned r[2];
    };

    static __device__ __forceinline__ unsigned pair(float low, float high) {
        unsigned both;
        asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
        return both;
    }
    static __device__ __forceinline__ void put(Element *to, float4 x) {
        *reinterpret_cast<uint2 *>(to) = make_uint2(pair(x.x, x.y), pair(x.z, x.w));
    }
    static __device__ __forceinline__ void put(Element *to, float x, float y) {
        *reinterpret_cast<unsigned *>(to) = pair(x, y);
    }

    static __device__ __forceinline__ A a(const Element *s, int row) {
        A a;
        const int lane = threadIdx.x % 32;
        load_matrices(a.r[0], a.r[1], a.r[2], a.r[3], s + lane % 16 * row + lane / 16 * 8);
        return a;
    }
    template <bool PAIRED> static __device__ __forceinline__ A a_turned(const Element *s, int row) {
        A a;
        const int lane = threadIdx.x % 32;
        load_turned(a.r[0], a.r[1], a.r[2], a.r[3], s + (lane % 8 + lane / 16 * 8) * row + lane / 8 % 2 * 8);
        return a;
    }
    // Two fragments: columns 0..8 and 8..16.
    template <bool PAIRED> static __device__ __forceinline__ void b(B (&b)[2], const Element *s, int row) {
        const int lane = threadIdx.x % 32;
        load_turned(b[0].r[0], b[0].r[1], b[1].r[0], b[1].r[1], s + lane % 16 * row + lane / 16 * 8);
    }
    static __device__ __forceinline__ void b_turned(B (&b)[2], const Element *s, int row) {
        const int lane = threadIdx.x % 32;
        load_matrices(b[0].r[0], b[0].r[1], b[1].r[0], b[1].r[1],
                      s + (lane % 8 + lane / 16 * 8) * row + lane / 8 % 2 * 8);
    }
    // Scores of 16 columns as 16 of depth.
    static __device__ __forceinline__ A of_scores(const float (&x)[4], const float (&y)[4]) {
        return {{pair(x[0], x[1]), pair(x[2], x[3]), pair(y[0], y[1]), pair(y[2], y[3])}};
    }

    static __device__ __forceinline__ void mma(float (&d)[4], const A &a, const B &b) {
        asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
            "{%0, %1, %2, %3};"
            : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
            : "r"(a.r[0]), "r"(a.r[1]), "r"(a.r[2]), "r"(a.r[3]), "r"(b.r[0]), "r"(b.r[1]));
    }
};

struct Tf32 {
    typedef unsigned Element;
    static constexpr int PAD = 4, PAD_TURNED = 8;
    // Two of 8 deep.
    struct A {
        unsigned r[8];
    };
    struct B {
        unsigned r[4];
    };

    static __device__ __forceinline__ unsigned round(float x) {
        unsigned r;
        asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(r) : "f"(x));
        return r;
    }
    static __device__ __forceinline__ void put(Element *to, float4 x) {
        *reinterpret_cast<uint4 *>(to) = make_uint4(round(x.x), round(x.y), round(x.z), round(x.w));
    }
    static __device__ __forceinline__ void put(Element *to, float x, float y) {
        *reinterpret_cast<uint2 *>(to) = make_uint2(round(x), round(y));
    }

    static __device__ __forceinline__ A a(const Element *s, int row) {
        A a;
        const int lane = threadIdx.x % 32;
        s += lane % 16 * row + lane / 16 * 4;
        load_matrices(a.r[0], a.r[1], a.r[2], a.r[3], s);
        load_matrices(a.r[4], a.r[5], a.r[6], a.r[7], s + 8);
        return a;
    }
    template <bool PAIRED> static __device__ __forceinline__ A a_turned(const Element *s, int row) {
        A a;
        const int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
#pragma unroll
        for (int i = 0; i < 2; i++) {
            const Element *low = s + (8 * i + (PAIRED ? 2 * t : t)) * row + g, *high = low + (PAIRED ? 1 : 4) * row;
            a.r[4 * i] = low[0];
            a.r[4 * i + 1] = low[8];
            a.r[4 * i + 2] = high[0];
            a.r[4 * i + 3] = high[8];
        }
        return a;
    }
    template <bool PAIRED> static __device__ __forceinline__ void b(B (&b)[2], const Element *s, int row) {
        const int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
#pragma unroll
        for (int i = 0; i < 2; i++) {
            const Element *low = s + (8 * i + (PAIRED ? 2 * t : t)) * row + g, *high = low + (PAIRED ? 1 : 4) * row;
#pragma unroll
            for (int n = 0; n < 2; n++) {
                b[n].r[2 * i] = low[8 * n];
                b[n].r[2 * i + 1] = high[8 * n];
            }
        }
    }
    static __device__ __forceinline__ void b_turned(B (&b)[2], const Element *s, int row) {
        const int lane = threadIdx.x % 32;
        s += lane % 8 * row + lane / 8 * 4;
        load_matrices(b[0].r[0], b[0].r[1], b[0].r[2], b[0].r[3], s);
        load_matrices(b[1].r[0], b[1].r[1], b[1].r[2], b[1].r[3], s + 8 * row);
    }
    static __device__ __forceinline__ A of_scores(const float (&x)[4], const float (&y)[4]) {
        return {{round(x[0]), round(x[2]), round(x[1]), round(x[3]), round(y[0]), round(y[2]), round(y[1]), round(y[3])}};
    }

    static __device__ __forceinline__ void mma(float (&d)[4], const A &a, const B &b) {
#pragma unroll
        for (int i = 0; i < 2; i++)
            asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                "{%0, %1, %2, %3};"
                : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                : "r"(a.r[4 * i]), "r"(a.r[4 * i + 1]), "r"(a.r[4 * i + 2]), "r"(a.r[4 * i + 3]), "r"(b.r[2 * i]),
                  "r"(b.r[2 * i + 1]));
    }
};
