//@ layer
/* A convolution of each channel by itself, 8 channels of 2 pixels at a time. Places of a window come in pairs, whose
   products are summed in 16 bits; one without a partner has another of weight 0. */
struct mve_depthwise {
    struct mve_row row;
    int left, pitch;         /* bytes of padding before a row, of a row with its padding */
    int rows, pairs, stride; /* of a window; bytes from a window to the next */
    int channels, width;
    const int32_t *place;    /* of each pair where its codes lie in padded rows, in bytes */
    const int8_t *weight;    /* (channels / 8, pairs, 2, 8) */
    struct mve_codes codes;  /* of 8 channels the even ones first */
};

/* Two products of each of 8 channels, added to the sums of the even and of the odd ones. */
#define MVE_PAIR(even, odd)                                                                                            \
    "vldrb.s16 %q[codes], [%[left]]\n"                                                                                 \
    "vmul.i16 %q[codes], %q[codes], %q[first]\n"                                                                       \
    "vldrb.s16 %q[others], [%[right]]\n"                                                                               \
    "vmul.i16 %q[others], %q[others], %q[second]\n"                                                                    \
    "vadd.i16 %q[codes], %q[codes], %q[others]\n"                                                                      \
    "vmovlb.s16 %q[others], %q[codes]\n"                                                                               \
    "vadd.i32 %q[" even "], %q[" even "], %q[others]\n"                                                                \
    "vmovlt.s16 %q[codes], %q[codes]\n"                                                                                \
    "vadd.i32 %q[" odd "], %q[" odd "], %q[codes]\n"

//@ finish
/* Sums of the even and of the odd ones of 8 channels as codes, in their order. */
static inline int16x8_t mve_codes_$name(const struct mve_codes *g, int channel, int32x4_t even, int32x4_t odd)
{
    const int16x8_t low = vdupq_n_s16((int16_t)g->low), high = vdupq_n_s16((int16_t)g->high);
    const int32_t *const multiplier = g->multiplier + channel;
    const int8_t *const shift = g->shift + channel;
    const int32x4_t evens = mve_scaled_$name(even, vldrwq_s32(multiplier), vldrbq_s32(shift));
    const int32x4_t odds = mve_scaled_$name(odd, vldrwq_s32(multiplier + 4), vldrbq_s32(shift + 4));
    const int16x8_t code = vqmovntq_s32(vqmovnbq_s32(low, evens), odds);
    return vminq_s16(vmaxq_s16(vqaddq_n_s16(code, (int16_t)g->zero), low), high);
}

//@ row
static void mve_depthwise_$name(const void *layer, const void *const *rows, void *out, void *scratch)
{
    const struct mve_depthwise *const g = (const struct mve_depthwise *)layer;
    const int size = g->pairs * 16;
    for (int k = 0; k < g->rows; k++) {
        mve_take(&g->row, rows[k], -g->left, (uint8_t *)scratch + k * g->pitch, g->pitch);
    }
    for (int c = 0; c < g->channels; c += 8) {
        const mve_pred16_t there = vctp16q((uint32_t)(g->channels - c));
        const int8_t *x = (const int8_t *)scratch + c;
        int8_t *y = (int8_t *)out + c;
        for (int pixel = 0; pixel < g->width; pixel += 2, x += 2 * g->stride, y += 2 * g->channels) {
            const int both = pixel + 1 < g->width;
            const int8_t *weight = g->weight + (c >> 3) * size;
            const int32_t *place = g->place;
            int32x4_t even = vldrwq_s32(g->codes.bias + c), odd = vldrwq_s32(g->codes.bias + c + 4);
            int32x4_t next_even = even, next_odd = odd;
            int16x8_t first, second, codes, others; /* weights of a pair; its products */
            const int8_t *left, *right;
            __asm__(
                "dls lr, %[pairs]\n"
                "1:\n"
                "ldrd %[left], %[right], [%[place]], #8\n"
                "add %[left], %[x]\n"
                "add %[right], %[x]\n"
                "vldrb.s16 %q[first], [%[weight]], #8\n"
                "vldrb.s16 %q[second], [%[weight]], #8\n" MVE_PAIR("even", "odd")
                "add %[left], %[step]\n"
                "add %[right], %[step]\n" MVE_PAIR("next_even", "next_odd")
                "le lr, 1b\n"
                : [even] "+w"(even), [odd] "+w"(odd), [next_even] "+w"(next_even), [next_odd] "+w"(next_odd),
                  [first] "=&w"(first), [second] "=&w"(second), [codes] "=&w"(codes), [others] "=&w"(others),
                  [left] "=&l"(left), [right] "=&l"(right), [place] "+r"(place), [weight] "+l"(weight)
                : [x] "r"(x), [step] "r"(both ? g->stride : 0), [pairs] "r"(g->pairs)
                : "lr", "memory");
            const int16x8_t next = mve_codes_$name(&g->codes, c, next_even, next_odd);
            vstrbq_p_s16(y, mve_codes_$name(&g->codes, c, even, odd), there);
            if (both) {
                vstrbq_p_s16(y + g->channels, next, there);
            }
        }
    }
}
