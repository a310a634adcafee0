//@ pixels
/* The mean of each channel over `count` pixels, of whole words. Sums of 256 codes fit 16 bits, two to a register. */
static void mean_pixels_$name(const struct mean_scaling_$name *f, const $X *x, $Y *y, int count, int channels)
{
    for (int c = 0; c < channels; c += 4) {
        const $X *pixel = x + c;
        int32_t sums[4] = {0, 0, 0, 0};
        for (int left = count, next; left; left -= next) {
            int32_t even = 0, odd = 0;
            next = left < 256 ? left : 256;
            for (int i = next; i; i--, pixel += channels) {
                int32_t codes;
                memcpy(&codes, pixel, sizeof codes);
                __asm__("$EXTEND %0, %0, %1" : "+r"(even) : "r"(codes));
                __asm__("$EXTEND %0, %0, %1, ror #8" : "+r"(odd) : "r"(codes));
            }
            sums[0] += ($SHORT)even;
            sums[1] += ($SHORT)odd;
            sums[2] += ($SHORT)(even >> 16);
            sums[3] += ($SHORT)(odd >> 16);
        }
        for (int i = 0; i < 4; i++) {
            *y++ = mean_$name(f, sums[i], count);
        }
    }
}
