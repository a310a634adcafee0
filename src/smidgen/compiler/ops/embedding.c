//@ row
static ptrdiff_t table_row(int32_t index, int32_t rows)
{
    return index < 0 ? 0 : (index < rows ? index : rows - 1);
}

//@ copied
static void embedding_copied_$name(const $I *x, int count, const $W *table, int32_t rows, int width, $W *y)
{
    for (int i = 0; i < count; i++, y += width) {
        memcpy(y, table + table_row(x[i], rows) * width, (size_t)width * sizeof *y);
    }
}

//@ scaled
static void embedding_scaled_$name(const $I *x, int count, const $W *table, const float *scale, int32_t rows, int width,
                                   float *y)
{
    for (int i = 0; i < count; i++) {
        const ptrdiff_t row = table_row(x[i], rows);
        for (int c = 0; c < width; c++) {
            *y++ = (float)table[row * width + c] * scale[row];
        }
    }
}
