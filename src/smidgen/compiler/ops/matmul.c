//@ shape
struct matmul_layer {
    int batch, rows, columns, depth;
    int a_batch, a_row, a_depth; /* how far apart elements lie along each axis */
    int b_batch, b_depth, b_column;
};

//@ floats
static void matmul(const struct matmul_layer *g, const float *a, const float *b, float *y)
{
    for (int i = 0; i < g->batch * g->rows; i++) {
        const float *const row = a + (ptrdiff_t)(i / g->rows) * g->a_batch + (ptrdiff_t)(i % g->rows) * g->a_row;
        for (int j = 0; j < g->columns; j++) {
            const float *const column = b + (ptrdiff_t)(i / g->rows) * g->b_batch + (ptrdiff_t)j * g->b_column;
            float sum = 0;
            for (ptrdiff_t k = 0; k < g->depth; k++) {
                sum += row[k * g->a_depth] * column[k * g->b_depth];
            }
            *y++ = sum;
        }
    }
}

//@ codes
struct matmul_scaling {
    int32_t zero_a, zero_b, zero, multiplier, shift, low, high;
};

static void matmul_$name(const struct matmul_layer *g, const struct matmul_scaling *f, const $X *a, const $B *b, $Y *y)
{
    for (int i = 0; i < g->batch * g->rows; i++) {
        const $X *const row = a + (ptrdiff_t)(i / g->rows) * g->a_batch + (ptrdiff_t)(i % g->rows) * g->a_row;
        for (int j = 0; j < g->columns; j++) {
            const $B *const column = b + (ptrdiff_t)(i / g->rows) * g->b_batch + (ptrdiff_t)j * g->b_column;
            int32_t sum = 0;
            for (ptrdiff_t k = 0; k < g->depth; k++) {
                sum += (row[k * g->a_depth] - f->zero_a) * (column[k * g->b_depth] - f->zero_b);
            }
            *y++ = ($Y)clamp($requantize(sum, f->multiplier, f->shift) + f->zero, f->low, f->high);
        }
    }
}
