// Launched by src/ops/activation/cuda.rs over any number of elements; pointwise.

extern "C" __global__ void __launch_bounds__(256)
    activation_relu(u32 count, const float* __restrict__ x, float* __restrict__ y) {
    each_element(count, [&](u32 i) { y[i] = fmaxf(x[i], 0.0f); });
}

extern "C" __global__ void __launch_bounds__(256)
    activation_gelu(u32 count, const float* __restrict__ x, float* __restrict__ y) {
    each_element(count, [&](u32 i) { y[i] = gelu(x[i]); });
}

extern "C" __global__ void __launch_bounds__(256) activation_gelu_and_slope(
    u32 count, const float* __restrict__ x, float* __restrict__ y, float* __restrict__ slope) {
    each_element(count, [&](u32 i) {
        const float value = x[i];
        y[i] = gelu(value);
        slope[i] = gelu_slope(value);
    });
}

// y is the result of relu.
extern "C" __global__ void __launch_bounds__(256) activation_relu_backward(
    u32 count, const float* __restrict__ y, const float* __restrict__ dy, float* __restrict__ dx) {
    each_element(count, [&](u32 i) { dx[i] = y[i] > 0.0f ? dy[i] : 0.0f; });
}

extern "C" __global__ void __launch_bounds__(256) activation_gelu_backward(
    u32 count, const float* __restrict__ slope, const float* __restrict__ dy, float* __restrict__ dx) {
    each_element(count, [&](u32 i) { dx[i] = slope[i] * dy[i]; });
}
