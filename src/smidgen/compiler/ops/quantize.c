//@ up
/* To the nearest integer, halfway up. */
static float rounded(float x)
{
    return floorf(x + 0.5f);
}

//@ away
/* To the nearest integer, halfway away from 0. */
static float rounded(float x)
{
    const float size = x < 0 ? -x : x, low = floorf(size), near = size - low < 0.5f ? low : low + 1;
    return x < 0 ? -near : near;
}

//@ quantize
/* Real numbers to codes; what is not a number counts as 0. */
static void quantize_$name(const float *x, $Y *y, int count, float scale, float zero, float low, float high)
{
    for (int i = 0; i < count; i++) {
        const float code = rounded(x[i] / scale);
        y[i] = ($Y)clampf((code == code ? code : 0) + zero, low, high);
    }
}
