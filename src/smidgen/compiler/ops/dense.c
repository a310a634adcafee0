//@ dense
struct dense_layer_$name$FORM {
    int inputs, outputs;
    $A zero; /* what a real 0 is in the input */
    ${WEIGHTS}weight;
    const $A *bias;
    struct scaling_$name finish;
};

/* Weights (outputs, inputs). */
static void dense_$name$FORM(const struct dense_layer_$name$FORM *g, const $X *x, $Y *y)
{
    for (int c = 0; c < g->outputs; c++) {
        const ptrdiff_t i = (ptrdiff_t)c * g->inputs;
        y[c] = finish_$name(&g->finish, c, g->bias[c] + dot${FORM}_$dot(x, $FROM, g->inputs, g->zero));
    }
}
