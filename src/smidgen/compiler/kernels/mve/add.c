//@ codes
static inline int32x4_t mve_load_$name(const void *row, int at, mve_pred16_t there)
{
    const $Y *const from = (const $Y *)row + at;
    return $LOAD;
}

static inline void mve_store_$name(void *row, int at, int32x4_t code, int low, int high, mve_pred16_t there)
{
    vstrbq_p_s32((int8_t *)row + at, vminq_s32(vmaxq_s32(code, vdupq_n_s32(low)), vdupq_n_s32(high)), there);
}

//@ twice_layer
/* a + b as LiteRT rounds it. The operand of the larger scale, b, counts as half of itself, exactly; the other is scaled
   and rounded twice. Shifts to the right are negative. */
struct mve_add_twice {
    int first; /* which operand is a */
    int zero_a, lift_a, multiplier_a, shift_a, zero_b, lift_b, multiplier, shift; /* zero points are negative */
    int count, zero, low, high;
};

static inline int32x4_t mve_scaled_alike(int32x4_t value, int multiplier, int shift)
{
    const int32x4_t high = vqrdmulhq_n_s32(value, multiplier);
    return vrshlq_n_s32(vaddq_s32(high, vshrq_n_s32(high, 31)), shift);
}

//@ twice
static void mve_add_twice_$name(const void *layer, const void *const *rows, void *y, void *scratch)
{
    const struct mve_add_twice *const g = (const struct mve_add_twice *)layer;
    const void *const row_a = rows[g->first], *const row_b = rows[1 - g->first];
    (void)scratch;
    for (int i = 0; i < g->count; i += 4) {
        const mve_pred16_t there = vctp32q((uint32_t)(g->count - i));
        int32x4_t a = vshlq_r_s32(vaddq_n_s32(mve_load_$name(row_a, i, there), g->zero_a), g->lift_a);
        const int32x4_t b = vshlq_r_s32(vaddq_n_s32(mve_load_$name(row_b, i, there), g->zero_b), g->lift_b);
        a = vaddq_s32(mve_scaled_alike(a, g->multiplier_a, g->shift_a), b);
        a = vaddq_n_s32(mve_scaled_alike(a, g->multiplier, g->shift), g->zero);
        mve_store_$name(y, i, a, g->low, g->high, there);
    }
}

//@ once_layer
/* a + b or a - b, rounded once: the operands' zero points are in `start`. The shift is to the right and negative. */
struct mve_add_once {
    int multiplier_a, multiplier_b, start, shift;
    int count, zero, low, high;
};

//@ once
static void mve_add_once_$name(const void *layer, const void *const *rows, void *y, void *scratch)
{
    const struct mve_add_once *const g = (const struct mve_add_once *)layer;
    (void)scratch;
    for (int i = 0; i < g->count; i += 4) {
        const mve_pred16_t there = vctp32q((uint32_t)(g->count - i));
        int32x4_t sum = vmlaq_n_s32(vdupq_n_s32(g->start), mve_load_$name(rows[0], i, there), g->multiplier_a);
        sum = vmlaq_n_s32(sum, mve_load_$name(rows[1], i, there), g->multiplier_b);
        mve_store_$name(y, i, vaddq_n_s32(vrshlq_n_s32(sum, g->shift), g->zero), g->low, g->high, there);
    }
}
