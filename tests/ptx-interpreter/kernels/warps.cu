// What the lanes of a warp do together. One warp, unless said otherwise.
typedef unsigned int u32;
typedef unsigned short u16;

// out [32, 16].
extern "C" __global__ void shuffles(const int *x, int *out) {
    int lane = threadIdx.x, v = x[lane], *o = out + 16 * lane;
    o[0] = __shfl_sync(~0u, v, 5), o[1] = __shfl_sync(~0u, v, lane + 3, 8);
    o[2] = __shfl_up_sync(~0u, v, 3), o[3] = __shfl_up_sync(~0u, v, 3, 8);
    o[4] = __shfl_down_sync(~0u, v, 3), o[5] = __shfl_down_sync(~0u, v, 3, 16);
    o[6] = __shfl_xor_sync(~0u, v, 9), o[7] = __shfl_xor_sync(~0u, v, 12, 8);
    u32 ballot = __ballot_sync(~0u, v & 1);
    o[8] = ballot, o[9] = __any_sync(~0u, v == 7), o[10] = __all_sync(~0u, v >= 0);
    o[11] = __reduce_add_sync(~0u, v), o[12] = __reduce_max_sync(~0u, v), o[13] = __reduce_xor_sync(~0u, (u32)v);
    o[14] = __match_any_sync(~0u, v & 3);
    // Halves of the warp by themselves, in a branch.
    if (lane < 16) o[15] = __shfl_xor_sync(0xffffu, v, 1);
    else o[15] = __reduce_min_sync(0xffff0000u, v) + __popc(__activemask());
}

// 96 threads: counts over the block by a barrier. out [96, 3].
extern "C" __global__ void block_votes(const int *x, int *out) {
    int v = x[threadIdx.x];
    int many = __syncthreads_count(v & 1), all = __syncthreads_and(v >= 0), any = __syncthreads_or(v == 11);
    out[3 * threadIdx.x] = many, out[3 * threadIdx.x + 1] = all, out[3 * threadIdx.x + 2] = any;
}

__device__ u32 tensor(float x) {
    u32 r;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(r) : "f"(x));
    return r;
}

// c [16, 8] += a [16, 8] b [8, 8].
extern "C" __global__ void multiply_tf32(const float *a, const float *b, float *c) {
    int g = threadIdx.x >> 2, t = threadIdx.x & 3;
    u32 x[4] = {tensor(a[g * 8 + t]), tensor(a[(g + 8) * 8 + t]), tensor(a[g * 8 + t + 4]), tensor(a[(g + 8) * 8 + t + 4])};
    u32 y[2] = {tensor(b[t * 8 + g]), tensor(b[(t + 4) * 8 + g])};
    float d[4];
    for (int i = 0; i < 4; i++) d[i] = c[(g + 8 * (i >> 1)) * 8 + 2 * t + (i & 1)];
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(y[0]), "r"(y[1]));
    for (int i = 0; i < 4; i++) c[(g + 8 * (i >> 1)) * 8 + 2 * t + (i & 1)] = d[i];
}

__device__ u32 shared_address(const void *p) { return (u32)__cvta_generic_to_shared(p); }

// c [16, 8] += a [16, 16] b [16, 8], bf16: a by ldmatrix.x4, b (row-major, so transposed) by ldmatrix.x2.trans.
extern "C" __global__ void multiply_bf16(const u16 *a, const u16 *b, float *c) {
    __shared__ __align__(16) u16 sa[16][24], sb[16][8];
    int lane = threadIdx.x, g = lane >> 2, t = lane & 3;
    for (int i = lane; i < 256; i += 32) sa[i / 16][i % 16] = a[i];
    for (int i = lane; i < 128; i += 32) sb[i / 8][i % 8] = b[i];
    __syncwarp();
    u32 x[4], y[2];
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3])
                 : "r"(shared_address(&sa[lane & 15][8 * (lane >> 4)])));
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];"
                 : "=r"(y[0]), "=r"(y[1]) : "r"(shared_address(&sb[lane & 15][0])));
    float d[4];
    for (int i = 0; i < 4; i++) d[i] = c[(g + 8 * (i >> 1)) * 8 + 2 * t + (i & 1)];
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(y[0]), "r"(y[1]));
    for (int i = 0; i < 4; i++) c[(g + 8 * (i >> 1)) * 8 + 2 * t + (i & 1)] = d[i];
}

// x [4, 8, 8] to the registers of each lane, out [32, 10]: x4 (4), x2 (2), x1 (1), x1 transposed (1), x2 transposed (2).
extern "C" __global__ void matrices(const u16 *x, u32 *out) {
    __shared__ __align__(16) u16 s[4 * 64];
    int lane = threadIdx.x;
    for (int i = lane; i < 256; i += 32) s[i] = x[i];
    __syncwarp();
    u32 at = shared_address(s + 8 * lane), *o = out + 10 * lane, r[10];
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];" : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(at));
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];" : "=r"(r[4]), "=r"(r[5]) : "r"(at));
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];" : "=r"(r[6]) : "r"(at));
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0}, [%1];" : "=r"(r[7]) : "r"(at));
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];" : "=r"(r[8]), "=r"(r[9]) : "r"(at));
    for (int i = 0; i < 10; i++) o[i] = r[i];
}

// A sum over a block by shuffles and shared memory; threads a multiple of 32. out [blocks].
extern "C" __global__ void block_sum(const float *x, float *out, int n) {
    __shared__ float part[32];
    int i = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x & 31, warps = (blockDim.x + 31) / 32;
    float v = i < n ? x[i] : 0.f;
    for (int o = 16; o > 0; o >>= 1) v += __shfl_xor_sync(~0u, v, o);
    if (lane == 0) part[threadIdx.x >> 5] = v;
    __syncthreads();
    if (threadIdx.x < 32) {
        v = lane < warps ? part[lane] : 0.f;
        for (int o = 16; o > 0; o >>= 1) v += __shfl_xor_sync(~0u, v, o);
        if (lane == 0) out[blockIdx.x] = v;
    }
}
