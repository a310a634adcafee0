//@ dense
struct dense_layer_$name {
    int inputs, outputs;
    $A zero; /* what a real 0 is in the input */
    const $W *weight;
    const $A *bias;
    struct scaling_$name finish;
};

/* Weights (outputs, inputs). */
static void dense_$name(const struct dense_layer_$name *g, const $X *x, $Y *y)
{
    for (int c = 0; c < g->outputs; c++) {
        const $W *const w = g->weight + (ptrdiff_t)c * g->inputs;
        y[c] = finish_$name(&g->finish, c, g->bias[c] + dot_$dot(x, w, g->inputs, g->zero));
    }
}
