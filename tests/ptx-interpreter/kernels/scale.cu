// The smallest kernel that has all a launch needs: a struct by value, buffers, a guard.
struct Dims {
    int n;
    float factor;
};

extern "C" __global__ void scale_into(Dims d, const float *x, float *y) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < d.n) y[i] += d.factor * x[i];
}
