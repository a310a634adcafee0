//@ rescale
/* Codes of one scale to codes of another. */
static void rescale_$name(const $X *x, $Y *y, int count, int32_t zero_x, int32_t multiplier, int shift, int32_t zero_y,
                          int32_t low, int32_t high)
{
    for (int i = 0; i < count; i++) {
        y[i] = ($Y)clamp(requantize(x[i] - zero_x, multiplier, shift) + zero_y, low, high);
    }
}

//@ look_up
/* A function of one number: the codes of its results, from the smallest code on. */
static void look_up_$name(const $X *x, $Y *y, int count, const $Y *table)
{
    for (int i = 0; i < count; i++) {
        y[i] = table[x[i] - ($LEAST)];
    }
}

//@ unary
/* A function of one number. */
static void unary_$name(const float *x, float *y, int count)
{
    for (int i = 0; i < count; i++) {
        const float v = x[i];
        y[i] = $VALUE;
    }
}

//@ binary
/* a is (outer, middle, inner); b is (middle) and the same for every outer and inner. */
struct binary_layer_$name {
    int outer, middle, inner;
    $A ${FIELDS}low, high;
};

static void binary_$name(const struct binary_layer_$name *g, const $X *a, const $B *b, $Y *y)
{
    for (int o = 0; o < g->outer; o++) {
        for (int m = 0; m < g->middle; m++) {
            for (int i = 0; i < g->inner; i++, a++) {
                const $A v = $SUM;
                *y++ = ($Y)$VALUE;
            }
        }
    }
}
