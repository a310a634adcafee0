//@ row_kernel
/* What makes one row of a value, (width, channels), from the rows that its windows cover; NULL is a row of padding. */
typedef void (*row_kernel)(const void *layer, const void *const *rows, void *y, void *scratch);

//@ stream
/* A value in the arena, of whose `height` rows the last `kept` are there. */
struct band {
    int32_t offset, bytes; /* of the first row, of a row */
    int16_t kept, height;
};

/* What makes the rows of the band of its own number: row `at` from the rows at * stride - top + k * dilation of band
   `x`, k < count, and row `at` of band `second` (the row before, if that is its own; none, if 255). */
struct stage {
    row_kernel run;
    const void *layer;
    uint8_t x, second, count, dilation;
    int16_t stride, top;
};

/* The last stage is to make its next row; a row that is missing for one is made first, by its stage, so that short bands
   are enough. The bands of the inputs follow those of the stages. */
static void stream(const struct stage *stages, const struct band *bands, int count, int inputs, uint8_t *a,
                   void *scratch)
{
    int16_t made[MOST_BANDS];
    for (int i = 0; i < count + inputs; i++) {
        made[i] = i < count ? 0 : bands[i].height;
    }
    for (int s = count - 1; made[count - 1] < bands[count - 1].height;) {
        const struct stage *const g = &stages[s];
        const struct band *const x = &bands[g->x], *const y = &bands[s];
        const int at = made[s], first = at * g->stride - g->top, last = first + (g->count - 1) * g->dilation;
        const int second = g->second == s ? at - 1 : at;
        const int lacks = made[g->x] <= (last < x->height ? last : x->height - 1);
        if (g->second != 255 && made[g->second] <= second && (!lacks || g->second > g->x)) {
            s = g->second; /* of two, that of the later stage: the shorter way, which would keep rows if it waited */
            continue;
        }
        if (lacks) {
            s = g->x;
            continue;
        }
        const void *rows[MOST_ROWS];
        for (int k = 0, row = first; k < g->count; k++, row += g->dilation) {
            rows[k] = row < 0 || row >= x->height ? NULL : a + x->offset + (ptrdiff_t)(row % x->kept) * x->bytes;
        }
        if (g->second != 255) {
            const struct band *const b = &bands[g->second];
            rows[g->count] = second < 0 ? NULL : a + b->offset + (ptrdiff_t)(second % b->kept) * b->bytes;
        }
        g->run(g->layer, rows, a + y->offset + (ptrdiff_t)(at % y->kept) * y->bytes, scratch);
        made[s]++;
        s = count - 1;
    }
}
