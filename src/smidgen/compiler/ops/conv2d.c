//@ shape
struct conv2d_layer_$name {
    int height, width, channels;             /* of the input */
    int out_height, out_width, out_channels; /* of the output */
    int kernel_height, kernel_width;
    int stride_y, stride_x, dilation_y, dilation_x, top, left;
    int groups;
    $A zero; /* what padding and a real 0 are in the input */
    const $W *weight;
    const $A *bias;
    struct scaling_$name finish;
};

//@ conv2d
/* Weights (out, kernel height, kernel width, in / groups). Places of a kernel's row that are neighbours in memory are
   summed in one run. */
static void conv2d_$name(const struct conv2d_layer_$name *g, const $X *x, $Y *y)
{
    const int depth = g->channels / g->groups, filter = g->kernel_height * g->kernel_width * depth;
    for (int oy = 0; oy < g->out_height; oy++) {
        const int row = oy * g->stride_y - g->top;
        const int ky_end = window_end(row, g->dilation_y, g->height, g->kernel_height);
        for (int ox = 0; ox < g->out_width; ox++) {
            const int column = ox * g->stride_x - g->left;
            const int kx_first = window_first(column, g->dilation_x);
            const int kx_end = window_end(column, g->dilation_x, g->width, g->kernel_width);
            const int run = g->groups == 1 && g->dilation_x == 1 ? kx_end - kx_first : 1;
            for (int c = 0; c < g->out_channels; c++) {
                const int group = c / (g->out_channels / g->groups);
                const $W *const w = g->weight + (ptrdiff_t)c * filter;
                $A acc = g->bias[c];
                for (int ky = window_first(row, g->dilation_y); ky < ky_end; ky++) {
                    const $X *const line = x + (ptrdiff_t)(row + ky * g->dilation_y) * g->width * g->channels;
                    for (int kx = kx_first; kx < kx_end; kx += run) {
                        const int place = (column + kx * g->dilation_x) * g->channels + group * depth;
                        acc += dot_$dot(line + place, w + (ky * g->kernel_width + kx) * depth, run * depth, g->zero);
                    }
                }
                *y++ = finish_$name(&g->finish, c, acc);
            }
        }
    }
}

//@ depthwise
/* Each channel by itself. Weights (kernel height, kernel width, out). */
static void depthwise_$name(const struct conv2d_layer_$name *g, const $X *x, $Y *y)
{
    const int each = g->out_channels / g->channels;
    for (int oy = 0; oy < g->out_height; oy++) {
        const int row = oy * g->stride_y - g->top;
        const int ky_end = window_end(row, g->dilation_y, g->height, g->kernel_height);
        for (int ox = 0; ox < g->out_width; ox++) {
            const int column = ox * g->stride_x - g->left;
            const int kx_first = window_first(column, g->dilation_x);
            const int kx_end = window_end(column, g->dilation_x, g->width, g->kernel_width);
            for (int c = 0; c < g->out_channels; c++) {
                $A acc = g->bias[c];
                for (int ky = window_first(row, g->dilation_y); ky < ky_end; ky++) {
                    const $X *const line = x + (ptrdiff_t)(row + ky * g->dilation_y) * g->width * g->channels + c / each;
                    const $W *const w = g->weight + ky * g->kernel_width * g->out_channels + c;
                    for (int kx = kx_first; kx < kx_end; kx++) {
                        const $A value = line[(column + kx * g->dilation_x) * g->channels];
                        acc += (value - g->zero) * w[kx * g->out_channels];
                    }
                }
                *y++ = finish_$name(&g->finish, c, acc);
            }
        }
    }
}
