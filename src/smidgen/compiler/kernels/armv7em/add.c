//@ twice_layer
/* a + b as LiteRT rounds it. The operand of the larger scale, b, counts as half of itself, exactly; the other is scaled
   and rounded twice. Zero points are in `zero_a`, `half` and `zero`. */
struct add_twice {
    int count, first; /* codes of a row; which operand is a */
    int zero_a, multiplier_a, half, shift_a, multiplier, zero, shift;
    struct range range;
};

//@ twice
static void add_row_$name(const void *layer, const void *const *rows, void *out, void *scratch)
{
    const struct add_twice *const g = (const struct add_twice *)layer;
    const $Y *a = (const $Y *)rows[g->first], *b = (const $Y *)rows[1 - g->first];
    const int32_t zero_a = g->zero_a, multiplier_a = g->multiplier_a, half = g->half, shift_a = g->shift_a;
    const int32_t multiplier = g->multiplier, zero = g->zero, shift = g->shift;
    (void)scratch;
    for ($Y *y = ($Y *)out, *const end = y + g->count; y < end;) {
        int32_t sum = zero_a + *a++ * (1 << 20);
        __asm__("smmlar %0, %0, %1, %0" : "+r"(sum) : "r"(multiplier_a));
        sum = ((sum + (sum >> 31) + half) >> shift_a) + *b++ * (1 << 19);
        __asm__("smmlar %0, %0, %1, %0" : "+r"(sum) : "r"(multiplier));
        sum = (sum + ${AWAY}zero) >> shift;
        __asm__("$SATURATE %0, #8, %0, asr #1" : "+r"(sum));
        *y++ = ($Y)sum;
    }
    clamp_codes(&g->range, out, g->count);
}

//@ once_layer
/* a + b or a - b, rounded once: halves of the last bit and the operands' zero points are in `start`. */
struct add_once {
    int count, multiplier_a, multiplier_b, start, shift, zero;
    struct range range;
};

//@ once
static void add_row_$name(const void *layer, const void *const *rows, void *out, void *scratch)
{
    const struct add_once *const g = (const struct add_once *)layer;
    const $Y *a = (const $Y *)rows[0], *b = (const $Y *)rows[1];
    const int32_t multiplier_a = g->multiplier_a, multiplier_b = g->multiplier_b, start = g->start;
    const int32_t shift = g->shift, zero = g->zero;
    (void)scratch;
    for ($Y *y = ($Y *)out, *const end = y + g->count; y < end;) {
        int32_t sum = ((start + *a++ * multiplier_a + *b++ * multiplier_b) >> shift) + zero;
        __asm__("$SATURATE %0, #8, %0" : "+r"(sum));
        *y++ = ($Y)sum;
    }
    clamp_codes(&g->range, out, g->count);
}
