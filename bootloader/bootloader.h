/* The bootloader: core/boot's choice on one board. */
#ifndef TANDEM_BOOTLOADER_H
#define TANDEM_BOOTLOADER_H

/* Runs from reset: says in one line what it decided, and starts an image; where none can run, it resets
 * after a pause and tries again. Never returns. */
void bootloader_run(void) __attribute__((noreturn));

#endif
