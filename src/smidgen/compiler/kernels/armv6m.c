//@ sums
/* Around loops with four sums in r8 to r11: those of the caller are kept, the address of the sums is in r3. */
#define BEGIN_SUMS                                                                                                     \
    ".syntax unified\n"                                                                                                \
    "push {r4-r7, lr}\n"                                                                                               \
    "mov r4, r8\n"                                                                                                     \
    "mov r5, r9\n"                                                                                                     \
    "mov r6, r10\n"                                                                                                    \
    "mov r7, r11\n"                                                                                                    \
    "push {r3-r7}\n"                                                                                                   \
    "ldm r3!, {r4-r7}\n"                                                                                               \
    "mov r8, r4\n"                                                                                                     \
    "mov r9, r5\n"                                                                                                     \
    "mov r10, r6\n"                                                                                                    \
    "mov r11, r7\n"
#define END_SUMS                                                                                                       \
    "mov r4, r8\n"                                                                                                     \
    "mov r5, r9\n"                                                                                                     \
    "mov r6, r10\n"                                                                                                    \
    "mov r7, r11\n"                                                                                                    \
    "pop {r3}\n"                                                                                                       \
    "stm r3!, {r4-r7}\n"                                                                                               \
    "pop {r4-r7}\n"                                                                                                    \
    "mov r8, r4\n"                                                                                                     \
    "mov r9, r5\n"                                                                                                     \
    "mov r10, r6\n"                                                                                                    \
    "mov r11, r7\n"                                                                                                    \
    "pop {r4-r7, pc}\n"

//@ two_by_two
/* Adds to four sums the products of two windows of `places` codes, one after the other, with two filters: of the first
   window with both, then of the second. Loads take an index that rises to 0. */
__attribute__((naked, noinline)) static void two_by_two_$name(__attribute__((unused)) const uint8_t *windows,
                                                              __attribute__((unused)) const int8_t *filters,
                                                              __attribute__((unused)) int places,
                                                              __attribute__((unused)) int32_t *sums)
{
    __asm__ volatile(
        BEGIN_SUMS
        "adds r0, r0, r2\n" /* the ends of windows */
        "adds r3, r0, r2\n"
        "adds r1, r1, r2\n" /* and of filters */
        "adds r7, r1, r2\n"
        "rsbs r2, r2, #0\n"
        "1:\n"
        "$LOAD r4, [r0, r2]\n"
        "$LOAD r5, [r3, r2]\n"
        "ldrsb r6, [r1, r2]\n"
        "muls r6, r4, r6\n"
        "add r8, r8, r6\n"
        "ldrsb r6, [r1, r2]\n"
        "muls r6, r5, r6\n"
        "add r10, r10, r6\n"
        "ldrsb r6, [r7, r2]\n"
        "muls r4, r6, r4\n"
        "add r9, r9, r4\n"
        "muls r5, r6, r5\n"
        "add r11, r11, r5\n"
        "adds r2, r2, #1\n"
        "bne 1b\n" END_SUMS);
}

//@ one_by_four
/* The same of one window with four filters. */
__attribute__((naked, noinline)) static void one_by_four_$name(__attribute__((unused)) const void *window,
                                                               __attribute__((unused)) const int8_t *filters,
                                                               __attribute__((unused)) int places,
                                                               __attribute__((unused)) int32_t *sums)
{
    __asm__ volatile(
        BEGIN_SUMS
        "adds r0, r0, r2\n"
        "adds r1, r1, r2\n"
        "adds r3, r1, r2\n"
        "adds r4, r3, r2\n"
        "adds r5, r4, r2\n"
        "rsbs r2, r2, #0\n"
        "1:\n"
        "$LOAD r6, [r0, r2]\n"
        "ldrsb r7, [r1, r2]\n"
        "muls r7, r6, r7\n"
        "add r8, r8, r7\n"
        "ldrsb r7, [r3, r2]\n"
        "muls r7, r6, r7\n"
        "add r9, r9, r7\n"
        "ldrsb r7, [r4, r2]\n"
        "muls r7, r6, r7\n"
        "add r10, r10, r7\n"
        "ldrsb r7, [r5, r2]\n"
        "muls r7, r6, r7\n"
        "add r11, r11, r7\n"
        "adds r2, r2, #1\n"
        "bne 1b\n" END_SUMS);
}

//@ gather
/* Where windows lie in rows: runs of so many bytes in each, so many bytes apart. */
struct window {
    int bytes, stride, left, fill; /* of a row; from a window to the next, of padding; what that is */
    int rows, runs, run, apart;
};

/* A window, one run after the other. */
static void gather_window(const struct window *g, const void *const *rows, int x, uint8_t *window)
{
    for (int k = 0; k < g->rows; k++) {
        int start = x * g->stride - g->left;
        for (int n = 0; n < g->runs; n++, start += g->apart, window += g->run) {
            const int first = start < 0 ? -start : 0, end = start + g->run > g->bytes ? g->bytes - start : g->run;
            if (!rows[k] || first || end < g->run) {
                memset(window, g->fill, (size_t)g->run);
            }
            if (rows[k] && first < end) {
                memcpy(window + first, (const uint8_t *)rows[k] + start + first, (size_t)(end - first));
            }
        }
    }
}

//@ scaled
/* sum * multiplier / 2^31 of a multiplier of 31 bits, rounded $WHERE: from products of halves. */
static int32_t scaled_$name(int32_t sum, int32_t multiplier)
{
    const int32_t high = sum >> 16, factor = multiplier >> 16;
    const uint32_t low = (uint32_t)sum & 0xffff, rest = (uint32_t)multiplier & 0xffff;
    const int32_t left = high * (int32_t)rest;
    const uint32_t right = low * (uint32_t)factor, last = low * rest;
    const int32_t carried = (left & 0xffff) + (int32_t)(right & 0xffff) + (int32_t)(last >> 16) + $HALF;
    return 2 * (high * factor + (left >> 16) + (int32_t)(right >> 16)) + (carried >> 15);
}

//@ finish
/* What becomes of sums: for each channel bias * 32 + shift - 1 and a multiplier; the zero point, twice and 1. */
struct codes_$name {
    const int32_t *channel;
    int zero, low, high;
};

static $Y codes_of_$name(const struct codes_$name *g, int channel, int32_t sum)
{
    const int32_t *const own = g->channel + 2 * channel;
    const int shift = own[0] & 31;
    const int32_t value = scaled_$scaled(sum, own[1]);
    const int32_t code = ((value + ${AWAY}g->zero * ((int32_t)1 << shift)) >> shift) >> 1;
    return ($Y)(code < g->low ? g->low : (code > g->high ? g->high : code));
}

//@ conv2d
struct conv2d_pairs${FORM}_$name {
    struct window window;
    $WEIGHT;
    int places, outputs, width;
    struct codes_$name codes;
};

/* A row of a convolution. An odd last channel is made together with the one before, again. */
static void conv2d_pairs${FORM}_$name(const void *layer, const void *const *rows, void *out, void *scratch)
{
    const struct conv2d_pairs${FORM}_$name *const g = (const struct conv2d_pairs${FORM}_$name *)layer;
    uint8_t *const windows = (uint8_t *)scratch;
    int32_t *const filters = (int32_t *)scratch + (2 * g->places + 3) / 4; /* of packed weights */
    $Y *y = ($Y *)out;
    (void)filters;
    for (int x = 0; x < g->width; x += 2, y += 2 * g->outputs) {
        const int both = x + 1 < g->width;
        gather_window(&g->window, rows, x, windows);
        gather_window(&g->window, rows, x + both, windows + g->places);
        for (int channel = 0; channel < g->outputs; channel += 2) {
            const int c = channel + 1 < g->outputs ? channel : g->outputs - 2;
            const int32_t first = g->codes.channel[2 * c] >> 5, second = g->codes.channel[2 * c + 2] >> 5;
            int32_t sums[4] = {first, second, first, second};
            two_by_two_$x(windows, $FROM, g->places, sums);
            for (int i = 0; i < 4 && (both || i < 2); i++) {
                y[(i >> 1) * g->outputs + c + (i & 1)] = codes_of_$name(&g->codes, c + (i & 1), sums[i]);
            }
        }
    }
}

//@ depthwise
struct depthwise_window_$name {
    struct window window;
    const int8_t *weight; /* (places, channels) */
    int places, channels, width;
    struct codes_$name codes;
};

/* A row of a depthwise convolution, from windows of all channels. */
static void depthwise_window_$name(const void *layer, const void *const *rows, void *out, void *scratch)
{
    const struct depthwise_window_$name *const g = (const struct depthwise_window_$name *)layer;
    $Y *y = ($Y *)out;
    for (int x = 0; x < g->width; x++) {
        gather_window(&g->window, rows, x, (uint8_t *)scratch);
        for (int c = 0; c < g->channels; c++) {
            const $X *code = (const $X *)scratch + c;
            const int8_t *weight = g->weight + c;
            int32_t sum = g->codes.channel[2 * c] >> 5;
            for (int i = g->places; i; i--, code += g->channels, weight += g->channels) {
                sum += *code * *weight;
            }
            *y++ = codes_of_$name(&g->codes, c, sum);
        }
    }
}

//@ dense
struct dense_fours${FORM}_$name {
    $WEIGHT;
    int places, outputs;
    struct codes_$name codes;
};

/* Four outputs at a time; the last four once more if there are no whole fours. */
static void dense_fours${FORM}_$name(const struct dense_fours${FORM}_$name *g, const void *x, $Y *y, void *scratch)
{
    int32_t *const filters = (int32_t *)scratch; /* of packed weights */
    (void)filters;
    for (int output = 0; output < g->outputs; output += 4) {
        const int c = output + 4 > g->outputs ? g->outputs - 4 : output;
        int32_t sums[4];
        for (int i = 0; i < 4; i++) {
            sums[i] = g->codes.channel[2 * (c + i)] >> 5;
        }
        one_by_four_$x(x, $FROM, g->places, sums);
        for (int i = 0; i < 4; i++) {
            y[c + i] = codes_of_$name(&g->codes, c + i, sums[i]);
        }
    }
}
