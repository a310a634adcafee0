//@ rescale
struct rescale_${name}_layer {
    int32_t count, zero_x, multiplier, shift, zero, low, high;
};

/* Codes of one scale to codes of another. */
static void rescale_$name(const void *layer, const void *const *rows, void *out, void *scratch)
{
    const struct rescale_${name}_layer *const g = (const struct rescale_${name}_layer *)layer;
    const $X *const x = (const $X *)rows[0];
    $Y *const y = ($Y *)out;
    (void)scratch;
    for (int i = 0; i < g->count; i++) {
        y[i] = ($Y)clamp($requantize(x[i] - g->zero_x, g->multiplier, g->shift) + g->zero, g->low, g->high);
    }
}

//@ look_up
struct look_up_${name}_layer {
    int32_t count;
    const $Y *table;
};

/* A function of one number: the codes of its results, from the smallest code on. */
static void look_up_$name(const void *layer, const void *const *rows, void *out, void *scratch)
{
    const struct look_up_${name}_layer *const g = (const struct look_up_${name}_layer *)layer;
    const $X *const x = (const $X *)rows[0];
    $Y *const y = ($Y *)out;
    (void)scratch;
    for (int i = 0; i < g->count; i++) {
        y[i] = g->table[x[i] - ($LEAST)];
    }
}

//@ unary
struct unary_${name}_layer {
    int32_t count;
};

/* A function of one number. */
static void unary_$name(const void *layer, const void *const *rows, void *out, void *scratch)
{
    const int32_t count = ((const struct unary_${name}_layer *)layer)->count;
    const float *const x = (const float *)rows[0];
    float *const y = (float *)out;
    (void)scratch;
    for (int i = 0; i < count; i++) {
        const float v = x[i];
        y[i] = $VALUE;
    }
}

//@ binary
/* a is (outer, middle, inner); b is (middle) and the same for every outer and inner. Either may be a constant. */
struct binary_layer_$name {
    int outer, middle, inner;
    const void *a, *b;
    int row_a, row_b;
    $A ${FIELDS}low, high;
};

static void binary_$name(const void *layer, const void *const *rows, void *out, void *scratch)
{
    const struct binary_layer_$name *const g = (const struct binary_layer_$name *)layer;
    const $X *a = (const $X *)(g->a ? g->a : rows[g->row_a]);
    const $B *const b = (const $B *)(g->b ? g->b : rows[g->row_b]);
    $Y *y = ($Y *)out;
    (void)scratch;
    for (int o = 0; o < g->outer; o++) {
        for (int m = 0; m < g->middle; m++) {
            for (int i = 0; i < g->inner; i++, a++) {
                const $A v = $SUM;
                *y++ = ($Y)$VALUE;
            }
        }
    }
}
