//@ rnn
/* `room` holds a product of x, one of the state and a state of zeros. */
static void rnn_$name(const struct recurrent_layer *g, const $X *x, float *y, const float *first, float *room)
{
    const int n = g->units;
    float *const from_x = room, *const from_h = room + n, *const zeros = room + 2 * n;
    const float *h = first ? first : zeros;
    for (int i = 0; i < n; i++) {
        zeros[i] = 0;
    }
    for (int t = 0; t < g->steps; t++) {
        const ptrdiff_t at = recurrent_step(g, t);
        float *const next = y + at * g->stride;
        rows_$W(g->weight, g->weight_scale, g->bias, x + at * g->inputs, from_x, n, g->inputs);
        rows_$R(g->recurrent, g->recurrent_scale, g->recurrent_bias, $STATE, from_h, n, n);
        for (int i = 0; i < n; i++) {
            const float v = from_x[i] + from_h[i];
            next[i] = $VALUE;
        }
        h = next;
    }
}
