//@ bits
/* Blocks of weights first + step * place, places of `bits` bits each: a byte has one of the first four weights in its
   lowest bits, then one of the next four. */
struct bits {
    const int32_t *weight;
    int words, fours; /* of a block: words, weights in fours */
    int bits, step, first;
};

/* A block, in whole words. */
static const int8_t *unpack_block(const struct bits *g, int block, int32_t *to)
{
    const int8_t *const found = (const int8_t *)to;
    const int32_t *from = g->weight + block * g->words;
    const uint32_t ones = 0x01010101u, mask = ((1u << g->bits) - 1) * ones, step = (uint32_t)g->step;
    const uint32_t first = ((uint32_t)g->first & 255) * ones, low = first & 0x7f7f7f7fu, high = first & 0x80808080u;
    for (int left = g->fours; left > 0; from++) {
        uint32_t places = (uint32_t)*from;
        for (int k = 8 / g->bits; k && left; k--, left--, places >>= g->bits) {
            const uint32_t four = (places & mask) * step;
            *to++ = (int32_t)(((four & 0x7f7f7f7fu) + low) ^ ((four & 0x80808080u) ^ high));
        }
    }
    return found;
}
