// Reads of what nothing wrote, and asynchronous copies that are read too early. One block of 32 threads.
typedef unsigned int u32;

// y is a buffer that nothing has written yet.
extern "C" __global__ void global_wrong(float *x, float *y) { x[threadIdx.x] = y[threadIdx.x]; }
extern "C" __global__ void global_right(float *x, float *y) {
    y[threadIdx.x] = 1.f;
    x[threadIdx.x] = y[threadIdx.x];
}

template <int WRITTEN> __device__ void half_filled(float *x) {
    __shared__ float s[32];
    if (threadIdx.x < WRITTEN) s[threadIdx.x] = 1.f;
    __syncthreads();
    x[threadIdx.x] = s[31 - threadIdx.x];
}
extern "C" __global__ void shared_wrong(float *x, float *) { half_filled<31>(x); }
extern "C" __global__ void shared_right(float *x, float *) { half_filled<32>(x); }

__device__ void copy16(void *to, const void *from, int bytes) {
    u32 at = (u32)__cvta_generic_to_shared(to);
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(at), "l"(from), "r"(bytes) : "memory");
}
__device__ void commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int N> __device__ void wait() { asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory"); }

// Two tiles in flight; `PENDING` groups may still be under way when the first is read.
template <int PENDING, bool BARRIER> __device__ void two_tiles(float *x) {
    __shared__ __align__(16) float s[2][32];
    for (int tile = 0; tile < 2; tile++) {
        if (threadIdx.x < 8) copy16(&s[tile][4 * threadIdx.x], x + 4 * threadIdx.x, 16);
        commit();
    }
    wait<PENDING>();
    if (BARRIER) __syncthreads();
    float first = s[0][31 - threadIdx.x];
    wait<0>();
    __syncthreads();
    x[threadIdx.x] = first + s[1][threadIdx.x];
}
extern "C" __global__ void copy_wait_wrong(float *x, float *) { two_tiles<2, true>(x); }
extern "C" __global__ void copy_wait_right(float *x, float *) { two_tiles<1, true>(x); }
// Waited for by the thread that copied, but no barrier for the others.
extern "C" __global__ void copy_barrier_wrong(float *x, float *) { two_tiles<1, false>(x); }
extern "C" __global__ void copy_barrier_right(float *x, float *) { two_tiles<0, true>(x); }

// A thread that returns with a copy under way.
extern "C" __global__ void copy_exit_wrong(float *x, float *) {
    __shared__ __align__(16) float s[4];
    if (threadIdx.x == 0) copy16(s, x, 16);
}
extern "C" __global__ void copy_exit_right(float *x, float *) {
    __shared__ __align__(16) float s[4];
    if (threadIdx.x == 0) copy16(s, x, 16);
    asm volatile("cp.async.wait_all;" ::: "memory");
}

// x holds 30 floats more than it may read: what is beyond is zeros by the number of bytes to read.
template <bool ZEROS> __device__ void ragged(float *x, int n) {
    __shared__ __align__(16) float s[32];
    if (threadIdx.x < 8) {
        int left = (n - 4 * (int)threadIdx.x) * 4;
        copy16(s + 4 * threadIdx.x, x + 4 * threadIdx.x, ZEROS ? max(0, min(16, left)) : 16);
    }
    commit();
    wait<0>();
    __syncthreads();
    if ((int)threadIdx.x < n) x[threadIdx.x] = s[31 - threadIdx.x];
}
extern "C" __global__ void copy_ragged_wrong(float *x, float *) { ragged<false>(x, 32); }
extern "C" __global__ void copy_ragged_right(float *x, float *) { ragged<true>(x, 30); }
