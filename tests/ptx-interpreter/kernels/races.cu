// Accesses that nothing orders, each with a healthy twin. One block of 64 threads unless said otherwise.
#define BOTH(name, ...)                                                        \
    extern "C" __global__ void name##_wrong(float *x) { name<false>(x); }      \
    extern "C" __global__ void name##_right(float *x) { name<true>(x); }

// Written by one thread, read by another of another warp.
template <bool RIGHT> __device__ void read_after_write(float *x) {
    __shared__ float s[64];
    s[threadIdx.x] = 1.f;
    if (RIGHT) __syncthreads();
    x[threadIdx.x] = s[threadIdx.x ^ 33];
}
BOTH(read_after_write)

// The second round writes what the first may still be reading.
template <bool RIGHT> __device__ void write_after_read(float *x) {
    __shared__ float s[64];
    float sum = 0.f;
#pragma unroll 1
    for (int i = 0; i < 2; i++) {
        s[threadIdx.x] = i;
        __syncthreads();
        sum += s[(threadIdx.x + 40) & 63];
        if (RIGHT) __syncthreads();
    }
    x[threadIdx.x] = sum;
}
BOTH(write_after_read)

// All read one word, then one writes it.
template <bool RIGHT> __device__ void write_after_all_read(float *x) {
    __shared__ float s;
    if (threadIdx.x == 0) s = 1.f;
    __syncthreads();
    float v = s;
    if (RIGHT) __syncthreads();
    if (threadIdx.x == 40) s = 2.f;
    __syncthreads();
    x[threadIdx.x] = v + s;
}
BOTH(write_after_all_read)

// Within a warp, too, there must be a barrier.
template <bool RIGHT> __device__ void lanes(float *x) {
    __shared__ float s[64];
    s[threadIdx.x] = 1.f;
    if (RIGHT) __syncwarp();
    x[threadIdx.x] = s[threadIdx.x ^ 1];
}
BOTH(lanes)

// A shuffle is no barrier for memory.
template <bool RIGHT> __device__ void shuffle_between(float *x) {
    __shared__ float s[64];
    s[threadIdx.x] = 1.f;
    float v = __shfl_xor_sync(~0u, x[threadIdx.x], 1);
    if (RIGHT) __syncwarp();
    x[threadIdx.x] = v + s[threadIdx.x ^ 1];
}
BOTH(shuffle_between)

// A warp's barrier does not order two warps.
template <bool RIGHT> __device__ void warps(float *x) {
    __shared__ float s[64];
    s[threadIdx.x] = 1.f;
    __syncwarp();
    if (RIGHT) __syncthreads();
    x[threadIdx.x] = s[threadIdx.x ^ 32];
}
BOTH(warps)

// All threads write one word of global memory.
template <bool RIGHT> __device__ void global_write(float *x) { x[RIGHT ? threadIdx.x : 0] = 1.f; }
BOTH(global_write)

// Two threads share a word of memory: each has its half, or both want the same.
template <bool RIGHT> __device__ void halves(float *x) {
    __shared__ unsigned short s[64];
    s[RIGHT ? threadIdx.x : threadIdx.x & ~1] = 1;
    __syncthreads();
    x[threadIdx.x] = s[threadIdx.x & ~1];
}
BOTH(halves)

// Several blocks write the same words, or their own. 4 blocks.
template <bool RIGHT> __device__ void blocks(float *x) { x[(RIGHT ? 64 * blockIdx.x : 0) + threadIdx.x] = 1.f; }
BOTH(blocks)

// One block reads what another writes in the same launch. 4 blocks.
template <bool RIGHT> __device__ void blocks_read(float *x) {
    float v = x[RIGHT ? 64 * blockIdx.x + threadIdx.x : threadIdx.x];
    x[64 * blockIdx.x + threadIdx.x] = v + 1.f;
}
BOTH(blocks_read)

// Atomic additions do not race with one another, a plain write among them does. 4 blocks.
template <bool RIGHT> __device__ void atomics(float *x) {
    int *count = (int *)x;
    if (RIGHT || threadIdx.x) atomicAdd(count, 1);
    else *count = 0;
}
BOTH(atomics)

// Each half of the block has a barrier of its own, which orders nothing between the halves. 128 threads.
template <bool RIGHT> __device__ void named(float *x) {
    __shared__ float s[128];
    int half = threadIdx.x >> 6;
    for (int i = 0; i < 2; i++) {
        s[threadIdx.x] = i;
        asm volatile("bar.sync %0, 64;" ::"r"(half + 1) : "memory");
        x[threadIdx.x] = s[threadIdx.x ^ (RIGHT ? 33 : 65)];
        asm volatile("bar.sync %0, 64;" ::"r"(half + 1) : "memory");
    }
}
BOTH(named)
