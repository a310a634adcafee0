//@ row_start
/* Where row `row` (all along the last axis) of an array lies whose elements along each axis are `step` apart. */
static ptrdiff_t row_start(int32_t row, int rank, const int32_t *size, const int32_t *step)
{
    ptrdiff_t start = 0;
    for (int axis = rank - 2; axis >= 0; axis--) {
        start += (ptrdiff_t)(row % size[axis]) * step[axis];
        row /= size[axis];
    }
    return start;
}

//@ copy
/* Elements in order of the output, whose axes have so many; `step` is how far apart they lie in the input. */
static void move_$name(const $X *x, $X *y, int rows, int rank, const int32_t *size, const int32_t *step)
{
    for (int row = 0; row < rows; row++) {
        const $X *const from = x + row_start(row, rank, size, step);
        for (int32_t i = 0; i < size[rank - 1]; i++) {
            *y++ = from[(ptrdiff_t)i * step[rank - 1]];
        }
    }
}

//@ binary
/* Operands that are repeated along any axes of the result; `step` is how far apart their elements along an axis lie. */
struct binary_layer_$name {
    int rows, rank;
    const int32_t *size, *step_a, *step_b;
    const void *a, *b;
    int row_a, row_b;
    $A ${FIELDS}low, high;
};

static void binary_$name(const void *layer, const void *const *rows, void *out, void *scratch)
{
    const struct binary_layer_$name *const g = (const struct binary_layer_$name *)layer;
    const $X *const whole_a = (const $X *)(g->a ? g->a : rows[g->row_a]);
    const $B *const whole_b = (const $B *)(g->b ? g->b : rows[g->row_b]);
    $Y *y = ($Y *)out;
    (void)scratch;
    for (int row = 0; row < g->rows; row++) {
        const ptrdiff_t start = row_start(row, g->rank, g->size, g->step_a);
        const $B *const b = whole_b + row_start(row, g->rank, g->size, g->step_b);
        for (int32_t i = 0; i < g->size[g->rank - 1]; i++) {
            const $X *const a = whole_a + start + (ptrdiff_t)i * g->step_a[g->rank - 1];
            const ptrdiff_t m = (ptrdiff_t)i * g->step_b[g->rank - 1];
            const $A v = $SUM;
            *y++ = ($Y)$VALUE;
        }
    }
}

//@ where
/* a where the condition is not 0, else b; `step` is how far apart the elements of each along an axis lie. */
static void where_$name(const $C *condition, const $X *a, const $X *b, $X *y, int rows, int rank, const int32_t *size,
                        const int32_t *step_condition, const int32_t *step_a, const int32_t *step_b)
{
    const int last = rank - 1;
    for (int row = 0; row < rows; row++) {
        const $C *const c = condition + row_start(row, rank, size, step_condition);
        const $X *const first = a + row_start(row, rank, size, step_a);
        const $X *const second = b + row_start(row, rank, size, step_b);
        for (ptrdiff_t i = 0; i < size[last]; i++) {
            *y++ = c[i * step_condition[last]] != 0 ? first[i * step_a[last]] : second[i * step_b[last]];
        }
    }
}
