// Launched by src/optim/cuda.rs. g, x, m, v [count], x, m and v in place; pointwise.

// `Factors` of src/optim/cuda.rs: read through a pointer, because they are others in every step.
struct Factors {
    // b1, 1 - b1, b2, 1 - b2
    float b1, c1, b2, c2;
    // lr / (1 - b1^t), 1 / sqrt(1 - b2^t), eps, 1 - lr decay
    float rate, spread, eps, keep;
};

extern "C" __global__ void __launch_bounds__(256)
    adamw_step(u32 count, const Factors* __restrict__ factors, const float* __restrict__ g, float* __restrict__ x,
               float* __restrict__ m, float* __restrict__ v) {
    const Factors f = *factors;
    each_element(count, [&](u32 i) {
        const float gradient = g[i];
        const float mean = f.b1 * m[i] + f.c1 * gradient, square = f.b2 * v[i] + f.c2 * gradient * gradient;
        m[i] = mean;
        v[i] = square;
        x[i] = f.keep * x[i] - f.rate * mean / (f.spread * sqrtf(square) + f.eps);
    });
}
