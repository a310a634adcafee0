//@ layer
/* A fully connected layer. Weights come in quads of outputs, 4 of each in turn; inputs in whole words. */
struct dense {
    const int32_t *weight;
    const int32_t *bias;       /* times 32, and shift - 1, of each output */
    const int32_t *multiplier; /* of 33 bits less 2^32: of each output, or one of all */
    int step;                  /* 4, or 0 */
    int units, outputs;        /* words of inputs, outputs in quads */
    int zero;                  /* the output's zero point, twice and 1 */
};

//@ quads
/* Quads of outputs. The loop over inputs is unrolled 4 times and entered where the rest of the units begins; what it
   does not need lies in registers of the FPU. Sums are in r2 to r5, inputs in r10 and r11. */
#define ADD_$name(sum, word)                                                                                           \
    "sxtb16 r12, " word ", ror #8\n"                                                                                   \
    "sxtb16 " word ", " word "\n"                                                                                      \
    "smlad " sum ", r10, " word ", " sum "\n"                                                                          \
    "smlad " sum ", r11, r12, " sum "\n"
#define FINISH_$name(sum)                                                                                              \
    "ldr r6, [r9], #4\n"                                                                                               \
    "ldr r7, [r10]\n"                                                                                                  \
    "add r10, r10, r11\n"                                                                                              \
    "and r6, r6, #31\n"                                                                                                \
    "$MULTIPLY " sum ", " sum ", r7, " sum "\n"                                                                        \
    "lsl r7, r12, r6\n"                                                                                                \
    "add " sum ", " sum ", r7\n"                                                                                       \
    "asr " sum ", " sum ", r6\n"                                                                                       \
    "$SATURATE " sum ", #8, " sum ", asr #1\n"                                                                         \
    "strb " sum ", [r8], #1\n"
__attribute__((naked, noinline)) static void dense_$name(__attribute__((unused)) const struct dense *g,
                                                         __attribute__((unused)) const void *x,
                                                         __attribute__((unused)) void *y)
{
    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "vmov s0, r1\n"
        "ldm r0, {r1, r4-r9}\n" /* weight, bias, multiplier, step, units, outputs, zero */
        "vmov s1, r2\n"
        "vmov s2, r4\n"
        "vmov s3, r5\n"
        "vmov s4, r6\n"
        "vmov s5, r9\n"
        "add r3, r2, r8\n"
        "vmov s6, r3\n" /* the end of y */
        "vmov r0, s0\n"
        "add lr, r0, r7, lsl #2\n" /* the end of x */
        "rsb r7, r7, #0\n"
        "and r7, r7, #3\n"
        "mov r6, #80\n" /* bytes of a unit */
        "adr r5, 2f\n"
        "mla r7, r7, r6, r5\n"
        "orr r7, r7, #1\n"
        "vmov s7, r7\n" /* where the loop is entered */
        "1:\n"
        "vmov r0, s0\n"
        "vmov r6, s2\n"
        "vmov r7, s7\n"
        "ldm r6, {r2-r5}\n"
        "asr r2, r2, #5\n"
        "asr r3, r3, #5\n"
        "asr r4, r4, #5\n"
        "asr r5, r5, #5\n"
        "bx r7\n"
        ".balign 4\n"
        "2:\n"
        ".rept 4\n"
        "ldm.w r1!, {r6-r9}\n"
        "ldr r10, [r0], #4\n"
        "$EXTEND r11, r10, ror #8\n"
        "$EXTEND r10, r10\n" ADD_$name("r2", "r6") ADD_$name("r3", "r7") ADD_$name("r4", "r8") ADD_$name("r5", "r9")
        ".endr\n"
        "cmp r0, lr\n"
        "bne 2b\n"
        "vmov r8, s1\n"
        "vmov r9, s2\n"
        "vmov r10, s3\n"
        "vmov r11, s4\n"
        "vmov r12, s5\n" FINISH_$name("r2") FINISH_$name("r3") FINISH_$name("r4") FINISH_$name("r5")
        "vmov s1, r8\n"
        "vmov s2, r9\n"
        "vmov s3, r10\n"
        "vmov r6, s6\n"
        "cmp r8, r6\n"
        "bne 1b\n"
        "pop {r4-r11, pc}\n");
}

//@ layer_packed
struct dense_packed {
    const struct dense *dense; /* without weights */
    struct bits bits;          /* of quads */
};

//@ packed
/* The same with packed weights, a quad at a time. */
static void dense_packed_$name(const struct dense_packed *g, const void *x, void *y, void *scratch)
{
    struct dense quad = *g->dense;
    quad.weight = (const int32_t *)scratch;
    quad.outputs = 4;
    for (int output = 0; output < g->dense->outputs; output += 4) {
        unpack_block(&g->bits, output / 4, (int32_t *)scratch);
        dense_$name(&quad, x, (uint8_t *)y + output);
        quad.bias += 4;
        quad.multiplier += quad.step;
    }
}
