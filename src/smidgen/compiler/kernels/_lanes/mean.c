//@ pixels
/* The mean of each channel over all pixels; `offset` is what their sum lacks because codes were made signed. */
static void mean_lanes_$name(const struct mean_scaling_$name *f, const $X *x, $Y *y, int pixels, int channels,
                             uint32_t flip, int32_t offset)
{
    for (int c = 0; c < channels; c += LANES) {
        int32_t sums[LANES];
        lanes sum = lanes_fill(offset);
        for (int p = 0; p < pixels; p++) {
            sum = lanes_sum(sum, lanes_widen((const uint8_t *)x + (ptrdiff_t)p * channels + c, flip, channels - c));
        }
        lanes_keep(sums, sum);
        for (int i = 0; i < LANES && c + i < channels; i++) {
            y[c + i] = mean_$name(f, sums[i], pixels);
        }
    }
}
