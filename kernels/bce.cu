// Launched by src/ops/bce/cuda.rs. logits, targets, weights, dlogits [batch]; normalizer, loss, dloss [1].

// e^-|z|
__device__ __forceinline__ float decay(float z) { return expf(-fabsf(z)); }

// One block: a batch is a few thousand numbers, and one block adds them up in one order without a second kernel.
extern "C" __global__ void __launch_bounds__(1024)
    bce_forward(int batch, const float* __restrict__ logits, const float* __restrict__ targets,
                const float* __restrict__ weights, const float* __restrict__ normalizer, float* __restrict__ loss) {
    __shared__ float partial[32];
    float sum = 0.0f;
    for (int b = threadIdx.x; b < batch; b += blockDim.x) {
        const float z = logits[b];
        sum += weights[b] * (fmaxf(z, 0.0f) - z * targets[b] + log1pf(decay(z)));
    }
    sum = block_sum(sum, partial);
    if (threadIdx.x == 0) loss[0] = sum / normalizer[0];
}

// Pointwise.
extern "C" __global__ void __launch_bounds__(256)
    bce_backward(int batch, const float* __restrict__ logits, const float* __restrict__ targets,
                 const float* __restrict__ weights, const float* __restrict__ normalizer,
                 const float* __restrict__ dloss, float* __restrict__ dlogits) {
    each_element(batch, [&](u32 b) {
        const float z = logits[b], p = (z > 0.0f ? 1.0f : decay(z)) / (1.0f + decay(z));
        dlogits[b] = weights[b] * (p - targets[b]) / normalizer[0] * dloss[0];
    });
}
