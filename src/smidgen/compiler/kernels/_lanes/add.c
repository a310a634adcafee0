//@ shape
/* a + b, or a - b. */
struct lanes_add_$name {
    int count;
    uint32_t flip_a, flip_b;
    $fields;
    struct lanes_rounding rounding;
};

//@ alike
/* One multiplier, nudge, nudge where negative and shift for all lanes. */
LANES_INLINE struct lanes_scaling lanes_scaling_alike(const int32_t *numbers)
{
    struct lanes_scaling found;
    found.multiplier = lanes_fill(numbers[0]);
    found.up = lanes_fill(numbers[1]);
    found.down = lanes_fill(numbers[2]);
    found.shift = lanes_fill(numbers[3]);
    return found;
}

//@ row
/* Codes of the output less its zero point, `count` of them or as many as there are lanes. */
LANES_INLINE lanes lanes_added_$name(const struct lanes_add_$name *g, const uint8_t *a, const uint8_t *b, int count)
{
    const lanes first = lanes_widen(a, g->flip_a, count), second = lanes_widen(b, g->flip_b, count);
$sum
}

static void add_lanes_$name(const void *layer, const void *const *rows, void *out, void *scratch)
{
    const struct lanes_add_$name g = *(const struct lanes_add_$name *)layer;
    const struct lanes_rounding f = g.rounding;
    const uint8_t *a = (const uint8_t *)rows[0], *b = (const uint8_t *)rows[1];
    uint8_t *y = (uint8_t *)out;
    int count = g.count;
    (void)scratch;
    for (; count >= 4 * LANES; count -= 4 * LANES, a += 4 * LANES, b += 4 * LANES, y += 4 * LANES) {
        const lanes s0 = lanes_added_$name(&g, a, b, LANES);
        const lanes s1 = lanes_added_$name(&g, a + LANES, b + LANES, LANES);
        const lanes s2 = lanes_added_$name(&g, a + 2 * LANES, b + 2 * LANES, LANES);
        const lanes s3 = lanes_added_$name(&g, a + 3 * LANES, b + 3 * LANES, LANES);
        lanes_store_four(y, s0, s1, s2, s3, f.zero, f.low, f.high, f.flip);
    }
    for (; count > 0; count -= LANES, a += LANES, b += LANES, y += LANES) {
        lanes_store(y, lanes_added_$name(&g, a, b, count), f.zero, f.low, f.high, f.flip, count);
    }
}
