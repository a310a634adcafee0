//@ lstm
/* `room` holds four gates of x, four of the state, the cell and a state of zeros. */
static void lstm_$name(const struct recurrent_layer *g, const $X *x, float *y, const float *first,
                       const float *first_cell, float *room)
{
    const int n = g->units;
    float *const gates = room, *const from_h = room + 4 * n, *const cell = room + 8 * n, *const zeros = room + 9 * n;
    const float *h = first ? first : zeros;
    for (int i = 0; i < n; i++) {
        zeros[i] = 0;
        cell[i] = first_cell ? first_cell[i] : 0;
    }
    for (int t = 0; t < g->steps; t++) {
        const ptrdiff_t at = recurrent_step(g, t);
        float *const next = y + at * g->stride;
        rows_$W(g->weight, g->weight_scale, g->bias, x + at * g->inputs, gates, 4 * n, g->inputs);
        rows_$R(g->recurrent, g->recurrent_scale, g->recurrent_bias, $STATE, from_h, 4 * n, n);
        for (int i = 0; i < 4 * n; i++) {
            gates[i] += from_h[i];
        }
        for (int i = 0; i < n; i++) {
            const float forget = gate_logistic(gates[2 * n + i]);
            cell[i] = forget * cell[i] + gate_logistic(gates[i]) * gate_tanh(gates[3 * n + i]);
            next[i] = gate_logistic(gates[n + i]) * gate_tanh(cell[i]);
        }
        h = next;
    }
}
