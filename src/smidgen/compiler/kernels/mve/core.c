//@ core
#if !defined(__ARM_FEATURE_MVE)
#error "This is for an Arm core with Helium, its vector extension: give the compiler -mcpu and -mfloat-abi=hard"
#endif
#include <arm_mve.h>

//@ codes
/* What becomes of sums: for each channel a bias, a multiplier and the shift after it, negative because it is to the
   right; the output's zero point and range. */
struct mve_codes {
    const int32_t *bias, *multiplier;
    const int8_t *shift;
    int32_t zero, low, high;
};

//@ scaled
/* Four sums, scaled and $WHERE. */
static inline int32x4_t mve_scaled_$name(int32x4_t sums, int32x4_t multiplier, int32x4_t shift)
{
    const int32x4_t high = $MULTIPLY(sums, multiplier);
    return vrshlq_s32($AWAY, shift);
}

//@ take
/* A row of the input, of which the windows take parts; what they take beyond it is padding. */
struct mve_row {
    int bytes;
    uint8_t fill, flip; /* padding, flipped; what makes signed codes of unsigned ones by exclusive or */
};

/* `count` bytes of a row, or of no row, from `start` on, and up to 15 more, which mean nothing. */
static void mve_take(const struct mve_row *g, const void *row, int start, uint8_t *to, int count)
{
    const uint8x16_t fill = vdupq_n_u8(g->fill), flip = vdupq_n_u8(g->flip);
    const int before = start < 0 ? (-start < count ? -start : count) : 0;
    const uint8_t *from = (const uint8_t *)row;
    int left = row ? g->bytes - start - before : 0;
    for (int i = 0; i < before; i += 16) {
        vstrbq_u8(to + i, fill);
    }
    from = row ? from + start + before : from;
    to += before;
    count -= before;
    for (int whole = (left < count ? left : count) >> 4; whole > 0; whole--, from += 16, to += 16) {
        vstrbq_u8(to, veorq_u8(vldrbq_u8(from), flip));
        count -= 16;
        left -= 16;
    }
    for (; count > 0; count -= 16, left = 0, to += 16) {
        const mve_pred16_t there = vctp8q(left > 0 ? (uint32_t)left : 0);
        vstrbq_u8(to, vpselq_u8(veorq_u8(vldrbq_z_u8(from, there), flip), fill, there));
    }
}
