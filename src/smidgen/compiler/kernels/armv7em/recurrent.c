//@ words
/* Four bytes as two pairs of 16-bit numbers, the even and the odd ones. */
#define PAIRS(extend, even, odd, word)                                                                                 \
    __asm__(extend " %0, %2\n" extend " %1, %2, ror #8" : "=&r"(even), "=r"(odd) : "r"(word))

static inline int32_t multiply_pairs(int32_t a, int32_t b, int32_t sum)
{
    __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
    return sum;
}

//@ of_state
/* Four numbers of a state, as they lie; weights have the second and third of each four in each other's place. */
static inline void take_state(const int16_t *x, int32_t *even, int32_t *odd)
{
    memcpy(even, x, 4);
    memcpy(odd, x + 2, 4);
}

//@ of_codes
static inline void take_$name(const $X *x, int32_t *even, int32_t *odd)
{
    int32_t word;
    memcpy(&word, x, 4);
    PAIRS("$EXTEND", *even, *odd, word);
}

//@ rows
/* y[i] = bias[i] + scale[i] * sum of w[i, :] * x, all codes: two rows at a time, four columns in each turn. */
static void rows_$name(const void *weight, const float *scale, const float *bias, const $X *x, float *y, int outputs,
                       int inputs)
{
    const int8_t *w = (const int8_t *)weight;
    for (int i = 0; i < outputs; i += 2, w += 2 * inputs) {
        const int8_t *const a = w, *const b = i + 1 < outputs ? w + inputs : w;
        int32_t sum_a = 0, sum_b = 0;
        int k = 0;
        for (; k + 4 <= inputs; k += 4) {
            int32_t word, even, odd, x_even, x_odd;
            take_$take(x + k, &x_even, &x_odd);
            memcpy(&word, a + k, 4);
            PAIRS("sxtb16", even, odd, word);
            sum_a = multiply_pairs(x_odd, odd, multiply_pairs(x_even, even, sum_a));
            memcpy(&word, b + k, 4);
            PAIRS("sxtb16", even, odd, word);
            sum_b = multiply_pairs(x_odd, odd, multiply_pairs(x_even, even, sum_b));
        }
        for (; k < inputs; k++) {
            sum_a += a[k] * x[k];
            sum_b += b[k] * x[k];
        }
        y[i] = bias[i] + (float)sum_a * scale[i];
        if (i + 1 < outputs) {
            y[i + 1] = bias[i + 1] + (float)sum_b * scale[i + 1];
        }
    }
}
