/* What a program on a bare board can ask for: files of the host by semihosting, an exact clock and its use of stack. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

enum board_mode { BOARD_READ = 1, BOARD_WRITE = 5 }; /* "rb" and "wb" of fopen, as semihosting numbers them */

/* A file in the current folder of the emulator or debugger; less than 0 where it cannot be opened. */
int board_open(const char *name, enum board_mode mode);

/* 0 if all bytes were read or written. */
int board_read(int file, void *data, uint32_t bytes);
int board_write(int file, const void *data, uint32_t bytes);

/* A line of text on the terminal: a word and a number. */
void board_print(const char *word, uint64_t number);

/* Instructions between a start and a stop, neither of them counted, once the clock is set. Exact under
   `qemu -icount shift=0`, where an instruction takes a nanosecond. */
void board_clock_set(void);
void board_clock_start(void);
uint64_t board_clock_stop(void);

/* The most bytes that the stack has had since reset. */
uint32_t board_stack_bytes(void);

/* Ends the program, and the emulator with it. */
void board_exit(int code);

#endif
