//@ nearest
/* For each pixel of the output, of so many bytes, that of a row and a column of the input. */
static void resize_nearest(const void *x, void *y, int height, int width, int x_width, int bytes, const int32_t *row,
                           const int32_t *column)
{
    uint8_t *to = (uint8_t *)y;
    for (int i = 0; i < height; i++) {
        const uint8_t *const line = (const uint8_t *)x + (ptrdiff_t)row[i] * x_width * bytes;
        for (int j = 0; j < width; j++, to += bytes) {
            memcpy(to, line + (ptrdiff_t)column[j] * bytes, (size_t)bytes);
        }
    }
}

//@ bilinear
/* Between which rows and columns of the input those of the output lie, and how much the second counts. */
struct resize_layer_$name {
    int height, width, channels, x_width;
    const int32_t *top, *bottom;
    const $A *down;
    const int32_t *left, *right;
    const $A *across;
};

static void resize_bilinear_$name(const struct resize_layer_$name *g, const $X *x, $Y *y)
{
    for (int i = 0; i < g->height; i++) {
        const $X *const above = x + (ptrdiff_t)g->top[i] * g->x_width * g->channels;
        const $X *const below = x + (ptrdiff_t)g->bottom[i] * g->x_width * g->channels;
        for (int j = 0; j < g->width; j++) {
            const int left = g->left[j] * g->channels, right = g->right[j] * g->channels;
            const $A down = g->down[i], across = g->across[j];
            for (int c = 0; c < g->channels; c++) {
                const $A west = (above[left + c] - ($ZERO)) * ($ONE - down) + (below[left + c] - ($ZERO)) * down;
                const $A east = (above[right + c] - ($ZERO)) * ($ONE - down) + (below[right + c] - ($ZERO)) * down;
                const $A v = west * ($ONE - across) + east * across;
                *y++ = ($Y)($VALUE);
            }
        }
    }
}
