//@ cosine
/* cos(2 pi i / size) and its sine for i from 0 to size / 2, from the first quarter of the wave. */
static float wave_cos(const float *quarter, int i, int fourth)
{
    return i <= fourth ? quarter[i] : -quarter[2 * fourth - i];
}

static float wave_sin(const float *quarter, int i, int fourth)
{
    return i <= fourth ? quarter[fourth - i] : quarter[i - fourth];
}

//@ layer
/* Frames of `size` samples, a power of 2, every `step`. `places`: of each band its first frequency and how many. */
struct band_layer {
    int size, step, frames, bands;
    const float *cosines, *window;
    float level, swing;
    const int16_t *places;
    const float *weights;
};

//@ window
/* A sample in its window: from a table, or where that is a wave, level - swing * cos(2 pi i / size), without one. */
static float windowed(const struct band_layer *b, float x, int i)
{
    const int half = b->size / 2;
    if (b->window) {
        return x * b->window[i];
    }
    return x * (b->level - b->swing * wave_cos(b->cosines, i <= half ? i : b->size - i, half / 2));
}

//@ transform
/* The Fourier transform of size / 2 complex numbers z that lie in bit-reversed order: Cooley and Tukey 1965. */
static void transform(const struct band_layer *b, float *z)
{
    const int count = b->size / 2;
    for (int half = 1; half < count; half *= 2) {
        for (int j = 0; j < half; j++) {
            const int turn = j * (count / half);
            const float c = wave_cos(b->cosines, turn, count / 2), s = wave_sin(b->cosines, turn, count / 2);
            for (int i = j; i < count; i += 2 * half) {
                float *const p = z + 2 * i, *const q = p + 2 * half;
                const float re = c * q[0] + s * q[1], im = c * q[1] - s * q[0];
                q[0] = p[0] - re;
                q[1] = p[1] - im;
                p[0] += re;
                p[1] += im;
            }
        }
    }
}

/* The powers of all size / 2 + 1 frequencies of the real signal that z is the transform of, as pairs of samples. That
   of frequency k takes the place of z[2k], the last one that of z[1]. */
static void powers(const struct band_layer *b, float *z)
{
    const int count = b->size / 2;
    const float sum = z[0] + z[1], difference = z[0] - z[1];
    z[0] = sum * sum;
    z[1] = difference * difference;
    for (int k = 1; k <= count / 2; k++) {
        float *const p = z + 2 * k, *const q = z + 2 * (count - k);
        const float c = wave_cos(b->cosines, k, count / 2), s = wave_sin(b->cosines, k, count / 2);
        const float even_re = (p[0] + q[0]) / 2, even_im = (p[1] - q[1]) / 2;
        const float odd_re = (p[1] + q[1]) / 2, odd_im = (q[0] - p[0]) / 2;
        const float re = c * odd_re + s * odd_im, im = c * odd_im - s * odd_re;
        p[0] = (even_re + re) * (even_re + re) + (even_im + im) * (even_im + im);
        q[0] = (even_re - re) * (even_re - re) + (even_im - im) * (even_im - im);
    }
}

//@ bands
static void band_powers_$name(const struct band_layer *b, const $X *x, float *y, float *z)
{
    const int count = b->size / 2;
    for (int frame = 0; frame < b->frames; frame++, x += b->step) {
        for (int i = 0, reversed = 0; i < count; i++) {
            z[2 * reversed] = windowed(b, (float)x[2 * i], 2 * i);
            z[2 * reversed + 1] = windowed(b, (float)x[2 * i + 1], 2 * i + 1);
            int bit = count / 2;
            for (; reversed & bit; bit /= 2) {
                reversed ^= bit;
            }
            reversed |= bit;
        }
        transform(b, z);
        powers(b, z);
        const float *weight = b->weights;
        for (int band = 0; band < b->bands; band++) {
            const int first = b->places[2 * band], end = first + b->places[2 * band + 1];
            float sum = 0;
            for (int k = first; k < end; k++) {
                sum += *weight++ * z[k < count ? 2 * k : 1];
            }
            *y++ = sum;
        }
    }
}
