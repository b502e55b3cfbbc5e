// Launched by src/ops/layer_norm/cuda.rs. x, y, dy, dx [rows, columns]; gamma, beta, dgamma, dbeta [columns]; mean, rstd [rows].
// A warp a row: its sums are shuffles, and the row is in the cache when it is read again.

struct Dims {
    int rows, columns;
    float eps;
};

extern "C" __global__ void __launch_bounds__(256)
    layer_norm_forward(Dims d, const float* __restrict__ x, const float* __restrict__ gamma,
                       const float* __restrict__ beta, float* __restrict__ y, float* __restrict__ mean,
                       float* __restrict__ rstd) {
    const int row = blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP, lane = threadIdx.x % WARP;
    if (row >= d.rows) return;
    x += (u64)row * d.columns;
    y += (u64)row * d.columns;
    float sum = 0.0f;
    for (int c = lane; c < d.columns; c += WARP) sum += x[c];
    const float m = warp_sum(sum) / d.columns;
    float squares = 0.0f;
    for (int c = lane; c < d.columns; c += WARP) {
        const float off = x[c] - m;
        squares += off * off;
    }
    // A rounding here would be every element's.
    const float scale = 1.0f / sqrtf(warp_sum(squares) / d.columns + d.eps);
    for (int c = lane; c < d.columns; c += WARP) y[c] = (x[c] - m) * scale * gamma[c] + beta[c];
    if (lane == 0) {
        mean[row] = m;
        rstd[row] = scale;
    }
}

// Also partial [2][blocks][columns]: each block's share of dgamma, and of dbeta. A warp takes every so many rows of its block's
// and adds up its shares in shared memory [warps][2][columns], each lane in columns of its own; the warps' are then added
// in order. So rows are read once, and sums are the same each time.
extern "C" __global__ void __launch_bounds__(256)
    layer_norm_backward(Dims d, const float* __restrict__ x, const float* __restrict__ gamma,
                        const float* __restrict__ mean, const float* __restrict__ rstd,
                        const float* __restrict__ dy, float* __restrict__ dx, float* __restrict__ partial) {
    extern __shared__ float shares[];
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, warps = blockDim.x / WARP;
    float *dgamma = shares + 2 * warp * d.columns, *dbeta = dgamma + d.columns;
    for (int c = lane; c < d.columns; c += WARP) dgamma[c] = dbeta[c] = 0.0f;
    for (int row = blockIdx.x * warps + warp; row < d.rows; row += gridDim.x * warps) {
        const u64 at = (u64)row * d.columns;
        const float m = mean[row], scale = rstd[row];
        float sum = 0.0f, sum_xhat = 0.0f;
        for (int c = lane; c < d.columns; c += WARP) {
            const float g = dy[at + c], xhat = (x[at + c] - m) * scale, dxhat = g * gamma[c];
            sum += dxhat;
            sum_xhat += dxhat * xhat;
            dgamma[c] += g * xhat;
            dbeta[c] += g;
        }
        const float through_mean = warp_sum(sum) / d.columns, through_variance = warp_sum(sum_xhat) / d.columns;
        for (int c = lane; c < d.columns; c += WARP) {
            const float xhat = (x[at + c] - m) * scale;
            dx[at + c] = (dy[at + c] * gamma[c] - through_mean - xhat * through_variance) * scale;
        }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < 2 * d.columns; i += blockDim.x) {
        float share = 0.0f;
        for (int other = 0; other < warps; ++other) share += shares[2 * other * d.columns + i];
        const int which = i / d.columns, c = i % d.columns;
        partial[((u64)which * gridDim.x + blockIdx.x) * d.columns + c] = share;
    }
}

// partial [2][blocks][columns] to dgamma and dbeta: a block for 32 columns of one of them.
extern "C" __global__ void __launch_bounds__(256)
    layer_norm_gather(int blocks, int columns, const float* __restrict__ partial, float* __restrict__ dgamma,
                      float* __restrict__ dbeta) {
    const u32 column = blockIdx.x * WARP + threadIdx.x % WARP, from = blockIdx.y * blocks;
    const float sum = column_sum(partial, columns, column, from, from + blocks);
    if (threadIdx.x < WARP && column < columns) (blockIdx.y == 0 ? dgamma : dbeta)[column] = sum;
}
