//@ softmax
/* exp(x) over its sum, for each row; the greatest x is taken off first, so that nothing overflows. */
static void softmax(const float *x, float *y, int rows, int count)
{
    for (int row = 0; row < rows; row++, x += count, y += count) {
        float most = x[0], sum = 0;
        for (int i = 1; i < count; i++) {
            most = x[i] > most ? x[i] : most;
        }
        for (int i = 0; i < count; i++) {
            y[i] = expf(x[i] - most);
            sum += y[i];
        }
        for (int i = 0; i < count; i++) {
            y[i] /= sum;
        }
    }
}

//@ exp
/* Fixed-point numbers: "of n integer bits" counts in units of 2^(n - 31). The product of one of 0 integer bits and
   another, halfway up. */
static int32_t fixed_product(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/* x / 2^bits, halfway away from 0; bits is at least 1. */
static int32_t fixed_part(int32_t x, int bits)
{
    return (int32_t)((x + ((int64_t)1 << (bits - 1)) - (x < 0)) >> bits);
}

/* exp(x), of 0 integer bits, of x <= 0 of 5: a series about -1/8 for what is left of whole quarters, and those by the
   powers of two that they are made of, exp(-1/4), exp(-1/2) and so on to exp(-16). */
static int32_t fixed_exp(int32_t x)
{
    static const int32_t powers[] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
    const int32_t eighth = 1895147668 /* exp(-1/8) */, third = 715827883, quarter = (int32_t)1 << 24;
    const int32_t part = (x & (quarter - 1)) - quarter, z = part * 32 + ((int32_t)1 << 28);
    const int32_t square = fixed_product(z, z), cube = fixed_product(square, z), fourth = fixed_product(square, square);
    const int32_t series = fixed_part(fixed_product(fixed_part(fourth, 2) + cube, third) + square, 1);
    int32_t result = eighth + fixed_product(eighth, z + series);
    for (int i = 0; i < 7; i++) {
        if ((part - x) >> (24 + i) & 1) {
            result = fixed_product(result, powers[i]);
        }
    }
    return x ? result : INT32_MAX;
}

//@ fixed
/* 1 / (1 + x) of x from 0 to 1, both of 0 integer bits: Newton's method with 2 integer bits, from 48/17 - 32/17 d. */
static int32_t fixed_reciprocal(int32_t x)
{
    const int32_t half = (int32_t)(((int64_t)x + ((int64_t)1 << 31)) >> 1);
    int32_t found = 1515870810 + fixed_product(half, -1010580540);
    for (int i = 0; i < 3; i++) {
        found += 4 * fixed_product(found, ((int32_t)1 << 29) - fixed_product(half, found));
    }
    return found < (int32_t)1 << 30 ? 2 * found : INT32_MAX;
}

/* Softmax of codes, for each row, to codes of the scale 1/256 from -128 on. A difference to the greatest code that is
   less than `least` counts as minus infinity; multiplier / 2^shift takes others to 5 integer bits. */
static void softmax_fixed(const int8_t *x, int8_t *y, int rows, int count, int32_t multiplier, int shift, int least)
{
    for (int row = 0; row < rows; row++, x += count, y += count) {
        int most = x[0], bits = 0;
        int32_t sum = 0;
        for (int i = 1; i < count; i++) {
            most = x[i] > most ? x[i] : most;
        }
        for (int i = 0; i < count; i++) {
            if (x[i] - most >= least) {
                sum += fixed_part(fixed_exp((int32_t)requantize(x[i] - most, multiplier, shift)), 12);
            }
        }
        while (sum >> bits) {
            bits++;
        }
        const int32_t inverse = fixed_reciprocal((int32_t)(((uint32_t)sum << (32 - bits)) - ((uint32_t)1 << 31)));
        for (int i = 0; i < count; i++) {
            int32_t code = -128;
            if (x[i] - most >= least) {
                const int32_t power = fixed_exp((int32_t)requantize(x[i] - most, multiplier, shift));
                code += fixed_part(fixed_product(power, inverse), bits + 3);
            }
            y[i] = (int8_t)(code < 127 ? code : 127);
        }
    }
}

//@ of_table
/* Softmax of codes, for each row: shares of exponentials, which lie in a table from the greatest code on down. The
   scale of the output is 2^shift / scale. */
static void softmax_$name(const $X *x, $Y *y, int rows, int count, const int32_t *table, int32_t scale, int shift,
                          int32_t zero, int32_t low, int32_t high)
{
    for (int row = 0; row < rows; row++, x += count, y += count) {
        int most = x[0];
        int64_t sum = 0;
        for (int i = 1; i < count; i++) {
            most = x[i] > most ? x[i] : most;
        }
        for (int i = 0; i < count; i++) {
            sum += table[most - x[i]];
        }
        for (int i = 0; i < count; i++) {
            const int64_t share = ((int64_t)table[most - x[i]] * scale + sum * (1 << (shift - 1))) / (sum * (1 << shift));
            y[i] = ($Y)clamp(share + zero, low, high);
        }
    }
}

//@ shares
/* a / b, at most 1, without floating-point instructions: 24 binary digits by long division, cut off. */
static float quotient(uint32_t a, uint32_t b)
{
    uint32_t digits = 0, bits = 127;
    float result = 0;
    for (; a && a < b; a *= 2) {
        bits--;
    }
    for (int i = 0; i < 24; i++) {
        digits = 2 * digits + (a >= b);
        a = 2 * (a >= b ? a - b : a);
    }
    if (digits) {
        bits = bits << 23 | (digits & 0x7fffff);
        memcpy(&result, &bits, sizeof result);
    }
    return result;
}

/* exp(x) in units of 2^(headroom - 31), of x <= 0 in units of 2^-20. */
static uint32_t power(int64_t x, int headroom)
{
    return x < -((int32_t)1 << 25) ? 0 : (uint32_t)fixed_exp((int32_t)(x * 64)) >> headroom;
}

/* Softmax of logits in units of 2^-20, for each row; the sum of so many exponentials needs `headroom` bits. */
static void softmax_shares(const int32_t *x, float *y, int rows, int count, int headroom)
{
    for (int row = 0; row < rows; row++, x += count, y += count) {
        int64_t most = x[0];
        uint32_t sum = 0;
        for (int i = 1; i < count; i++) {
            most = x[i] > most ? x[i] : most;
        }
        for (int i = 0; i < count; i++) {
            sum += power(x[i] - most, headroom);
        }
        for (int i = 0; i < count; i++) {
            y[i] = quotient(power(x[i] - most, headroom), sum);
        }
    }
}
