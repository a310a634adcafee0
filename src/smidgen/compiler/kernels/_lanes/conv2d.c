//@ shape
/* A convolution, output channels in lanes. A window is runs of bytes, `run` in each (a multiple of 4), four of which
   meet the weights of all lanes at once: weights (tiles of vectors, runs, run / 4, vectors, LANES, 4). */
struct lanes_conv2d {
    int width, channels;         /* of a row of the input */
    int out_width, out_channels; /* of a row of the output */
    int rows, runs, run;         /* of a window; runs of each row of it */
    int run_step, step;          /* bytes from run to run, and from window to window */
    int before, padded, direct;  /* bytes of padding before a row, of a padded row; whether rows need no padding */
    uint8_t zero;                /* the code of padding */
    uint32_t flip;               /* what makes codes of the input as the processor takes them */
    const int8_t *weight;
    const int32_t *scaling;
    struct lanes_rounding rounding;
};

/* Where the runs of the first window begin. Rows that need padding are copied behind these addresses. */
static const uint8_t *const *lanes_lines(const struct lanes_conv2d *g, const void *const *rows, void *scratch)
{
    const uint8_t **const lines = (const uint8_t **)scratch;
    uint8_t *copy = (uint8_t *)(lines + g->rows * g->runs);
    const int size = g->width * g->channels;
    int direct = g->direct;
    for (int k = 0; k < g->rows; k++) {
        direct &= rows[k] != NULL;
    }
    for (int k = 0; k < g->rows; k++) {
        const uint8_t *line = (const uint8_t *)rows[k];
        if (!direct) {
            if (line) {
                memset(copy, g->zero, (size_t)g->before);
                memcpy(copy + g->before, line, (size_t)size);
                memset(copy + g->before + size, g->zero, (size_t)(g->padded - g->before - size));
            } else {
                memset(copy, g->zero, (size_t)g->padded);
            }
            line = copy;
            copy += g->padded;
        }
        for (int r = 0; r < g->runs; r++) {
            lines[k * g->runs + r] = line + r * g->run_step;
        }
    }
    return (const uint8_t *const *)lines;
}

//@ tile
/* $V vectors of channels, from the vector `at` on, of a row of pixels, $P at a time; the last may be made twice. */
LANES_ALONE void lanes_tile_${V}x$P$way(const struct lanes_conv2d *g, const uint8_t *const *lines, int at, uint8_t *y)
{
    int32_t sums[$P * $V * LANES];
    const int count = g->rows * g->runs, run = g->run, step = g->step, last = g->out_width - $P, channel = at * LANES;
    const int32_t *const scaling = g->scaling + (ptrdiff_t)at * 5 * LANES;
    const uint32_t flip = g->flip;
    for (int start = 0; start < g->out_width; start += $P) {
        const int pixel = start < last ? start : last;
        const int8_t *w = g->weight + (ptrdiff_t)channel * count * run;
$begin
        for (int k = 0; k < count; k++) {
            const uint8_t *x = lines[k] + (ptrdiff_t)pixel * step;
            for (const uint8_t *const end = x + run; x < end; x += 4, w += 4 * $V * LANES) {
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
static void conv2d_lanes$name$way(const void *layer, const void *const *rows, void *y, void *scratch)
{
    const struct lanes_conv2d *const g = (const struct lanes_conv2d *)layer;
    const uint8_t *const *const lines = lanes_lines(g, rows, scratch);
    const int vectors = (g->out_channels + LANES - 1) / LANES;
    int at = 0;
$tiles
}
