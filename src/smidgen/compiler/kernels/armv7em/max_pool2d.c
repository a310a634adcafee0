//@ layer
struct max_pool2d {
    int width, channels;       /* of a row of the input */
    int out_width, rows, columns, stride, left;
    struct range range;
};

//@ row
/* The greatest codes of 4 channels at once; the last 4 of channels that are no whole words are those before the end. */
static void max_pool2d_row_$name(const void *layer, const void *const *rows, void *y, void *scratch)
{
    const struct max_pool2d *const g = (const struct max_pool2d *)layer;
    uint8_t *out = (uint8_t *)y;
    (void)scratch;
    for (int x = 0, start = -g->left; x < g->out_width; x++, start += g->stride, out += g->channels) {
        const int first = start < 0 ? 0 : start;
        const int end = start + g->columns > g->width ? g->width : start + g->columns;
        for (int c = 0, next; c < g->channels; c = next) {
            uint32_t most = $LEAST;
            next = c + 4;
            c = next > g->channels ? g->channels - 4 : c;
            for (int k = 0; k < g->rows; k++) {
                const uint8_t *codes = (const uint8_t *)rows[k] + first * g->channels + c;
                for (int i = rows[k] ? end - first : 0; i > 0; i--, codes += g->channels) {
                    uint32_t four, lost;
                    memcpy(&four, codes, 4);
                    __asm__("$COMPARE %1, %0, %2\n\tsel %0, %0, %2" : "+r"(most), "=&r"(lost) : "r"(four) : "cc");
                }
            }
            memcpy(out + c, &most, 4);
        }
    }
    clamp_codes(&g->range, y, g->out_width * g->channels);
}
