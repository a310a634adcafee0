//@ layer
/* A recurrent layer over a sequence of `steps` vectors; weights (gates * units, inputs or units). */
struct recurrent_layer {
    int steps, inputs, units, reverse;
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

//@ logistic
static float logistic(float x)
{
    return 1 / (1 + expf(-x));
}
