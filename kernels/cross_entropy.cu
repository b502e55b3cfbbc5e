// Launched by src/ops/cross_entropy/cuda.rs. logits, dlogits [batch, classes]; class_of, weights [batch]; normalizer, loss,
// dloss [1]. A warp a sample.

struct Dims {
    int batch, classes;
};

// The greatest of z, and the sum of e^(z - greatest), in every lane.
__device__ __forceinline__ float2 max_and_sum(const float* z, int classes) {
    const int lane = threadIdx.x % WARP;
    float greatest = LOWEST, sum = 0.0f;
    for (int k = lane; k < classes; k += WARP) greatest = fmaxf(greatest, z[k]);
    greatest = warp_max(greatest);
    for (int k = lane; k < classes; k += WARP) sum += expf(z[k] - greatest);
    return make_float2(greatest, warp_sum(sum));
}

// One block, which adds up the batch in one order without a second kernel.
extern "C" __global__ void __launch_bounds__(1024)
    cross_entropy_forward(Dims d, const u32* __restrict__ class_of, const float* __restrict__ weights,
                          const float* __restrict__ normalizer, const float* __restrict__ logits,
                          float* __restrict__ loss) {
    __shared__ float partial[32];
    float total = 0.0f;
    for (int b = threadIdx.x / WARP; b < d.batch; b += blockDim.x / WARP) {
        const float* z = logits + (u64)b * d.classes;
        const float2 row = max_and_sum(z, d.classes);
        total += weights[b] * (logf(row.y) - (z[class_of[b]] - row.x));
    }
    total = block_sum(threadIdx.x % WARP == 0 ? total : 0.0f, partial);
    if (threadIdx.x == 0) loss[0] = total / normalizer[0];
}

extern "C" __global__ void __launch_bounds__(256)
    cross_entropy_backward(Dims d, const u32* __restrict__ class_of, const float* __restrict__ weights,
                           const float* __restrict__ normalizer, const float* __restrict__ logits,
                           const float* __restrict__ dloss, float* __restrict__ dlogits) {
    const int b = blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP;
    if (b >= d.batch) return;
    const float* z = logits + (u64)b * d.classes;
    const float2 row = max_and_sum(z, d.classes);
    const float scale = weights[b] / normalizer[0] * dloss[0];
    for (int k = threadIdx.x % WARP; k < d.classes; k += WARP) {
        const float p = expf(z[k] - row.x) / row.y;
        dlogits[(u64)b * d.classes + k] = scale * (p - (k == class_of[b] ? 1.0f : 0.0f));
    }
}
