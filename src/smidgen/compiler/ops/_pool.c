//@ shape
struct pool {
    int height, width, channels;
    int out_height, out_width;
    int kernel_height, kernel_width, stride_y, stride_x, top, left;
};

//@ max_pool2d
/* The greatest of each window's codes; padding is never the greatest. */
static void max_pool2d_$name(const struct pool *g, const $X *x, $X *y, $X low, $X high)
{
    for (int oy = 0; oy < g->out_height; oy++) {
        const int row = oy * g->stride_y - g->top;
        const int ky_first = window_first(row, 1), ky_end = window_end(row, 1, g->height, g->kernel_height);
        for (int ox = 0; ox < g->out_width; ox++) {
            const int column = ox * g->stride_x - g->left;
            const int kx_first = window_first(column, 1), kx_end = window_end(column, 1, g->width, g->kernel_width);
            for (int c = 0; c < g->channels; c++) {
                $X most = low;
                for (int ky = ky_first; ky < ky_end; ky++) {
                    const $X *const line = x + (ptrdiff_t)(row + ky) * g->width * g->channels + c;
                    for (int kx = kx_first; kx < kx_end; kx++) {
                        const $X value = line[(column + kx) * g->channels];
                        most = value > most ? value : most;
                    }
                }
                *y++ = most < high ? most : high;
            }
        }
    }
}

//@ average_pool2d
/* The mean of each window's places inside the input. */
static void average_pool2d_$name(const struct pool *g, const struct mean_scaling_$name *f, const $X *x, $Y *y)
{
    for (int oy = 0; oy < g->out_height; oy++) {
        const int row = oy * g->stride_y - g->top;
        const int ky_first = window_first(row, 1), ky_end = window_end(row, 1, g->height, g->kernel_height);
        for (int ox = 0; ox < g->out_width; ox++) {
            const int column = ox * g->stride_x - g->left;
            const int kx_first = window_first(column, 1), kx_end = window_end(column, 1, g->width, g->kernel_width);
            for (int c = 0; c < g->channels; c++) {
                $A sum = 0;
                for (int ky = ky_first; ky < ky_end; ky++) {
                    const $X *const line = x + (ptrdiff_t)(row + ky) * g->width * g->channels + c;
                    for (int kx = kx_first; kx < kx_end; kx++) {
                        sum += line[(column + kx) * g->channels];
                    }
                }
                *y++ = mean_$name(f, sum, (ky_end - ky_first) * (kx_end - kx_first));
            }
        }
    }
}
