//@ whole
/* `step` is 0 where b is one number for all. */
static void whole_$name(const int32_t *a, const int32_t *b, int step, int count, int32_t *y)
{
    for (int i = 0; i < count; i++, b += step) {
        y[i] = $VALUE;
    }
}
