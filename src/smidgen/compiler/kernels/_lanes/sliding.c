//@ shape
/* A convolution whose windows overlap: weights (tiles of vectors, rows, channels / 4, columns, vectors, LANES, 4). */
struct lanes_sliding {
    int width, out_width, out_channels;
    int rows, left; /* of a window; pixels of padding before a row */
    uint8_t zero;   /* the code of padding */
    uint32_t flip;  /* what makes codes of the input as the processor takes them */
    const int8_t *weight;
    const int32_t *missing; /* what rows of padding add: (vectors, rows, LANES) */
    const int32_t *scaling;
    struct lanes_rounding rounding;
};

//@ tile
/* $V vectors of channels, from the vector `at` on, of a row of pixels, $P at a time; the last may be made twice. Windows
   are $K columns of $C channels, $S apart. Each pixel is read once, and meets the weights of all columns it is in. */
LANES_ALONE void lanes_sliding_$name$way(const struct lanes_sliding *g, const void *const *rows,
                                         const uint8_t *padding, int at, uint8_t *y)
{
    int32_t sums[$P * $V * LANES];
    const int height = g->rows, last = g->out_width - $P, channel = at * LANES;
    const int32_t *const scaling = g->scaling + (ptrdiff_t)at * 5 * LANES;
    const int32_t *const missing = g->missing + (ptrdiff_t)channel * height;
    const uint32_t flip = g->flip;
    for (int start = 0; start < g->out_width; start += $P) {
        const int pixel = start < last ? start : last, first = pixel * $S - g->left;
        const int8_t *w = g->weight + (ptrdiff_t)channel * height * $K * $C;
$begin
        for (int k = 0; k < height; k++) {
            const uint8_t *const row = (const uint8_t *)rows[k];
            if (!row) {
                w += $V * LANES * $K * $C;
$absent
                continue;
            }
            const uint8_t *x = row + (first + 1) * $C, *head = first < 0 ? padding : x - $C;
            const uint8_t *tail = first + $N > g->width ? padding : x + ($N - 2) * $C;
            for (int c = 0; c < $C; c += 4, w += 4 * $V * $K * LANES) {
                lanes_quads four;
$dots
            }
        }
$keep
        lanes_finish$way(sums, $P, $V, scaling, &g->rounding, y + (ptrdiff_t)pixel * g->out_channels + channel,
                     g->out_channels, g->out_channels - channel);
    }
}

//@ row
static void conv2d_sliding_$name$way(const void *layer, const void *const *rows, void *y, void *scratch)
{
    const struct lanes_sliding *const g = (const struct lanes_sliding *)layer;
    const int vectors = (g->out_channels + LANES - 1) / LANES;
    int at = 0;
    memset(scratch, g->zero, $C);
$tiles
}
