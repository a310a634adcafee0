//@ copy
/* `count` blocks of so many bytes; `step` is how far apart they begin. */
static void copy_blocks(const void *from, void *to, int count, int bytes, int from_step, int to_step)
{
    for (int i = 0; i < count; i++) {
        memcpy((uint8_t *)to + (ptrdiff_t)i * to_step, (const uint8_t *)from + (ptrdiff_t)i * from_step, (size_t)bytes);
    }
}
