//@ shape
/* A convolution of each channel by itself, channels in lanes: weights (blocks of channels, rows / 4, columns, channels
   of a block, 4). */
struct lanes_depthwise {
    int width, channels, out_width;
    int rows, columns, dilation, stride, left; /* of a window; the last three along a row */
    int padded;                                /* columns of a padded row */
    uint8_t zero;                              /* the code of padding */
    uint32_t flip;                             /* what makes codes of the input as the processor takes them */
    const int8_t *weight;
    const int32_t *scaling;
    struct lanes_rounding rounding;
};

//@ columns
/* $B channels of the rows of windows, four rows at a time: (columns of a padded row, rows / 4, $B, 4). */
LANES_ALONE void lanes_columns_$B(const struct lanes_depthwise *g, const void *const *rows, const uint8_t *padding,
                                  int channel, uint8_t *columns)
{
    const int count = g->channels - channel < $B ? g->channels - channel : $B, quads = (g->rows + 3) / 4;
    const int left = g->left, end = left + g->width, step = quads * 4 * $B;
    const uint32_t flip = g->flip;
    const uint8_t filler = (uint8_t)(g->zero ^ (flip & 255));
    for (int q = 0; q < quads; q++) {
        const uint8_t *four[4];
        int steps[4], column = 0;
        uint8_t *to = columns + q * 4 * $B;
        for (int k = 0; k < 4; k++) {
            const uint8_t *const row = 4 * q + k < g->rows ? (const uint8_t *)rows[4 * q + k] : NULL;
            four[k] = (row ? row : padding) + channel;
            steps[k] = row ? g->channels : 0;
        }
        for (; column < left; column++, to += step) {
            memset(to, filler, 4 * $B);
        }
        for (; column < end; column++, to += step) {
            lanes_interleave_$B(four[0], four[1], four[2], four[3], flip, to, count);
            four[0] += steps[0];
            four[1] += steps[1];
            four[2] += steps[2];
            four[3] += steps[3];
        }
        for (; column < g->padded; column++, to += step) {
            memset(to, filler, 4 * $B);
        }
    }
}

//@ windows
/* The sums of $B channels of a row of windows, $P at a time; the last may be made twice. */
LANES_ALONE void lanes_windows_${B}x$P(const struct lanes_depthwise *g, const uint8_t *columns, const int8_t *weight,
                                       const int32_t *scaling, int32_t *sums, int pitch)
{
    const int quads = (g->rows + 3) / 4, last = g->out_width - $P;
    const ptrdiff_t step = g->stride * quads * 4 * $B, next = g->dilation * quads * 4 * $B;
    for (int start = 0; start < g->out_width; start += $P) {
        const int pixel = start < last ? start : last;
        const int8_t *w = weight;
        int32_t *const to = sums + pixel * pitch;
$begin
        for (int q = 0; q < quads; q++) {
            const uint8_t *x = columns + pixel * step + q * 4 * $B;
            for (int k = 0; k < g->columns; k++, w += 4 * $B, x += next) {
                lanes_quads four;
$dots
            }
        }
$keep
    }
}

//@ row
static void depthwise_lanes_${B}x$P$way(const void *layer, const void *const *rows, void *out, void *scratch)
{
    const struct lanes_depthwise *const g = (const struct lanes_depthwise *)layer;
    const int taps = (g->rows + 3) / 4 * g->columns, channels = g->channels;
    int32_t *const sums = (int32_t *)scratch; /* (pixels, at most 64 channels) */
    uint8_t *const padding = (uint8_t *)(sums + g->out_width * 64), *const columns = padding + channels;
    uint8_t *const y = (uint8_t *)out;
    memset(padding, g->zero, (size_t)channels);
    for (int first = 0; first < channels; first += 64) {
        const int some = channels - first < 64 ? channels - first : 64, pitch = (some + $B - 1) / $B * $B;
        const int32_t *const scaling = g->scaling + first * 5;
        for (int part = 0; part < some; part += $B) {
            lanes_columns_$B(g, rows, padding, first + part, columns);
            lanes_windows_${B}x$P(g, columns, g->weight + (first + part) * taps * 4, scaling + part * 5, sums + part,
                                  pitch);
        }
        lanes_finish$way(sums, g->out_width, pitch / LANES, scaling, &g->rounding, y + first, channels, some);
    }
}
