//@ plane
/* A channel as 16-bit numbers in a padded plane, and where the outputs of a 3x3 window over it go. */
struct plane {
    const int16_t *first;
    uint8_t *y;
    int32_t pitch;      /* bytes of a row of the plane, a multiple of 4 */
    int32_t pixel;      /* bytes from an output to the next */
    int32_t zero;       /* twice the zero point, and 1 */
    int32_t rows;       /* of the output */
    int32_t twos, ones; /* bytes of a row of the plane for its pairs of outputs and for its single ones: 4 each */
    int32_t next;       /* bytes from there to the first window of the next row */
    int32_t y_next;     /* bytes from the end of a row of the output to the next */
};

//@ depthwise_plane
/* Weights: 9 of the channel. Sums are in r2 and r3, the row's numbers in r4 and r5, pairs of weights in r6 to r11. */
#define ONE_$name(low, high) "smlad r2, r4, " low ", r2\nsmlabt r2, r5, " high ", r2\n"
#define TWO_$name(low, high) ONE_$name(low, high) "smlatb r3, r4, " low ", r3\nsmlad r3, r5, " high ", r3\n"
#define ROWS_$name(SUM)                                                                                                \
    "ldrd r4, r5, [r0], #4\n" SUM("r6", "r7")                                                                          \
    "add r4, r0, r12\n"                                                                                                \
    "ldrd r4, r5, [r4, #-4]\n" SUM("r8", "r9")                                                                         \
    "add r4, r0, r12, lsl #1\n"                                                                                        \
    "ldrd r4, r5, [r4, #-4]\n" SUM("r10", "r11")
#define SCALE_$name(sum) "$MULTIPLY " sum ", " sum ", r4, " sum "\n"$AWAY "add " sum ", " sum ", r5\n"
#define NARROW_$name(sum) "asr " sum ", " sum ", r4\n$SATURATE " sum ", #8, " sum ", asr #1\n"
__attribute__((naked, noinline)) static void depthwise_$name(__attribute__((unused)) const struct plane *plane,
                                                             __attribute__((unused)) const int8_t *weight,
                                                             __attribute__((unused)) const int32_t *channel)
{
    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "ldrd r4, r5, [r2]\n" /* bias * 32 + shift - 1, multiplier */
        "asr r3, r4, #5\n"
        "and r4, r4, #31\n"
        "ldr r6, [r0, #16]\n" /* zero */
        "lsl r6, r6, r4\n"
        "vmov s0, r3\n"
        "vmov s1, r5\n"
        "vmov s2, r6\n"
        "vmov s3, r4\n"
        "add r2, r0, #20\n"
        "ldm r2, {r2-r6}\n" /* rows, twos, ones, next, y_next */
        "vmov s4, r2\n"
        "vmov s5, r3\n"
        "vmov s6, r4\n"
        "vmov s7, r5\n"
        "vmov s10, r6\n"
        "ldr r4, [r1]\n"
        "ldr r5, [r1, #4]\n"
        "ldrsb r11, [r1, #8]\n"
        "ldm r0, {r0, r1, r12, lr}\n" /* plane, y, pitch, pixel */
        "sxtb16 r6, r4\n"             /* w0 w2 */
        "sxtb16 r7, r4, ror #8\n"     /* w1 w3 */
        "sxtb16 r9, r5\n"             /* w4 w6 */
        "sxtb16 r10, r5, ror #8\n"    /* w5 w7 */
        "lsr r8, r7, #16\n"
        "lsr r5, r10, #16\n"
        "pkhbt r4, r6, r7, lsl #16\n"
        "pkhbt r7, r7, r6\n"           /* w1 w2 */
        "mov r6, r4\n"                 /* w0 w1 */
        "pkhbt r8, r8, r9, lsl #16\n"  /* w3 w4 */
        "pkhbt r11, r5, r11, lsl #16\n" /* w7 w8 */
        "pkhbt r4, r9, r10, lsl #16\n"
        "pkhtb r10, r10, r9, asr #16\n" /* w6 w7 */
        "mov r9, r4\n"                  /* w4 w5 */
        "1:\n"
        "vmov r4, s5\n"
        "vmov r5, s6\n"
        "adds r4, r4, r0\n"
        "adds r5, r5, r4\n"
        "vmov s8, r4\n" /* the ends of the pairs and of the row */
        "vmov s9, r5\n"
        "cmp r0, r4\n"
        "beq 3f\n"
        "2:\n"
        "vmov r2, s0\n"
        "vmov r3, s0\n" ROWS_$name(TWO_$name)
        "vmov r4, s1\n"
        "vmov r5, s2\n" SCALE_$name("r2") SCALE_$name("r3")
        "vmov r4, s3\n" NARROW_$name("r2") NARROW_$name("r3")
        "strb r2, [r1]\n"
        "strb r3, [r1, lr]\n"
        "add r1, r1, lr, lsl #1\n"
        "vmov r4, s8\n"
        "cmp r0, r4\n"
        "bne 2b\n"
        "vmov r5, s9\n"
        "3:\n"
        "cmp r0, r5\n"
        "beq 5f\n"
        "4:\n"
        "vmov r2, s0\n" ROWS_$name(ONE_$name)
        "vmov r4, s1\n"
        "vmov r5, s2\n" SCALE_$name("r2")
        "vmov r4, s3\n" NARROW_$name("r2")
        "strb r2, [r1]\n"
        "add r1, r1, lr\n"
        "vmov r4, s9\n"
        "cmp r0, r4\n"
        "bne 4b\n"
        "5:\n"
        "vmov r4, s7\n"
        "vmov r5, s10\n"
        "add r0, r0, r4\n"
        "add r1, r1, r5\n"
        "vmov r5, s4\n"
        "subs r5, r5, #1\n"
        "vmov s4, r5\n"
        "bne 1b\n"
        "pop {r4-r11, pc}\n");
}

//@ layer
/* A depthwise convolution of 3x3 windows. Each channel is copied to a plane and made from there; the rows of the plane
   are those of the image or, where that has longer ones, its columns. */
struct depthwise$FORM {
    void (*make)(const struct plane *plane, const int8_t *weight, const int32_t *channel);
    $WEIGHT;  /* 9 of each channel */
    const int32_t *channel;  /* bias * 32 + shift - 1 and a multiplier of 33 bits less 2^32, of each */
    int channels, zero;      /* the output's zero point, twice and 1 */
    int lines, places;       /* of the input that the plane has */
    int line, place;         /* bytes from one to the next, in the input */
    int out_lines, twos, ones, next, out_place, out_next; /* of a plane */
    int plane_lines, pitch;  /* in numbers */
    int before, left, fill;  /* padding, and what it is */
    int outputs;
    struct range range;
};

//@ fill
static void fill_plane(int32_t *plane, int words, int fill)
{
    const int32_t two = (int32_t)((uint32_t)fill << 16) | (fill & 0xffff);
    for (; words; words--) {
        *plane++ = two;
    }
}

//@ copy
/* Codes of a channel, `step` bytes apart, to a line of its plane. */
static void copy_$name(const $X *x, int16_t *to, int count, int step)
{
    for (; count > 3; count -= 4, x += 4 * step, to += 4) {
        to[0] = x[0];
        to[1] = x[step];
        to[2] = x[2 * step];
        to[3] = x[3 * step];
    }
    for (; count > 0; count--, x += step) {
        *to++ = *x;
    }
}

//@ whole
/* All rows; in place where input and output have the same shape. */
static void depthwise_whole${FORM}_$name(const struct depthwise$FORM *g, const $X *x, void *y, void *scratch)
{
    int16_t *const first = (int16_t *)scratch;
    struct plane plane = {first,   (uint8_t *)y, 2 * g->pitch, g->out_place, g->zero, g->out_lines,
                          g->twos, g->ones,      g->next,      g->out_next};
    int32_t filters[9]; /* of 4 channels, where weights are packed */
    (void)filters;
    fill_plane((int32_t *)scratch, g->plane_lines * g->pitch / 2, g->fill);
    for (int c = 0; c < g->channels; c++, plane.y++) {
        int16_t *to = first + g->before * g->pitch + g->left;
        for (int line = 0; line < g->lines; line++, to += g->pitch) {
            copy_$name(x + c + line * g->line, to, g->places, g->place);
        }
        g->make(&plane, $FROM, g->channel + 2 * c);
    }
    clamp_codes(&g->range, y, g->outputs);
}

//@ row
/* One row, from planes of three. */
static void depthwise_row${FORM}_$name(const void *layer, const void *const *rows, void *y, void *scratch)
{
    const struct depthwise$FORM *const g = (const struct depthwise$FORM *)layer;
    int16_t *const first = (int16_t *)scratch;
    struct plane plane = {first, (uint8_t *)y, 2 * g->pitch, g->out_place, g->zero, 1, g->twos, g->ones, 0, 0};
    int32_t filters[9];
    (void)filters;
    fill_plane((int32_t *)scratch, 3 * g->pitch / 2, g->fill);
    for (int c = 0; c < g->channels; c++, plane.y++) {
        for (int line = 0; line < 3; line++) {
            if (rows[line]) {
                copy_$name((const $X *)rows[line] + c, first + line * g->pitch + g->left, g->places, g->place);
            }
        }
        g->make(&plane, $FROM, g->channel + 2 * c);
    }
    clamp_codes(&g->range, y, g->outputs);
}
