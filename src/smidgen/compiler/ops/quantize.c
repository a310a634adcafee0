//@ quantize
/* Real numbers to codes, rounded to the nearest, halfway up; what is not a number counts as 0. */
static void quantize_$name(const float *x, $Y *y, int count, float scale, float zero, float low, float high)
{
    for (int i = 0; i < count; i++) {
        const float rounded = floorf(x[i] / scale + 0.5f);
        y[i] = ($Y)clampf((rounded == rounded ? rounded : 0) + zero, low, high);
    }
}
