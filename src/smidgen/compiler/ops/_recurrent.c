//@ layer
/* A recurrent layer over a sequence of `steps` vectors; weights (gates * units, inputs or units). Scales are those of
   sums: of a row of weights, times the unit of what it is multiplied with. */
struct recurrent_layer {
    int steps, inputs, units, reverse;
    int stride; /* from one state in the output to the next; 0 where only the last one is wanted */
    const void *weight;
    const float *weight_scale;
    const void *recurrent;
    const float *recurrent_scale;
    const float *bias, *recurrent_bias;
};

/* The step that is the t-th to run. */
static int recurrent_step(const struct recurrent_layer *g, int t)
{
    return g->reverse ? g->steps - 1 - t : t;
}

//@ rows
/* y[i] = bias[i] + scale[i] * sum of w[i, :] * x; a scale only where weights are codes. */
static void rows_$name(const void *weight, const float *scale, const float *bias, const float *x, float *y, int outputs,
                       int inputs)
{
    const $W *w = (const $W *)weight;
    for (int i = 0; i < outputs; i++, w += inputs) {
        float sum = 0;
        for (int k = 0; k < inputs; k++) {
            sum += (float)w[k] * x[k];
        }
        y[i] = bias[i] + (scale ? sum * scale[i] : sum);
    }
}

//@ rows_of_codes
/* y[i] = bias[i] + scale[i] * sum of w[i, :] * x, all codes. */
static void rows_$name(const void *weight, const float *scale, const float *bias, const $X *x, float *y, int outputs,
                       int inputs)
{
    const int8_t *w = (const int8_t *)weight;
    for (int i = 0; i < outputs; i++, w += inputs) {
        int32_t sum = 0;
        for (int k = 0; k < inputs; k++) {
            sum += w[k] * x[k];
        }
        y[i] = bias[i] + (float)sum * scale[i];
    }
}

//@ state_codes
/* A state, from -1 to 1, in units of 1 / 32767. */
static const int16_t *state_codes(const float *h, float *room, int n)
{
    int16_t *const codes = (int16_t *)room;
    for (int i = 0; i < n; i++) {
        codes[i] = (int16_t)(h[i] * 32767.0f + (h[i] < 0 ? -0.5f : 0.5f));
    }
    return codes;
}

//@ tanh
/* A ratio of polynomials with an error below 3e-7; the numbers are Eigen's (generic_fast_tanh_float). */
static float gate_tanh(float x)
{
    const float v = x > 7.9f ? 7.9f : x < -7.9f ? -7.9f : x, s = v * v;
    float p = -2.76076847742355e-16f, q = 1.19825839466702e-06f;
    p = p * s + 2.00018790482477e-13f;
    p = p * s + -8.60467152213735e-11f;
    p = p * s + 5.12229709037114e-08f;
    p = p * s + 1.48572235717979e-05f;
    p = p * s + 6.37261928875436e-04f;
    p = p * s + 4.89352455891786e-03f;
    q = q * s + 1.18534705686654e-04f;
    q = q * s + 2.26843463243900e-03f;
    q = q * s + 4.89352518554385e-03f;
    return v * p / q;
}

//@ logistic
static float gate_logistic(float x)
{
    return 0.5f + 0.5f * gate_tanh(0.5f * x);
}
