// headers: mma, attention, attention_mma, attention_back
// variants: Tf32, 16; Tf32, 32; Tf32, 64; Bf16, 16; Bf16, 32; Bf16, 64
// Launched by src/ops/attention/cuda.rs: attention on tensor cores, for heads of at most 16, 32 or 64 channels. What the
// kernels do, and their geometry, is in attention_mma.cuh and attention_back.cuh.

template <class P, int HEAD> constexpr int BLOCKS = HEAD < 64 ? 3 : 2;

#define FORWARD(which)                                                                                                      \
    extern "C" __global__ void __launch_bounds__(2 * LINES, BLOCKS<VARIANT>) attention_##which(                             \
        Dims d, const float* __restrict__ q, const float* __restrict__ k, const float* __restrict__ v,                      \
        const u32* __restrict__ lengths, const Mask* __restrict__ mask, float* __restrict__ out,                            \
        float* __restrict__ stats) {                                                                                        \
        which<VARIANT>(d, q, k, v, lengths, mask, out, stats);                                                              \
    }

FORWARD(forward)
FORWARD(forward_whole)

#define BACKWARD(which)                                                                                                     \
    extern "C" __global__ void __launch_bounds__(2 * LINES, BLOCKS<VARIANT>) attention_##which(                             \
        Dims d, const float* __restrict__ q, const float* __restrict__ k, const float* __restrict__ v,                      \
        const float* __restrict__ out, const float* __restrict__ stats, const float* __restrict__ dout,                     \
        const u32* __restrict__ lengths, const Mask* __restrict__ mask, float* __restrict__ dq, float* __restrict__ dk,     \
        float* __restrict__ dv) {                                                                                           \
        which<VARIANT>(d, {q, k, v, out, stats, dout, lengths, mask, dq, dk, dv});                                          \
    }

BACKWARD(backward)
BACKWARD(backward_q)
BACKWARD(backward_kv)
