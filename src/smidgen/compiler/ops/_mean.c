//@ finish
/* The mean of so many codes as a code of the output: a multiplier for each count from `least` on. */
struct mean_scaling_$name {
    const int32_t *multiplier;
    const uint8_t *shift;
    int32_t least, zero_x, zero, low, high;
};

static $Y mean_$name(const struct mean_scaling_$name *f, int32_t sum, int count)
{
    const int32_t index = count - f->least;
    const int64_t scaled = requantize(sum - count * f->zero_x, f->multiplier[index], f->shift[index]);
    return ($Y)clamp(scaled + f->zero, f->low, f->high);
}

//@ finish_float
/* The mean of so many numbers, held in a range. */
struct mean_scaling_$name {
    float low, high;
};

static float mean_$name(const struct mean_scaling_$name *f, float sum, int count)
{
    return clampf(sum / (float)count, f->low, f->high);
}

//@ mean
/* The mean over the middle axis of (outer, middle, inner). */
static void reduce_$name(const struct mean_scaling_$name *f, const $X *x, $Y *y, int outer, int middle, int inner)
{
    for (int o = 0; o < outer; o++, x += (ptrdiff_t)middle * inner) {
        for (int i = 0; i < inner; i++) {
            $A sum = 0;
            for (int m = 0; m < middle; m++) {
                sum += x[(ptrdiff_t)m * inner + i];
            }
            *y++ = mean_$name(f, sum, middle);
        }
    }
}
