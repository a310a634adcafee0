//@ reduce
/* One number for all along the middle axis of (outer, middle, inner). */
static void reduce_$name(const $X *x, $Y *y, int outer, int middle, int inner)
{
    for (int o = 0; o < outer; o++, x += (ptrdiff_t)middle * inner) {
        for (int i = 0; i < inner; i++) {
            $A v = x[i];
            for (int m = 1; m < middle; m++) {
                const $A next = x[(ptrdiff_t)m * inner + i];
                v = $STEP;
            }
            *y++ = ($Y)($VALUE);
        }
    }
}
