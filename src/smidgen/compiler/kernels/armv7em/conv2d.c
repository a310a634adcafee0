//@ tile
/* Where the outputs of a block of pixels go. */
struct tile {
    int32_t units; /* of 4 places of the window */
    uint8_t *y, *end;
    int32_t pitch; /* bytes from a pixel to the next */
    int32_t zero;  /* twice the zero point, and 1 */
};

/* The innermost loop of convolutions, and what becomes of its sums, for a block of pixels and two output channels at a
   time. A block has, for each 4 places of the window and each pixel, the places 0 and 2, then 1 and 3, as 16-bit
   numbers; weights have 4 of one channel, 4 of the other. The loop is unrolled 4 times and entered where the rest of
   the units begins; what it does not need lies in registers of the FPU. Sums are in r2, r3, r4 and r5, r12, lr. */
#define TAKE(first, second)                                                                                            \
    "ldrd r10, r11, [r0], #8\n"                                                                                        \
    "smlad " first ", r10, r6, " first "\n"                                                                            \
    "smlad " second ", r10, r8, " second "\n"                                                                          \
    "smlad " first ", r11, r7, " first "\n"                                                                            \
    "smlad " second ", r11, r9, " second "\n"

//@ finish
/* A sum as a code: scaled and rounded, the zero point (shifted, in r11) added, shifted, held in the range. */
#define FINISH_$name(sum, multiplier, shift)                                                                           \
    "$MULTIPLY " sum ", " sum ", " multiplier ", " sum "\n"$AWAY                                                       \
    "add " sum ", " sum ", r11\n"                                                                                      \
    "asr " sum ", " sum ", " shift "\n"                                                                                \
    "$SATURATE " sum ", #8, " sum ", asr #1\n"

//@ multiply
__attribute__((naked, noinline)) static void multiply_$name(__attribute__((unused)) const int32_t *block,
                                                            __attribute__((unused)) const int32_t *weight,
                                                            __attribute__((unused)) const int32_t *channel,
                                                            __attribute__((unused)) const struct tile *tile)
{
    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "ldm r3, {r4-r8}\n" /* units, y, end, pitch, zero */
        "vmov s0, r0\n"
        "vmov s1, r2\n"
        "vmov s2, r5\n"
        "vmov s3, r6\n"
        "vmov s4, r7\n"
        "vmov s5, r8\n"
        "mov r5, #8 * $COUNT\n"
        "mla r5, r5, r4, r0\n"
        "vmov s6, r5\n" /* the end of the block */
        "rsb r4, r4, #0\n"
        "and r4, r4, #3\n"
        "mov r5, #20 + 20 * $COUNT\n" /* bytes of a unit */
        "adr r6, 2f\n"
        "mla r4, r4, r5, r6\n"
        "orr r4, r4, #1\n"
        "vmov s7, r4\n" /* where the loop is entered */
        "1:\n"
        "ldrd r2, r5, [r2]\n" /* bias * 32 + shift - 1 of the two channels */
        "asr r2, r2, #5\n"
        "asr r5, r5, #5\n"
        "mov r3, r2\n"
        "mov r12, r5\n"$START_THIRD
        "vmov r0, s0\n"
        "vmov r6, s7\n"
        "bx r6\n"
        ".balign 4\n"
        "2:\n"
        ".rept 4\n"
        "ldrd r6, r8, [r1], #8\n"
        "sxtb16 r7, r6, ror #8\n"
        "sxtb16 r6, r6\n"
        "sxtb16 r9, r8, ror #8\n"
        "sxtb16 r8, r8\n" TAKE("r2", "r5") TAKE("r3", "r12")$TAKE_THIRD
        ".endr\n"
        "vmov r10, s6\n"
        "cmp r0, r10\n"
        "bne 2b\n"
        "vmov r0, s1\n"
        "ldm r0!, {r6-r9}\n" /* the same two words, and two multipliers */
        "vmov s1, r0\n"
        "vmov r10, s5\n"
        "and r6, r6, #31\n"
        "and r7, r7, #31\n"
        "lsl r11, r10, r6\n" FINISH_$finish("r2", "r8", "r6") FINISH_$finish("r3", "r8", "r6")$FINISH_THIRD_A
        "lsl r11, r10, r7\n" FINISH_$finish("r5", "r9", "r7") FINISH_$finish("r12", "r9", "r7")$FINISH_THIRD_B
        "vmov r0, s2\n"
        "vmov r6, s4\n"
        "strb r3, [r0, r6]\n"$STORE_THIRD_A
        "strb r2, [r0], #1\n"
        "strb r12, [r0, r6]\n"$STORE_THIRD_B
        "strb r5, [r0], #1\n"
        "vmov s2, r0\n"
        "vmov r2, s1\n"
        "vmov r6, s3\n"
        "cmp r0, r6\n"
        "bne 1b\n"
        "pop {r4-r11, pc}\n");
}

//@ layer
/* A convolution. Weights come in pairs of output channels, each with four numbers: bias * 32 + shift - 1 of both, then
   their multipliers of 33 bits less 2^32. An odd last channel is paired with the one before, which is made twice. */
struct conv2d {
    void (*multiply[2])(const int32_t *block, const int32_t *weight, const int32_t *channel, const struct tile *tile);
    const int32_t *weight, *channel;
    int units, outputs, zero, width; /* of a row of the output; its zero point, twice and 1 */
    int bytes, stride, left, fill;   /* of a row of the input; from a window to the next, of padding; what that is */
    int rows, runs, run, apart;      /* the window: runs of so many bytes in each row, so many bytes apart */
    struct range range;
};

//@ widen
/* 4 codes times `words` of each pixel of a block to 16 bits, even and odd places apart. */
__attribute__((noinline)) static void widen_$name(const uint8_t *x, int stride, int32_t *block, int words)
{
    __asm__ volatile("1:\n"
                     "ldr r4, [%[x]]\n"
                     "ldr r6, [%[x], %[stride]]\n"$LOAD_THIRD
                     "add %[x], %[x], #4\n"
                     "$EXTEND r5, r4, ror #8\n"
                     "$EXTEND r4, r4\n"
                     "$EXTEND r8, r6, ror #8\n"
                     "$EXTEND r6, r6\n"$WIDEN_THIRD
                     "stm %[block]!, {r4, r5, r6, r8$MORE}\n"
                     "subs %[words], %[words], #1\n"
                     "bne 1b\n"
                     : [x] "+r"(x), [block] "+r"(block), [words] "+r"(words)
                     : [stride] "r"(stride)
                     : "r4", "r5", "r6", "r8", "r9", "r10", "cc", "memory");
}

//@ gather
/* Neighbours in a row of which some or all are padding. */
static const uint8_t *patched(const uint8_t *row, int bytes, int start, int length, int fill, uint8_t *patch)
{
    const int first = start < 0 ? -start : 0, end = start + length > bytes ? bytes - start : length;
    memset(patch, fill, (size_t)length);
    if (row && first < end) {
        memcpy(patch + first, row + start + first, (size_t)(end - first));
    }
    return patch;
}

/* A block: whole words of each run of neighbours first, then the bytes that are left of each. Its scratch has room for
   what is left of the runs, and for a run of all pixels. */
static void gather_$name(const struct conv2d *g, const void *const *rows, int start, int stride, int count,
                         int32_t *block)
{
    void (*const widen)(const uint8_t *, int, int32_t *, int) = count == 3 ? widen_3_$name : widen_2_$name;
    const int words = g->run / 4, left = g->run % 4, rest = ((g->rows * g->runs * left + 3) & ~3);
    const int length = g->run + (count - 1) * stride, last = g->bytes - length;
    uint8_t *tail = (uint8_t *)(block + 6 * g->units), *const patch = tail + 3 * rest;
    const void *const *const end = rows + g->rows;
    do {
        const uint8_t *const row = (const uint8_t *)*rows++;
        int at = start, runs = g->runs;
        do {
            const int inside = row && at >= 0 && at <= last;
            const uint8_t *x = inside ? row + at : patched(row, g->bytes, at, length, g->fill, patch);
            if (words) {
                widen(x, stride, block, words);
                block += 2 * count * words;
                x += 4 * words;
            }
            for (int i = left; i; i--, x++, tail++) {
                tail[0] = x[0];
                tail[rest] = x[stride];
                if (count == 3) {
                    tail[2 * rest] = x[2 * stride];
                }
            }
            at += g->apart;
        } while (--runs);
    } while (rows < end);
    if (left) {
        widen(patch - 3 * rest, rest, block, rest / 4);
    }
}

//@ conv2d
/* A row of a convolution, in blocks of 3 or 2 pixels; a single one is gathered and written twice. */
static void conv2d_row_$name(const void *layer, const void *const *rows, void *y, void *scratch)
{
    const struct conv2d *const g = (const struct conv2d *)layer;
    int32_t *const block = (int32_t *)scratch;
    const int paired = g->outputs & ~1;
    uint8_t *out = (uint8_t *)y;
    for (int x = 0, count; x < g->width; x += count, out += count * g->outputs) {
        const int left = g->width - x, apart = left > 1;
        count = left == 3 || left > 4 ? 3 : 2;
        gather_$name(g, rows, x * g->stride - g->left, apart * g->stride, count, block);
        struct tile tile = {g->units, out, out + paired, apart * g->outputs, g->zero};
        g->multiply[count - 2](block, g->weight, g->channel, &tile);
        if (g->outputs & 1) {
            tile.y = out + g->outputs - 2;
            tile.end = out + g->outputs;
            g->multiply[count - 2](block, g->weight + paired * g->units, g->channel + 2 * paired, &tile);
        }
    }
    clamp_codes(&g->range, y, g->width * g->outputs);
}

//@ layer_packed
struct conv2d_packed {
    const struct conv2d *conv2d; /* without weights */
    struct bits bits;            /* of pairs of filters */
    int block;                   /* bytes of scratch that a block takes, behind which a pair is unpacked */
};

//@ conv2d_packed
/* The same with packed weights, which are unpacked for each block. */
static void conv2d_packed_row_$name(const void *layer, const void *const *rows, void *y, void *scratch)
{
    const struct conv2d_packed *const packed = (const struct conv2d_packed *)layer;
    const struct conv2d *const g = packed->conv2d;
    int32_t *const block = (int32_t *)scratch, *const weight = block + packed->block / 4;
    uint8_t *out = (uint8_t *)y;
    for (int x = 0, count; x < g->width; x += count, out += count * g->outputs) {
        const int left = g->width - x, apart = left > 1;
        count = left == 3 || left > 4 ? 3 : 2;
        gather_$name(g, rows, x * g->stride - g->left, apart * g->stride, count, block);
        for (int pair = 0; 2 * pair < g->outputs; pair++) {
            uint8_t *const first = out + (2 * pair + 2 > g->outputs ? g->outputs - 2 : 2 * pair);
            const struct tile tile = {g->units, first, first + 2, apart * g->outputs, g->zero};
            unpack_block(&packed->bits, pair, weight);
            g->multiply[count - 2](block, weight, g->channel + 4 * pair, &tile);
        }
    }
    clamp_codes(&g->range, y, g->width * g->outputs);
}
