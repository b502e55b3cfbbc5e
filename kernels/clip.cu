// Launched by src/optim/cuda.rs. g [count]: its Euclidean norm, and g scaled down to a norm of `greatest`. Squares are added
// up in f64 and in one order, first within blocks, then across them.

__device__ __forceinline__ double sum_of_block(double x) {
    __shared__ double partial[1024];
    partial[threadIdx.x] = x;
    __syncthreads();
    for (u32 half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) partial[threadIdx.x] += partial[threadIdx.x + half];
        __syncthreads();
    }
    return partial[0];
}

// sums [blocks]
extern "C" __global__ void __launch_bounds__(256)
    clip_squares(u32 count, const float* __restrict__ g, double* __restrict__ sums) {
    double sum = 0.0;
    for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += (u64)gridDim.x * blockDim.x) {
        sum += (double)g[i] * g[i];
    }
    sum = sum_of_block(sum);
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

// One block. norm_and_scale [2]: the norm, and what brings it down to `greatest`, at most 1.
extern "C" __global__ void __launch_bounds__(1024)
    clip_norm(u32 blocks, float greatest, const double* __restrict__ sums, float* __restrict__ norm_and_scale) {
    double sum = 0.0;
    for (u32 i = threadIdx.x; i < blocks; i += blockDim.x) sum += sums[i];
    const double norm = sqrt(sum_of_block(sum));
    if (threadIdx.x == 0) {
        norm_and_scale[0] = norm;
        norm_and_scale[1] = norm > greatest ? greatest / norm : 1.0;
    }
}

// Pointwise, in place; where there is nothing to do, nothing is read.
extern "C" __global__ void __launch_bounds__(256)
    clip_scale(u32 count, const float* __restrict__ norm_and_scale, float* __restrict__ g) {
    const float scale = norm_and_scale[1];
    if (scale == 1.0f) return;
    each_element(count, [&](u32 i) { g[i] *= scale; });
}
