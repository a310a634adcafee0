//@ transpose
/* Elements in order of the output; `step` is how far apart they lie in the input. */
static void transpose_$name(const $X *x, $X *y, const int32_t *size, const int32_t *step)
{
    for (int i = 0; i < size[0]; i++) {
        for (int j = 0; j < size[1]; j++) {
            for (int k = 0; k < size[2]; k++) {
                for (int l = 0; l < size[3]; l++) {
                    *y++ = x[i * step[0] + j * step[1] + k * step[2] + l * step[3]];
                }
            }
        }
    }
}
