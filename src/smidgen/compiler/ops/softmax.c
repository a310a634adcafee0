//@ softmax
/* exp(x) over its sum; the greatest x is taken off first, so that nothing overflows. */
static void softmax(const float *x, float *y, int count)
{
    float most = x[0], sum = 0;
    for (int i = 1; i < count; i++) {
        most = x[i] > most ? x[i] : most;
    }
    for (int i = 0; i < count; i++) {
        y[i] = expf(x[i] - most);
        sum += y[i];
    }
    for (int i = 0; i < count; i++) {
        y[i] /= sum;
    }
}
