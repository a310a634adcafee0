//@ shape
struct conv2d_layer_$name$FORM {
    int width, channels, out_width, out_channels; /* of a row of the input and of the output */
    int kernel_height, kernel_width, stride, dilation, left; /* the last three along the row */
    int groups;
    $A zero; /* what padding and a real 0 are in the input */
    ${WEIGHTS}weight;
    const $A *bias;
    struct scaling_$name finish;
};

//@ sum
/* The sum of a window for filter c, of weights w (kernel height, kernel width, in / groups). Places of a row that are
   neighbours in memory are summed in one run. */
static $A sum_$name$FORM(const struct conv2d_layer_$name$FORM *g, const void *const *rows, int column, int first, int end,
                         int c, const $W *w)
{
    const int depth = g->channels / g->groups, group = c / (g->out_channels / g->groups);
    const int run = g->groups == 1 && g->dilation == 1 ? end - first : 1;
    $A acc = g->bias[c];
    for (int ky = 0; ky < g->kernel_height; ky++) {
        const $X *const line = (const $X *)rows[ky];
        for (int kx = first; line && kx < end; kx += run) {
            const int place = (column + kx * g->dilation) * g->channels + group * depth;
            acc += dot_$dot(line + place, w + (ky * g->kernel_width + kx) * depth, run * depth, g->zero);
        }
    }
    return acc;
}

//@ conv2d
/* Pixel by pixel: the output may follow its input closely. */
static void conv2d_$name(const void *layer, const void *const *rows, void *out, void *scratch)
{
    const struct conv2d_layer_$name *const g = (const struct conv2d_layer_$name *)layer;
    const int filter = g->kernel_height * g->kernel_width * (g->channels / g->groups);
    $Y *y = ($Y *)out;
    (void)scratch;
    for (int ox = 0; ox < g->out_width; ox++) {
        const int column = ox * g->stride - g->left;
        const int first = window_first(column, g->dilation);
        const int end = window_end(column, g->dilation, g->width, g->kernel_width);
        for (int c = 0; c < g->out_channels; c++) {
            const $W *const w = g->weight + (ptrdiff_t)c * filter;
            *y++ = finish_$name(&g->finish, c, sum_$name(g, rows, column, first, end, c, w));
        }
    }
}

//@ conv2d_packed
/* Filter by filter, so that each is unpacked once for all of a row. */
static void conv2d_${name}_packed(const void *layer, const void *const *rows, void *out, void *scratch)
{
    const struct conv2d_layer_${name}_packed *const g = (const struct conv2d_layer_${name}_packed *)layer;
    const int filter = g->kernel_height * g->kernel_width * (g->channels / g->groups);
    $Y *const y = ($Y *)out;
    for (int c = 0; c < g->out_channels; c++) {
        const int8_t *const w = unpack(&g->weight, (ptrdiff_t)c * filter, filter, scratch);
        for (int ox = 0; ox < g->out_width; ox++) {
            const int column = ox * g->stride - g->left;
            const int first = window_first(column, g->dilation);
            const int end = window_end(column, g->dilation, g->width, g->kernel_width);
            const $A acc = sum_${name}_packed(g, rows, column, first, end, c, w);
            y[(ptrdiff_t)ox * g->out_channels + c] = finish_$name(&g->finish, c, acc);
        }
    }
}

//@ depthwise
/* Each channel by itself. Weights (kernel height, kernel width, out). */
static void depthwise_$name$FORM(const void *layer, const void *const *rows, void *out, void *scratch)
{
    const struct conv2d_layer_$name$FORM *const g = (const struct conv2d_layer_$name$FORM *)layer;
    const int each = g->out_channels / g->channels;
    $Y *y = ($Y *)out;
    (void)scratch;
    for (int ox = 0; ox < g->out_width; ox++) {
        const int column = ox * g->stride - g->left;
        const int first = window_first(column, g->dilation);
        const int end = window_end(column, g->dilation, g->width, g->kernel_width);
        for (int c = 0; c < g->out_channels; c++) {
            $A acc = g->bias[c];
            for (int ky = 0; ky < g->kernel_height; ky++) {
                const $X *const line = (const $X *)rows[ky];
                for (int kx = first; line && kx < end; kx++) {
                    const $A value = line[(column + kx * g->dilation) * g->channels + c / each];
                    const int i = (ky * g->kernel_width + kx) * g->out_channels + c;
                    acc += (value - g->zero) * $AT;
                }
            }
            *y++ = finish_$name(&g->finish, c, acc);
        }
    }
}
