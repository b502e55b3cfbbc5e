// Accesses beyond what they may touch, each with a healthy twin. One block.
#define PAIR(name) extern "C" __global__ void name

PAIR(global_beyond_wrong)(float *x, int n) { if ((int)threadIdx.x <= n) x[threadIdx.x] = 1.f; }
PAIR(global_beyond_right)(float *x, int n) { if ((int)threadIdx.x < n) x[threadIdx.x] = 1.f; }

PAIR(global_before_wrong)(float *x, int n) { if ((int)threadIdx.x < n) x[(int)threadIdx.x - 1] = 1.f; }
PAIR(global_before_right)(float *x, int n) { if ((int)threadIdx.x > 0 && (int)threadIdx.x < n) x[(int)threadIdx.x - 1] = 1.f; }

// 32 floats of dynamic shared memory.
template <int AHEAD> __device__ void dynamic(float *x) {
    extern __shared__ float s[];
    s[threadIdx.x + AHEAD] = 1.f;
    __syncthreads();
    x[threadIdx.x] = s[threadIdx.x];
}
PAIR(shared_beyond_wrong)(float *x, int) { dynamic<1>(x); }
PAIR(shared_beyond_right)(float *x, int) { dynamic<0>(x); }

// From one shared array into the next, which a GPU would let pass.
template <int AHEAD> __device__ void neighbours(float *x) {
    __shared__ float a[32], b[32];
    b[threadIdx.x] = 0.f;
    a[threadIdx.x + AHEAD] = 1.f;
    __syncthreads();
    x[threadIdx.x] = a[31 - threadIdx.x] + b[threadIdx.x];
}
PAIR(between_arrays_wrong)(float *x, int) { neighbours<1>(x); }
PAIR(between_arrays_right)(float *x, int) { neighbours<0>(x); }

// n elements of a local array of 8.
__device__ void local(float *x, int n) {
    float s[8];
    for (int i = 0; i < 8; i++) s[i] = x[i];
    float sum = 0.f;
#pragma unroll 1
    for (int i = 0; i < n; i++) sum += s[i];
    x[threadIdx.x] = sum;
}
PAIR(local_beyond_wrong)(float *x, int) { if (threadIdx.x == 0) local(x, 9); }
PAIR(local_beyond_right)(float *x, int) { if (threadIdx.x == 0) local(x, 8); }

// Four floats at once from an address that is no multiple of 16.
PAIR(misaligned_wrong)(float *x, int) { if (threadIdx.x == 0) *(float4 *)(x + 1) = make_float4(1.f, 2.f, 3.f, 4.f); }
PAIR(misaligned_right)(float *x, int) { if (threadIdx.x == 0) *(float4 *)(x + 4) = make_float4(1.f, 2.f, 3.f, 4.f); }
