//@ max_pool2d
struct max_pool2d_layer_$name {
    int width, channels, out_width, kernel_height, kernel_width, stride, left;
    $X low, high;
};

/* The greatest of each window's codes; padding is never the greatest. */
static void max_pool2d_$name(const void *layer, const void *const *rows, void *out, void *scratch)
{
    const struct max_pool2d_layer_$name *const g = (const struct max_pool2d_layer_$name *)layer;
    $X *y = ($X *)out;
    (void)scratch;
    for (int ox = 0; ox < g->out_width; ox++) {
        const int column = ox * g->stride - g->left;
        const int first = window_first(column, 1), end = window_end(column, 1, g->width, g->kernel_width);
        for (int c = 0; c < g->channels; c++) {
            $X most = g->low;
            for (int ky = 0; ky < g->kernel_height; ky++) {
                const $X *const line = (const $X *)rows[ky];
                for (int kx = first; line && kx < end; kx++) {
                    const $X value = line[(column + kx) * g->channels + c];
                    most = value > most ? value : most;
                }
            }
            *y++ = most < g->high ? most : g->high;
        }
    }
}

//@ average_pool2d
struct average_pool2d_layer_$name {
    int width, channels, out_width, kernel_height, kernel_width, stride, left;
    const struct mean_scaling_$name *finish;
};

/* The mean of each window's places inside the input. */
static void average_pool2d_$name(const void *layer, const void *const *rows, void *out, void *scratch)
{
    const struct average_pool2d_layer_$name *const g = (const struct average_pool2d_layer_$name *)layer;
    $Y *y = ($Y *)out;
    (void)scratch;
    for (int ox = 0; ox < g->out_width; ox++) {
        const int column = ox * g->stride - g->left;
        const int first = window_first(column, 1), end = window_end(column, 1, g->width, g->kernel_width);
        for (int c = 0; c < g->channels; c++) {
            $A sum = 0;
            int count = 0;
            for (int ky = 0; ky < g->kernel_height; ky++) {
                const $X *const line = (const $X *)rows[ky];
                for (int kx = first; line && kx < end; kx++, count++) {
                    sum += line[(column + kx) * g->channels + c];
                }
            }
            *y++ = mean_$name(g->finish, sum, count);
        }
    }
}
