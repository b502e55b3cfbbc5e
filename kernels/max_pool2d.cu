// Launched by src/ops/max_pool2d/cuda.rs. x, dx [batch, height, width, channels]; y, argmax, dy [batch, height / size,
// width / size, channels]. Pointwise over y forwards and over dx backwards, so that nothing is written twice.

struct Dims {
    int batch, height, width, channels, size;
};

extern "C" __global__ void __launch_bounds__(256)
    max_pool2d_forward(Dims d, u32 count, const float* __restrict__ x, float* __restrict__ y,
                       float* __restrict__ argmax) {
    const u32 rows = d.height / d.size, columns = d.width / d.size;
    each_element(count, [&](u32 i) {
        const u32 c = i % d.channels, pixel = i / d.channels, column = pixel % columns, row = pixel / columns % rows;
        const u32 b = pixel / columns / rows;
        const float* window = x + ((b * d.height + row * d.size) * d.width + column * d.size) * d.channels + c;
        float best = window[0];
        int place = 0;
        for (int k = 1; k < d.size * d.size; ++k) {
            const float value = window[(k / d.size * d.width + k % d.size) * d.channels];
            if (value > best) {
                best = value;
                place = k;
            }
        }
        y[i] = best;
        argmax[i] = place;
    });
}

extern "C" __global__ void __launch_bounds__(256)
    max_pool2d_backward(Dims d, u32 count, const float* __restrict__ argmax, const float* __restrict__ dy,
                        float* __restrict__ dx) {
    const u32 rows = d.height / d.size, columns = d.width / d.size;
    each_element(count, [&](u32 i) {
        const u32 c = i % d.channels, pixel = i / d.channels, w = pixel % d.width, h = pixel / d.width % d.height;
        const u32 b = pixel / d.width / d.height;
        const u32 row = h / d.size, column = w / d.size, place = h % d.size * d.size + w % d.size;
        float gradient = 0.0f;
        if (row < rows && column < columns) {
            const u32 pooled = ((b * rows + row) * columns + column) * d.channels + c;
            if (argmax[pooled] == place) gradient = dy[pooled];
        }
        dx[i] = gradient;
    });
}
