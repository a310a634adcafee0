//@ pad
/* Rows of an array (planes, rows, bytes) into a larger one, which is filled already. */
static void pad(const void *x, uint8_t *y, int planes, int rows, int bytes, int out_rows, int out_bytes)
{
    const uint8_t *from = (const uint8_t *)x;
    for (int plane = 0; plane < planes; plane++) {
        for (int row = 0; row < rows; row++, from += bytes) {
            memcpy(y + ((ptrdiff_t)plane * out_rows + row) * out_bytes, from, (size_t)bytes);
        }
    }
}
