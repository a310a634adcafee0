//@ dequantize
/* Codes to real numbers. */
static void dequantize_$name(const $X *x, float *y, int count, float scale, int32_t zero)
{
    for (int i = 0; i < count; i++) {
        y[i] = (float)(x[i] - zero) * scale;
    }
}
