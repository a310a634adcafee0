/* Semihosting (Arm, "Semihosting for AArch32 and AArch64", 2.0) and an exact clock from the timer SysTick. */
#include "board.h"

enum { SYS_OPEN = 0x01, SYS_WRITE0 = 0x04, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_EXIT_EXTENDED = 0x20 };

#define STOPPED_BY_APPLICATION 0x20026u

static int semihosting(int operation, const void *argument)
{
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;

    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

int board_open(const char *name, enum board_mode mode)
{
    uint32_t length = 0;

    while (name[length]) {
        length++;
    }
    {
        const uint32_t block[3] = {(uint32_t)(uintptr_t)name, mode, length};
        return semihosting(SYS_OPEN, block);
    }
}

static int transfer(int operation, int file, const void *data, uint32_t bytes)
{
    const uint32_t block[3] = {(uint32_t)file, (uint32_t)(uintptr_t)data, bytes};

    return semihosting(operation, block);
}

int board_read(int file, void *data, uint32_t bytes)
{
    return transfer(SYS_READ, file, data, bytes);
}

int board_write(int file, const void *data, uint32_t bytes)
{
    return transfer(SYS_WRITE, file, data, bytes);
}

/* Divides by ten, bit by bit, and gives the remainder: the 64-bit division of libgcc is larger than all of this file. */
static uint32_t last_digit(uint64_t *number)
{
    uint32_t rest = 0, bit;

    for (bit = 0; bit < 64; bit++) {
        rest = 2 * rest + (uint32_t)(*number >> 63);
        *number = *number << 1 | (rest >= 10);
        if (rest >= 10) {
            rest -= 10;
        }
    }
    return rest;
}

void board_print(const char *word, uint64_t number)
{
    char text[24], *at = text + sizeof text;

    *--at = 0;
    *--at = '\n';
    do {
        *--at = (char)('0' + last_digit(&number));
    } while (number);
    *--at = ' ';
    semihosting(SYS_WRITE0, word);
    semihosting(SYS_WRITE0, at);
}

void board_exit(int code)
{
    const uint32_t block[2] = {STOPPED_BY_APPLICATION, (uint32_t)code};

    semihosting(SYS_EXIT_EXTENDED, block);
    for (;;) {
    }
}

#define SYST_CSR (*(volatile uint32_t *)0xE000E010u)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014u)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018u)
#define LAST 0xFFFFFFu

static volatile uint32_t wraps;

void count_wrap(void);
void count_wrap(void)
{
    wraps++;
}

/* SysTick counts every 40 instructions, say. Forty readings that lie seven instructions apart fall on all forty phases
   of a tick, once each, because 7 and 40 have no common factor; so their sum grows by exactly 1 with each instruction
   by which they begin later (Hermite's identity). BOARD_READINGS is the number of phases, BOARD_GROWTH what the sum
   grows by. */
static uint32_t readings(void)
{
    uint32_t sum = 0, now, left = BOARD_READINGS;

    __asm__ volatile(".syntax unified\n"
                     "1:\n\t"
                     "ldr %[now], [%[timer]]\n\t"
                     "adds %[sum], %[sum], %[now]\n\t"
                     "nop\n\tnop\n\tnop\n\t"
                     "subs %[left], %[left], #1\n\t"
                     "bne 1b"
                     : [sum] "+l"(sum), [now] "=&l"(now), [left] "+l"(left)
                     : [timer] "l"(&SYST_CVR)
                     : "cc", "memory");
    return BOARD_READINGS * LAST - sum;
}

static uint64_t reading(void)
{
    uint32_t before, sum;

    do {
        before = wraps;
        sum = readings();
    } while (before != wraps);
    return (((uint64_t)before << 24) * BOARD_READINGS + sum) / BOARD_GROWTH;
}

static uint64_t began, empty;

__attribute__((noinline)) void board_clock_start(void)
{
    began = reading();
}

__attribute__((noinline)) uint64_t board_clock_stop(void)
{
    return reading() - began - empty;
}

/* Taking the time takes time, which is left out: what lies between a start and a stop that follows at once. */
void board_clock_set(void)
{
    SYST_RVR = LAST;
    SYST_CVR = 0;
    wraps = 0;
    SYST_CSR = 7; /* on, with an interrupt at each wrap, by the clock of the processor */
    while (!SYST_CVR) {
        /* it stays 0 until its first tick */
    }
    empty = 0;
    board_clock_start();
    empty = board_clock_stop();
}
