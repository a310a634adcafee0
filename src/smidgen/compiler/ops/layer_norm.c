//@ floats
static void layer_norm(const float *x, float *y, int rows, int count, const float *gain, const float *offset,
                       float epsilon)
{
    for (int row = 0; row < rows; row++, x += count, y += count) {
        float mean = 0, squares = 0;
        for (int i = 0; i < count; i++) {
            mean += x[i];
        }
        mean /= (float)count;
        for (int i = 0; i < count; i++) {
            squares += (x[i] - mean) * (x[i] - mean);
        }
        const float inverse = 1 / sqrtf(squares / (float)count + epsilon);
        for (int i = 0; i < count; i++) {
            y[i] = (x[i] - mean) * inverse * gain[i] + offset[i];
        }
    }
}

//@ codes
/* Sums of codes and of the squares of count * x - sum are exact; so their zero point does not matter. */
static void layer_norm_$name(const $X *x, $Y *y, int rows, int count, const float *gain, const float *offset,
                             float epsilon, float low, float high)
{
    for (int row = 0; row < rows; row++, x += count, y += count) {
        int32_t sum = 0;
        int64_t squares = 0;
        for (int i = 0; i < count; i++) {
            sum += x[i];
        }
        for (int i = 0; i < count; i++) {
            const int64_t difference = x[i] * count - sum;
            squares += difference * difference;
        }
        const float inverse = 1 / sqrtf((float)squares / (float)count + epsilon);
        for (int i = 0; i < count; i++) {
            const float rounded = floorf((float)(x[i] * count - sum) * inverse * gain[i] + offset[i] + 0.5f);
            y[i] = ($Y)clampf(rounded == rounded ? rounded : 0, low, high);
        }
    }
}
