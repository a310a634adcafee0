//@ core
#if !defined(__ARM_FEATURE_DSP) || !defined(__ARM_FP)
#error "This is for an Arm core with DSP instructions and an FPU: give the compiler -mcpu, -mfpu and -mfloat-abi=hard"
#endif

//@ range
/* The codes that an activation allows, where these are not all of the type: `clamp` is NULL where they are. */
struct range {
    void (*clamp)(const struct range *range, void *codes, int count);
    int low, high;
};

//@ clamp_codes
static void clamp_codes(const struct range *range, void *codes, int count)
{
    if (range->clamp) {
        range->clamp(range, codes, count);
    }
}

//@ clamp
static void clamp_$name(const struct range *range, void *codes, int count)
{
    for ($Y *y = ($Y *)codes; count; count--, y++) {
        *y = *y < range->low ? ($Y)range->low : (*y > range->high ? ($Y)range->high : *y);
    }
}
