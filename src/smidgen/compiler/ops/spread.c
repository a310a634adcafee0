//@ spread
/* Pixels of so many bytes into a larger image, which is filled already; pixels and rows begin so many bytes apart. */
static void spread(const void *x, void *y, int height, int width, int bytes, int pixel_step, int row_step)
{
    const uint8_t *from = (const uint8_t *)x;
    for (int row = 0; row < height; row++) {
        uint8_t *to = (uint8_t *)y + (ptrdiff_t)row * row_step;
        for (int column = 0; column < width; column++, from += bytes, to += pixel_step) {
            memcpy(to, from, (size_t)bytes);
        }
    }
}
