//@ finish
/* gcc would make copies of kernels for layers of known sizes, and unroll them until sums no longer fit the registers. */
#if defined(__GNUC__) && !defined(__clang__)
#define LANES_ALONE static __attribute__((noclone))
#else
#define LANES_ALONE static
#endif

/* How sums become codes: sum * multiplier / 2^shift, rounded once or twice, and held in a range. Each vector of
   channels has five rows of LANES numbers: bias, multiplier, nudge, nudge where negative, shift (or bias and real
   numbers). Codes are signed here; `flip` makes them unsigned. */
struct lanes_rounding {
    int lift;       /* sums are multiplied by 2^lift, to use all bits of the product */
    uint32_t first; /* what is added to the product before its lower half is dropped */
    int32_t zero, low, high;
    uint32_t flip;
};

//@ exact
struct lanes_scaling {
    lanes multiplier, up, down, shift;
};

LANES_INLINE struct lanes_scaling lanes_scaling_of(const int32_t *rows)
{
    struct lanes_scaling found;
    found.multiplier = lanes_load(rows + LANES);
    found.up = lanes_load(rows + 2 * LANES);
    found.down = lanes_load(rows + 3 * LANES);
    found.shift = lanes_load(rows + 4 * LANES);
    return found;
}

LANES_INLINE lanes lanes_scaled(lanes sum, int lift, uint32_t first, const struct lanes_scaling *by)
{
    const lanes high = lanes_high(sum, lift, by->multiplier, first);
    return lanes_right(lanes_nudge(high, by->up, by->down), by->shift);
}

//@ sums
LANES_INLINE lanes lanes_rounded(const int32_t *sums, const struct lanes_rounding *f, const struct lanes_scaling *by)
{
    return lanes_scaled(lanes_load(sums), f->lift, f->first, by);
}

//@ pixels
/* Four vectors at a time, `pitch` numbers from four to four; the scalings of `vectors` vectors follow each other. */
LANES_ALONE void lanes_finish_fours$way(const int32_t *sums, int times, int pitch, const int32_t *scaling, int vectors,
                                        const struct lanes_rounding *rounding, uint8_t *y, ptrdiff_t apart)
{
    const struct lanes_rounding f = *rounding;
    const struct lanes_scaling$way a = lanes_scaling_of$way(scaling);
    const struct lanes_scaling$way b = lanes_scaling_of$way(scaling + 1 % vectors * 5 * LANES);
    const struct lanes_scaling$way c = lanes_scaling_of$way(scaling + 2 % vectors * 5 * LANES);
    const struct lanes_scaling$way d = lanes_scaling_of$way(scaling + 3 % vectors * 5 * LANES);
    for (int t = 0; t < times; t++, sums += pitch, y += apart) {
        const lanes s0 = lanes_rounded$way(sums, &f, &a), s1 = lanes_rounded$way(sums + LANES, &f, &b);
        const lanes s2 = lanes_rounded$way(sums + 2 * LANES, &f, &c), s3 = lanes_rounded$way(sums + 3 * LANES, &f, &d);
        lanes_store_four(y, s0, s1, s2, s3, f.zero, f.low, f.high, f.flip);
    }
}

/* Sums, (pixels, vectors), as codes `apart` bytes from pixel to pixel, of which `channels` count. Where pixels have no
   gap between them, four vectors may be of several. */
LANES_ALONE void lanes_finish$way(const int32_t *sums, int pixels, int vectors, const int32_t *scaling,
                                  const struct lanes_rounding *f, uint8_t *y, ptrdiff_t apart, int channels)
{
    int v = 0, done = 0;
    if (apart == vectors * LANES && 4 % vectors == 0) {
        const int times = pixels * vectors / 4;
        lanes_finish_fours$way(sums, times, 4 * LANES, scaling, vectors, f, y, 4 * LANES);
        done = times * 4 / vectors;
    }
    for (; done == 0 && v + 4 <= vectors && (v + 4) * LANES <= channels; v += 4) {
        lanes_finish_fours$way(sums + v * LANES, pixels, vectors * LANES, scaling + v * 5 * LANES, 4, f, y + v * LANES,
                           apart);
    }
    for (; done < pixels && v < vectors && v * LANES < channels; v++) {
        const struct lanes_scaling$way by = lanes_scaling_of$way(scaling + v * 5 * LANES);
        for (int p = done; p < pixels; p++) {
            const lanes codes = lanes_rounded$way(sums + (p * vectors + v) * LANES, f, &by);
            lanes_store(y + p * apart + v * LANES, codes, f->zero, f->low, f->high, f->flip, channels - v * LANES);
        }
    }
}
