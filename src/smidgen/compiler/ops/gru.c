//@ gru
/* `room` holds three gates of x, three of the state and a state of zeros. */
static void gru_$name(const struct recurrent_layer *g, const $X *x, float *y, const float *first, float *room)
{
    const int n = g->units;
    float *const from_x = room, *const from_h = room + 3 * n, *const zeros = room + 6 * n;
    const float *h = first ? first : zeros;
    for (int i = 0; i < n; i++) {
        zeros[i] = 0;
    }
    for (int t = 0; t < g->steps; t++) {
        const ptrdiff_t at = recurrent_step(g, t);
        float *const next = y + at * g->stride;
        rows_$W(g->weight, g->weight_scale, g->bias, x + at * g->inputs, from_x, 3 * n, g->inputs);
        rows_$R(g->recurrent, g->recurrent_scale, g->recurrent_bias, $STATE, from_h, $FIRST * n, n);
        for (int i = 0; i < 2 * n; i++) {
            from_x[i] = gate_logistic(from_x[i] + from_h[i]);
        }
        candidate_$name(g, from_x + n, h, from_h);
        for (int i = 0; i < n; i++) {
            const float z = from_x[i], candidate = gate_tanh(from_x[2 * n + i] + from_h[2 * n + i]);
            next[i] = (1 - z) * candidate + z * h[i];
        }
        h = next;
    }
}

//@ after
/* The part of the state in the candidate: the reset times its product, which is there. */
static void candidate_$name(const struct recurrent_layer *g, const float *reset, const float *h, float *from_h)
{
    (void)h;
    for (int i = 0; i < g->units; i++) {
        from_h[2 * g->units + i] *= reset[i];
    }
}

//@ before
/* The part of the state in the candidate: the product of the reset state. */
static void candidate_$name(const struct recurrent_layer *g, const float *reset, const float *h, float *from_h)
{
    const int n = g->units;
    const $TYPE *const last = (const $TYPE *)g->recurrent + (ptrdiff_t)2 * n * n;
    const float *const scale = g->recurrent_scale ? g->recurrent_scale + 2 * n : NULL;
    for (int i = 0; i < n; i++) {
        from_h[i] = reset[i] * h[i];
    }
    rows_$R(last, scale, g->recurrent_bias + 2 * n, $RESET, from_h + 2 * n, n, n);
}
