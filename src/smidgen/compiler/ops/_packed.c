//@ packed
/* Weights of few different values: places in a palette of `bits` each, the first in the lowest bits of a byte. */
struct packed {
    const uint8_t *places;
    const int8_t *palette;
    int bits;
};

static int8_t packed_at(const struct packed *w, ptrdiff_t i)
{
    const ptrdiff_t bit = i * w->bits;
    return w->palette[(w->places[bit >> 3] >> (bit & 7)) & ((1 << w->bits) - 1)];
}

//@ unpack
/* `count` weights from the i-th on. */
static const int8_t *unpack(const struct packed *w, ptrdiff_t i, int count, void *out)
{
    int8_t *const weight = (int8_t *)out;
    for (int k = 0; k < count; k++) {
        weight[k] = packed_at(w, i + k);
    }
    return weight;
}

//@ dot
/* The sum of (x - zero) * w over `count` neighbours, the weights from the i-th on. */
static int32_t dot_packed_$dot(const $X *x, const struct packed *w, ptrdiff_t i, int count, int32_t zero)
{
    int32_t sum = 0;
    for (int k = 0; k < count; k++) {
        sum += (x[k] - zero) * packed_at(w, i + k);
    }
    return sum;
}
