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
    const int64_t scaled = $requantize(sum - count * f->zero_x, f->multiplier[index], f->shift[index]);
    return ($Y)clamp(scaled + f->zero, f->low, f->high);
}

//@ finish_divided
/* The mean of so many codes in their own scale, halfway away from 0. */
struct mean_scaling_$name {
    int32_t low, high;
};

static $Y mean_$name(const struct mean_scaling_$name *f, int32_t sum, int count)
{
    return ($Y)clamp((sum + (sum > 0 ? count / 2 : -(count / 2))) / count, f->low, f->high);
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

//@ row
struct mean_row {
    int width, channels;
};

//@ stream
/* A mean row by row: each row is added to the sums before it, which are its own; the last sums are divided. */
struct mean_total_$name {
    const struct mean_scaling_$name *finish;
    int count, channels;
};

static void mean_add_$name(const void *layer, const void *const *rows, void *out, void *scratch)
{
    const struct mean_row *const g = (const struct mean_row *)layer;
    const $X *x = (const $X *)rows[0];
    $A *const sums = ($A *)out;
    (void)scratch;
    for (int c = 0; !rows[1] && c < g->channels; c++) {
        sums[c] = 0;
    }
    for (int i = 0; i < g->width; i++) {
        for (int c = 0; c < g->channels; c++) {
            sums[c] += *x++;
        }
    }
}

static void mean_divide_$name(const void *layer, const void *const *rows, void *out, void *scratch)
{
    const struct mean_total_$name *const g = (const struct mean_total_$name *)layer;
    const $A *const sums = (const $A *)rows[0];
    $Y *const y = ($Y *)out;
    (void)scratch;
    for (int c = 0; c < g->channels; c++) {
        y[c] = mean_$name(g->finish, sums[c], g->count);
    }
}
