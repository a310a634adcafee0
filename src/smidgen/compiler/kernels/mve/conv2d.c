//@ dots
/* The products of the windows of three pixels, `run` bytes each, with four filters of `places` weights: sums of a pixel
   follow each other. Codes are in q1 and q3, weights in q0 and q2; sums need even registers. */
__attribute__((naked, noinline)) static void mve_dots_3x4(__attribute__((unused)) const int8_t *windows,
                                                          __attribute__((unused)) int run,
                                                          __attribute__((unused)) const int8_t *weight,
                                                          __attribute__((unused)) int places,
                                                          __attribute__((unused)) int32_t *sums)
{
    __asm__ volatile(
        "push {r3-r11, lr}\n"
        "ldr r12, [sp, #40]\n"
        "mov r9, r2\n"
        "add r11, r2, r3\n"
        "mov r7, r1\n"
        "mov r1, r0\n"
        "add r3, r1, r7\n"
        "add r5, r3, r7\n"
        ".rept 2\n"
        "lsr lr, r7, #4\n"
        "mov r0, #0\n"
        "mov r2, #0\n"
        "mov r4, #0\n"
        "mov r6, #0\n"
        "mov r8, #0\n"
        "mov r10, #0\n"
        "dls lr, lr\n"
        "1:\n"
        "vldrb.8 q0, [r9], #16\n"
        "vldrb.8 q1, [r1], #16\n"
        "vmladava.s8 r0, q1, q0\n"
        "vldrb.8 q2, [r11], #16\n"
        "vmladava.s8 r2, q1, q2\n"
        "vldrb.8 q3, [r3], #16\n"
        "vmladava.s8 r4, q3, q0\n"
        "vldrb.8 q1, [r5], #16\n"
        "vmladava.s8 r6, q3, q2\n"
        "vmladava.s8 r8, q1, q0\n"
        "vmladava.s8 r10, q1, q2\n"
        "le lr, 1b\n"
        "strd r0, r2, [r12], #8\n"
        "strd r4, r6, [r12, #8]\n"
        "strd r8, r10, [r12, #24]\n"
        "ldr r0, [sp]\n"
        "sub r1, r1, r7\n"
        "sub r3, r3, r7\n"
        "sub r5, r5, r7\n"
        "sub r11, r11, r7\n"
        "add r9, r11, r0\n"
        "add r11, r9, r0\n"
        ".endr\n"
        "pop {r3-r11, pc}\n");
}

/* The same of one pixel. */
static void mve_dots_1x4(const int8_t *window, int run, const int8_t *weight, int places, int32_t *sums)
{
    const int8_t *first = weight, *second = weight + places, *third = second + places, *fourth = third + places;
    int32_t a = 0, b = 0, c = 0, d = 0;
    for (int left = run; left > 0; left -= 16, window += 16, first += 16, second += 16, third += 16, fourth += 16) {
        const int8x16_t codes = vldrbq_s8(window);
        a = vmladavaq_s8(a, codes, vldrbq_s8(first));
        b = vmladavaq_s8(b, codes, vldrbq_s8(second));
        c = vmladavaq_s8(c, codes, vldrbq_s8(third));
        d = vmladavaq_s8(d, codes, vldrbq_s8(fourth));
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

//@ finish
/* Codes of four channels of `pixels` pixels; `scaling` is where the first one's multiplier and shift are. */
static inline void mve_finish_$name(const struct mve_codes *g, int channel, int scaling, const int32_t *sums, int pixels,
                                    uint8_t *y, int apart)
{
    const int32x4_t bias = vldrwq_s32(g->bias + channel), multiplier = vldrwq_s32(g->multiplier + scaling);
    const int32x4_t shift = vldrbq_s32(g->shift + scaling);
    const int32x4_t low = vdupq_n_s32(g->low), high = vdupq_n_s32(g->high);
    const int32_t zero = g->zero;
    for (y += channel; pixels > 0; pixels--, sums += 4, y += apart) {
        const int32x4_t scaled = mve_scaled_$name(vaddq_s32(vldrwq_s32(sums), bias), multiplier, shift);
        vstrbq_s32((int8_t *)y, vminq_s32(vmaxq_s32(vaddq_n_s32(scaled, zero), low), high));
    }
}

//@ layer
/* A convolution, or a dense layer as one of a single pixel. Windows are gathered from padded rows as one run of bytes
   each, with zeros up to a multiple of 16; what follows a filter in memory meets these. */
struct mve_conv2d {
    struct mve_row row;
    int left, pitch, stride;    /* bytes: padding, a padded row or 0 where windows are pixels, from one to the next */
    int rows, runs, run, apart; /* of a window: rows, runs of bytes of each, of a run, from one to the next */
    const int8_t *weight;       /* (outputs, places) */
    int places, outputs, width;
    struct mve_codes codes;
};

//@ window
static inline void mve_window(const struct mve_conv2d *g, const uint8_t *from, uint8_t *window)
{
    const int run = g->run, vectors = (run + 15) >> 4, runs = g->runs, apart = g->apart, pitch = g->pitch;
    for (int k = g->rows; k > 0; k--, from += pitch) {
        const uint8_t *start = from;
        for (int n = runs; n > 0; n--, start += apart, window += run) {
            const uint8_t *codes = start;
            uint8_t *to = window;
            for (int v = vectors; v; v--, codes += 16, to += 16) {
                vstrbq_u8(to, vldrbq_u8(codes));
            }
        }
    }
    vstrbq_u8(window, vdupq_n_u8(0));
}

//@ row
/* Four channels of three pixels at a time; the last four once more where there are no whole fours. */
static void mve_conv2d_$name(const void *layer, const void *const *rows, void *out, void *scratch)
{
    const struct mve_conv2d *const g = (const struct mve_conv2d *)layer;
    const int run = (g->places + 15) & ~15, outputs = g->outputs;
    uint8_t *y = (uint8_t *)out, *const lines = (uint8_t *)scratch + 3 * run + 16;
    for (int k = 0; g->pitch && k < g->rows; k++) {
        mve_take(&g->row, rows[k], -g->left, lines + k * g->pitch, g->pitch);
    }
    for (int x = 0; x < g->width; x += 3, y += 3 * outputs) {
        const int pixels = g->width - x < 3 ? g->width - x : 3;
        const int8_t *const windows = (const int8_t *)scratch;
        for (int p = 0; p < pixels; p++) {
            uint8_t *const window = (uint8_t *)scratch + p * run;
            if (g->pitch) {
                mve_window(g, lines + (x + p) * g->stride, window);
            } else {
                mve_take(&g->row, rows[0], (x + p) * g->stride, window, g->places);
                vstrbq_u8(window + g->places, vdupq_n_u8(0));
            }
        }
        for (int channel = 0; channel < outputs; channel += 4) {
            const int c = channel + 4 > outputs ? outputs - 4 : channel;
            const int8_t *const weight = g->weight + c * g->places;
            int32_t sums[12];
            if (pixels == 3) {
                mve_dots_3x4(windows, run, weight, g->places, sums);
            } else {
                mve_dots_1x4(windows, run, weight, g->places, sums);
                mve_dots_1x4(windows + (pixels - 1) * run, run, weight, g->places, sums + (pixels - 1) * 4);
            }
            mve_finish_$name(&g->codes, c, c, sums, pixels, y, outputs);
        }
    }
}

//@ dense
/* Multipliers may be `alike`: then there are but those of four. */
static void mve_dense_$name(const struct mve_conv2d *g, const void *x, void *y, void *scratch, int alike)
{
    const int run = (g->places + 15) & ~15;
    const int8_t *window = (const int8_t *)x;
    if (scratch) {
        mve_take(&g->row, x, 0, (uint8_t *)scratch, g->places);
        vstrbq_u8((uint8_t *)scratch + g->places, vdupq_n_u8(0));
        window = (const int8_t *)scratch;
    }
    for (int channel = 0; channel < g->outputs; channel += 4) {
        const int c = channel + 4 > g->outputs ? g->outputs - 4 : channel;
        int32_t sums[4];
        mve_dots_1x4(window, run, g->weight + c * g->places, g->places, sums);
        mve_finish_$name(&g->codes, c, alike ? 0 : c, sums, 1, (uint8_t *)y, 0);
    }
}
