// Launched by src/optim/cuda.rs. g, x, velocity [count], x and velocity in place; pointwise.

// `Pace` of src/optim/cuda.rs: read through a pointer, because the rate is another in every step.
struct Pace {
    float momentum, decay, rate;
};

extern "C" __global__ void __launch_bounds__(256)
    sgd_step(u32 count, const Pace* __restrict__ pace, const float* __restrict__ g, float* __restrict__ x,
             float* __restrict__ velocity) {
    const Pace p = *pace;
    each_element(count, [&](u32 i) {
        const float u = p.momentum * velocity[i] + g[i] + p.decay * x[i];
        velocity[i] = u;
        x[i] -= p.rate * u;
    });
}
