// Launched by src/ops/add/cuda.rs.

struct Dims {
    u32 count, period;
};

// a, y [count], b [period], repeated along a; pointwise.
extern "C" __global__ void __launch_bounds__(256)
    add_forward(Dims d, const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ y) {
    if (d.count == d.period) {
        each_element(d.count, [&](u32 i) { y[i] = a[i] + b[i]; });
    } else {
        each_element(d.count, [&](u32 i) { y[i] = a[i] + b[i % d.period]; });
    }
}

struct SumDims {
    u32 rows, columns;
    // Rows of one strip; the last may have fewer.
    u32 strip;
};

// dy [rows, columns] to sums [strips, columns]. A block for 32 columns of a strip of rows: few columns give few blocks, and
// strips make up for it; their sums are summed by the same kernel.
extern "C" __global__ void __launch_bounds__(256)
    add_sum(SumDims d, const float* __restrict__ dy, float* __restrict__ sums) {
    const u32 column = blockIdx.x * WARP + threadIdx.x % WARP, from = blockIdx.y * d.strip;
    const float sum = column_sum(dy, d.columns, column, from, min(from + d.strip, d.rows));
    if (threadIdx.x < WARP && column < d.columns) sums[(u64)blockIdx.y * d.columns + column] = sum;
}

// So many values, at most EACH a thread, and where they go.
struct Piece {
    const float* from;
    u32 to, count;
};

// into [piece.to..] += piece.from [piece.count]; a block a piece, none of which goes where another does.
extern "C" __global__ void __launch_bounds__(256)
    add_gather(const Piece* __restrict__ pieces, float* __restrict__ into) {
    const Piece piece = pieces[blockIdx.x];
#pragma unroll
    for (u32 k = 0; k < EACH; ++k) {
        const u32 i = threadIdx.x + k * blockDim.x;
        if (i < piece.count) into[piece.to + i] += piece.from[i];
    }
}

// into [count] += x [count]; pointwise.
extern "C" __global__ void __launch_bounds__(256)
    add_accumulate(u32 count, const float* __restrict__ x, float* __restrict__ into) {
    each_element(count, [&](u32 i) { into[i] += x[i]; });
}
