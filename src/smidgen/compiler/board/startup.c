/* From reset to main() on any Cortex-M: vectors, FPU and vector unit, .data, .bss and a painted stack. */
#include <stdint.h>

#include "board.h"

#define CPACR (*(volatile uint32_t *)0xE000ED88u) /* access to coprocessors; there is none, and no effect, on a M0 */
#define PAINT 0xA5A5A5A5u

extern uint32_t data_load, data_start, data_end, bss_start, bss_end, stack_end, stack_top; /* of link.ld */

int main(void);
void reset(void);
void count_wrap(void);

static void fault(void)
{
    board_print("fault", 1);
    board_exit(99);
}

void reset(void)
{
    uint32_t *to;
    const uint32_t *from = &data_load;
    uint32_t *bottom = (uint32_t *)__builtin_frame_address(0) - 16; /* the frame of this function is in use */

    CPACR |= 0xFu << 20;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
    for (to = &data_start; to < &data_end; to++) {
        *to = *from++;
    }
    for (to = &bss_start; to < &bss_end; to++) {
        *to = 0;
    }
    for (to = &stack_end; to < bottom; to++) {
        *to = PAINT;
    }
    board_exit(main());
}

uint32_t board_stack_bytes(void)
{
    const uint32_t *deepest = &stack_end;

    while (deepest < &stack_top && *deepest == PAINT) {
        deepest++;
    }
    return (uint32_t)((uintptr_t)&stack_top - (uintptr_t)deepest);
}

/* The first 16 entries: what the processor itself raises. */
__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    void (*handlers[15])(void);
} vectors = {
    &stack_top,
    {reset, fault, fault, fault, fault, fault, fault, 0, 0, 0, fault, fault, 0, fault, count_wrap},
};
