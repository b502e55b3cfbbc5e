// What each lane does for itself: one result of every kind an instruction can have, for tests against plain Rust.
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

struct Pair {
    int a, b;
    u64 wide;
    float c;
};

// out [threads, 40]. a and b are 32-bit patterns.
extern "C" __global__ void integers(const u32 *a, const u32 *b, u32 *out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    u32 x = a[i], y = b[i], *o = out + 40 * i;
    int s = (int)x, t = (int)y;
    u64 w = (u64)x << 32 | y;
    u32 by = y & 31, field = y >> 5 & 31;
    o[0] = x + y, o[1] = x - y, o[2] = x * y;
    o[3] = __umulhi(x, y), o[4] = __mulhi(s, t);
    o[5] = x / (y | 1), o[6] = s / (t | 1), o[7] = x % (y | 1), o[8] = s % (t | 1);
    o[9] = min(x, y), o[10] = min(s, t), o[11] = max(x, y), o[12] = max(s, t);
    o[13] = x & y, o[14] = x | y, o[15] = x ^ y, o[16] = ~x, o[17] = -s, o[18] = abs(s);
    o[19] = x << by, o[20] = x >> by, o[21] = s >> by;
    o[22] = __popc(x), o[23] = __clz(x), o[24] = __ffs(x), o[25] = __brev(x);
    asm("bfe.u32 %0, %1, %2, %3;" : "=r"(o[26]) : "r"(x), "r"(by), "r"(field));
    asm("bfe.s32 %0, %1, %2, %3;" : "=r"(o[27]) : "r"(x), "r"(by), "r"(field));
    asm("bfi.b32 %0, %1, %2, %3, %4;" : "=r"(o[28]) : "r"(x), "r"(y), "r"(by), "r"(field));
    asm("prmt.b32 %0, %1, %2, %3;" : "=r"(o[29]) : "r"(x), "r"(y), "r"(y >> 7));
    o[30] = __funnelshift_l(x, y, by), o[31] = __funnelshift_rc(x, y, y & 63);
    asm("lop3.b32 %0, %1, %2, %3, 0xCA;" : "=r"(o[32]) : "r"(x), "r"(y), "r"(x >> 7));
    asm("bfind.s32 %0, %1;" : "=r"(o[33]) : "r"(x));
    asm("bfind.shiftamt.u32 %0, %1;" : "=r"(o[34]) : "r"(x));
    asm("mad.hi.s32 %0, %1, %2, %3;" : "=r"(o[35]) : "r"(x), "r"(y), "r"(by));
    o[36] = __umul64hi(w, w ^ x) >> 20;
    o[37] = (u32)((i64)w / (i64)(t | 1)), o[38] = (u32)(w % (y | 1)), o[39] = __clzll(w | 1) + __popcll(w);
}

// out [threads, 12]: arithmetic of 8 and 16 bits.
extern "C" __global__ void narrow(const unsigned char *a, const short *b, int *out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    unsigned char x = a[i];
    signed char z = (signed char)x;
    short y = b[i];
    unsigned short v = (unsigned short)y;
    int *o = out + 12 * i;
    o[0] = x, o[1] = z, o[2] = y, o[3] = v;
    o[4] = (short)(y * x), o[5] = (unsigned short)(v + x), o[6] = (short)(y >> 3), o[7] = v >> 3;
    o[8] = (signed char)(y + z), o[9] = y < z, o[10] = v > x, o[11] = (short)(y / (z | 1));
}

// out [threads, 20]: conversions.
extern "C" __global__ void conversions(const float *x, const int *k, double *out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float f = x[i];
    double *o = out + 20 * i;
    o[0] = __float2int_rn(f), o[1] = __float2int_rz(f), o[2] = __float2int_rd(f), o[3] = __float2int_ru(f);
    o[4] = __float2uint_rn(f), o[5] = __float2uint_rz(f), o[6] = (double)(i64)f, o[7] = (double)__float2ull_rn(f);
    o[8] = rintf(f), o[9] = truncf(f), o[10] = floorf(f), o[11] = ceilf(f), o[12] = __saturatef(f);
    o[13] = (float)k[i], o[14] = (float)(u32)k[i], o[15] = __int2float_rz(k[i]);
    o[16] = __double2float_rn((double)f / 3.0), o[17] = __double2float_rz((double)f / 3.0);
    u32 packed, tensor;
    unsigned short brain;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(f), "f"(f * 3.f));
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(tensor) : "f"(f));
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(brain) : "f"(f * 5.f));
    o[18] = (double)packed + 4294967296.0 * brain, o[19] = __uint_as_float(tensor);
}

// out [threads, 24]: floats.
extern "C" __global__ void floats(const float *a, const float *b, float *out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float x = a[i], y = b[i], *o = out + 24 * i;
    o[0] = x + y, o[1] = x - y, o[2] = __fmul_rn(x, y), o[3] = x / y, o[4] = fmaf(x, y, 1.f);
    o[5] = fminf(x, y), o[6] = fmaxf(x, y), o[7] = copysignf(x, y), o[8] = fabsf(x), o[9] = -x;
    o[10] = sqrtf(fabsf(x)), o[11] = rsqrtf(fabsf(x) + 1.f), o[12] = 1.f / y;
    o[13] = __fmaf_rd(x, y, 1.f), o[14] = __fmaf_ru(x, y, 1.f), o[15] = __fmaf_rz(x, y, 1.f);
    o[16] = __fadd_rd(x, y), o[17] = __fadd_ru(x, y), o[18] = __fmul_rz(x, y), o[19] = __fdiv_ru(x, y);
    o[20] = x < y ? 1.f : 0.f, o[21] = x != y ? 1.f : 0.f, o[22] = !(x > y) ? 1.f : 0.f;
    o[23] = (float)((double)x * y + sqrt(fabs((double)x)) / y);
}

// out [threads, 8]: functions that are many instructions.
extern "C" __global__ void functions(const float *a, float *out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float x = a[i], *o = out + 8 * i;
    o[0] = expf(x), o[1] = exp2f(x), o[2] = logf(fabsf(x)), o[3] = tanhf(x);
    o[4] = erff(x), o[5] = sinf(100.f * x), o[6] = powf(fabsf(x), 1.3f), o[7] = log1pf(fabsf(x));
}

__constant__ float weights[5] = {1.f, -2.f, 0.5f, 4.f, 8.f};
__device__ int counter = 7;

// A struct by value, a table, a local array, branches by number; out [threads].
extern "C" __global__ void places(Pair p, const int *which, float *out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    int k = which[i];
    float local[6];
    for (int j = 0; j < 6; j++) local[j] = (float)(p.a * j) + p.c;
    float v = local[k] * weights[k % 5] + (float)(p.wide >> 30) + p.b;
    switch (k) {
        case 0: v += 1.f; break;
        case 1: v *= out[i]; break;
        case 2: v = -v; break;
        case 3: v = v * v; break;
        case 4: v = 1.f / v; break;
        default: v = 0.25f * v;
    }
    out[i] = v + atomicAdd(&counter, 0);
}

// All sorts of atomics on counts [11], the shared ones at the end; 64 threads a block.
extern "C" __global__ void atomics(int *counts, u64 *wide) {
    __shared__ int s;
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (threadIdx.x == 0) s = 0;
    __syncthreads();
    atomicAdd(&counts[0], i), atomicMin(&counts[1], -i), atomicMax(&counts[2], i), atomicMin((u32 *)&counts[3], (u32)-i);
    atomicAnd(&counts[4], ~(1 << (i & 15))), atomicOr(&counts[5], 1 << (i & 15)), atomicXor(&counts[6], i);
    atomicInc((u32 *)&counts[7], 9), atomicAdd(wide, 1ull << (i & 31)), atomicExch(&counts[8], 5);
    int seen = atomicAdd(&counts[9], 0), old;
    do { old = seen; seen = atomicCAS(&counts[9], old, old + 2); } while (seen != old);
    atomicAdd(&s, 1);
    __syncthreads();
    if (threadIdx.x == 0) atomicAdd(&counts[10], s);
}
