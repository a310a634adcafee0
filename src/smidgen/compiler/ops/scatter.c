//@ scatter
static void scatter_$name(const $I *x, int count, const float *constants, float *y, int size)
{
    for (int i = 0; i < size; i++) {
        y[i] = 0;
    }
    for (int i = 0; i < count; i++) {
        if (x[i] >= 0 && x[i] < size) {
            y[x[i]] = constants[i];
        }
    }
}
