//@ window
/* The part of a window that lies inside an axis: start + step * [first, end), of `count` places. */
static int window_first(int start, int step)
{
    return start < 0 ? (step - 1 - start) / step : 0;
}

static int window_end(int start, int step, int size, int count)
{
    const int end = (size - start + step - 1) / step;
    return start >= size ? 0 : (end < count ? end : count);
}

//@ dot
/* The sum of (x - zero) * w over `count` neighbours. */
static int32_t dot_$dot(const $X *x, const $W *w, int count, int32_t zero)
{
    int32_t sum = 0;
    for (int i = 0; i < count; i++) {
        sum += (x[i] - zero) * w[i];
    }
    return sum;
}

//@ dot_float
/* The sum of x * w over `count` neighbours; `zero` is 0. */
static float dot_$dot(const float *x, const float *w, int count, float zero)
{
    float sum = zero;
    for (int i = 0; i < count; i++) {
        sum += x[i] * w[i];
    }
    return sum;
}

//@ requantize
/* acc * multiplier / 2^shift, rounded to the nearest, halfway up. Right shifts of negative numbers are arithmetic. */
static int64_t requantize(int32_t acc, int32_t multiplier, int shift)
{
    return ((int64_t)acc * multiplier + ((int64_t)1 << (shift - 1))) >> shift;
}

//@ requantize_twice
/* The same as LiteRT rounds it: halfway up where the multiplier's 31 bits end, then halfway away from 0. */
static int64_t requantize_twice(int32_t acc, int32_t multiplier, int shift)
{
    const int first = shift < 31 ? shift : 31, second = shift - first;
    const int64_t value = requantize(acc, multiplier, first);
    return second ? (value + ((int64_t)1 << (second - 1)) - (value < 0)) >> second : value;
}

//@ clamp
static int32_t clamp(int64_t value, int32_t low, int32_t high)
{
    return value < low ? low : (value > high ? high : (int32_t)value);
}

//@ clampf
static float clampf(float value, float low, float high)
{
    return value < low ? low : (value > high ? high : value);
}

//@ finish
/* What becomes of the sum of a channel: scaled to the output's codes and held in their range. */
struct scaling_$name {
    const int32_t *multiplier;
    const uint8_t *shift;
    int32_t zero, low, high;
};

static $Y finish_$name(const struct scaling_$name *f, int channel, int32_t acc)
{
    return ($Y)clamp($requantize(acc, f->multiplier[channel], f->shift[channel]) + f->zero, f->low, f->high);
}

//@ finish_leaky
/* What becomes of the sum of a channel: scaled to the output's codes, less steeply below 0, and held in their range. */
struct scaling_$name {
    const int32_t *multiplier;
    const uint8_t *shift;
    const int32_t *multiplier_below;
    const uint8_t *shift_below;
    int32_t zero, low, high;
};

static $Y finish_$name(const struct scaling_$name *f, int channel, int32_t acc)
{
    const int32_t multiplier = acc < 0 ? f->multiplier_below[channel] : f->multiplier[channel];
    const int shift = acc < 0 ? f->shift_below[channel] : f->shift[channel];
    return ($Y)clamp(requantize(acc, multiplier, shift) + f->zero, f->low, f->high);
}

//@ finish_dequantized
/* What becomes of the integer sum of a channel where the output is real: scaled, then the activation. */
struct scaling_$name {
    const float *scale;
    float slope, low, high;
};

static float finish_$name(const struct scaling_$name *f, int channel, int32_t acc)
{
    const float value = (float)acc * f->scale[channel];
    return clampf(value < 0 ? value * f->slope : value, f->low, f->high);
}

//@ finish_float
/* What becomes of a sum: the activation. */
struct scaling_$name {
    float slope, low, high;
};

static float finish_$name(const struct scaling_$name *f, int channel, float acc)
{
    (void)channel;
    return clampf(acc < 0 ? acc * f->slope : acc, f->low, f->high);
}
