// Barriers and warp collectives that not all reach, and threads that never end. One block of 64 threads.
#define BOTH(name)                                                             \
    extern "C" __global__ void name##_wrong(float *x, int n) { name<false>(x, n); } \
    extern "C" __global__ void name##_right(float *x, int n) { name<true>(x, n); }

// n = 40: in the middle of a warp.
template <bool RIGHT> __device__ void branch(float *x, int n) {
    if (RIGHT || (int)threadIdx.x < n) __syncthreads();
    x[threadIdx.x] = 1.f;
}
BOTH(branch)

template <bool RIGHT> __device__ void after_return(float *x, int n) {
    if (!RIGHT && (int)threadIdx.x >= n) return;
    __syncthreads();
    x[threadIdx.x] = 1.f;
}
BOTH(after_return)

// A whole warp returns.
template <bool RIGHT> __device__ void warp_returns(float *x, int n) {
    if (!RIGHT && threadIdx.x >= 32) return;
    __syncthreads();
    x[threadIdx.x] = 1.f;
}
BOTH(warp_returns)

// The warps wait at different places.
template <bool RIGHT> __device__ void two_barriers(float *x, int n) {
    if (RIGHT) __syncthreads();
    else if (threadIdx.x < 32) asm volatile("bar.sync 0; // first" ::: "memory");
    else asm volatile("bar.sync 0; // second" ::: "memory");
    x[threadIdx.x] = 1.f;
}
BOTH(two_barriers)

// A barrier for more threads than come.
template <bool RIGHT> __device__ void few(float *x, int n) {
    if (RIGHT) asm volatile("bar.sync 1, 32;" ::: "memory");
    else if (threadIdx.x < 32) asm volatile("bar.sync 1, 64;" ::: "memory");
    x[threadIdx.x] = 1.f;
}
BOTH(few)

// A shuffle of all lanes that only some reach.
template <bool RIGHT> __device__ void shuffle(float *x, int n) {
    float v = x[threadIdx.x];
    if (RIGHT || (int)threadIdx.x < n) v += __shfl_xor_sync(~0u, v, 1);
    x[threadIdx.x] = v;
}
BOTH(shuffle)

// The lanes that come are named, but one reads from a lane that is not.
template <bool RIGHT> __device__ void stranger(float *x, int n) {
    float v = x[threadIdx.x];
    if ((threadIdx.x & 31) < 16) v += __shfl_xor_sync(0xffffu, v, RIGHT ? 8 : 16);
    x[threadIdx.x] = v;
}
BOTH(stranger)

// n > 0: for ever.
template <bool RIGHT> __device__ void endless(float *x, int n) {
    volatile float *y = x;
#pragma unroll 1
    do { y[threadIdx.x] += 1.f; } while (!RIGHT && n > 0);
}
BOTH(endless)

template <bool RIGHT> __device__ void trap(float *x, int n) {
    if (!RIGHT && (int)threadIdx.x == n) __trap();
    x[threadIdx.x] = 1.f;
}
BOTH(trap)
