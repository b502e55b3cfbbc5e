// Launched by src/data/cuda.rs. tokens [samples, mirna + site]; map [samples, mirna, site, 3], for whose channels there is 1 where
// miRNA base i and site base site - 1 - j form the channel's pair, and 0 else.

// Of bases; other tokens pair with nothing.
#define BASES 4u
#define CHANNELS 3u

struct Dims {
    u32 mirna, site;
    // Two bits for each two bases: the channel of their pair, or 3.
    u32 pairs;
};

// A block a sample, which writes values side by side.
extern "C" __global__ void __launch_bounds__(256) pairing_map(Dims d, const u8* __restrict__ tokens, float* __restrict__ map) {
    const u32 count = d.mirna * d.site * CHANNELS;
    const u8 *mirna = tokens + (u64)blockIdx.x * (d.mirna + d.site), *end = mirna + d.mirna + d.site;
    map += (u64)blockIdx.x * count;
    for (u32 at = threadIdx.x; at < count; at += blockDim.x) {
        const u32 cell = at / CHANNELS, i = cell / d.site, j = cell - i * d.site;
        const u32 m = mirna[i], s = *(end - 1 - j);
        const bool both = m < BASES && s < BASES;
        map[at] = both && (d.pairs >> 2 * (m * BASES + s) & 3) == at % CHANNELS ? 1.0f : 0.0f;
    }
}
