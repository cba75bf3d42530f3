/* A Cortex-M program that applies a payload, and counts what the decoder costs (bench/decoder_cycles.py). It
 * runs on QEMU's microbit (Cortex-M0) and mps2-an385 (Cortex-M3), which have memory and SysTick at the same
 * places, with -icount shift=0, where an instruction takes one nanosecond. What a device has in flash are
 * files here, read and written through the host, which costs no instructions:
 *
 *     payload, base (empty: none) --> image; expected says how long that is */
#include <stdint.h>

#include "tandem/decode.h"

struct systick {
    volatile uint32_t control;
    volatile uint32_t reload;
    volatile uint32_t value; /* 24 bits, counts down */
};

#define SYSTICK ((struct systick *)0xE000E010)
#define RAM_END ((void *)0x20004000)

enum {
    TICKS = 0xFFFFFF,
    SYSTICK_ON = 1 | 1 << 2, /* with the processor's clock */
    PIECE = 256
};

/* --- The host --- */

enum {
    HOST_OPEN = 0x01,
    HOST_PRINT = 0x04,
    HOST_WRITE = 0x05,
    HOST_READ = 0x06,
    HOST_SEEK = 0x0A,
    HOST_LENGTH = 0x0C,
    HOST_EXIT = 0x18,
    EXIT_DONE = 0x20026,
    FOR_READING = 1,
    FOR_BOTH = 7
};

static uint32_t call_host(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;

    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static uint32_t open_file(const char *name, uint32_t name_bytes, uint32_t how)
{
    const uintptr_t argument[] = {(uintptr_t)name, how, name_bytes};

    return call_host(HOST_OPEN, argument);
}
#define OPEN(name, how) open_file(name, sizeof(name) - 1, how)

static uint32_t length(uint32_t file)
{
    return call_host(HOST_LENGTH, &file);
}

/* Reads or writes at an offset; how many bytes it did not. */
static uint32_t transfer(uint32_t operation, uint32_t file, uint32_t offset, const uint8_t *data,
                         uint32_t bytes)
{
    const uint32_t place[] = {file, offset};
    const uintptr_t argument[] = {file, (uintptr_t)data, bytes};

    call_host(HOST_SEEK, place);
    return call_host(operation, argument);
}

static void say(uint32_t number)
{
    char text[] = "00000000 ";

    for (unsigned i = 8; i-- > 0; number >>= 4)
        text[i] = "0123456789abcdef"[number & 15];
    call_host(HOST_PRINT, text);
}

/* --- Time --- */

static void start_timer(void)
{
    SYSTICK->control = 0;
    SYSTICK->reload = TICKS;
    SYSTICK->value = 0;
    SYSTICK->control = SYSTICK_ON;
}

static uint32_t ticks(void)
{
    return TICKS - SYSTICK->value;
}

/* A loop of two million instructions, as the timer sees it. */
static uint32_t check_timer(void)
{
    uint32_t turns = 1000000;

    start_timer();
    __asm__ volatile(".syntax unified\n"
                     "1: subs %0, #1\n"
                     "bne 1b\n"
                     : "+l"(turns)
                     :
                     : "cc");
    return ticks();
}

/* --- The decoder --- */

static struct tdm_unlzma decoder;
static uint32_t base, image; /* files */
static uint32_t base_bytes, written, read_back;

static int read(void *ctx, bool from_base, uint32_t offset, uint8_t *to, uint32_t bytes)
{
    uint32_t limit = from_base ? base_bytes : written;

    (void)ctx;
    if (offset > limit || bytes > limit - offset)
        return TDM_E_PAYLOAD;
    read_back += bytes;
    return transfer(HOST_READ, from_base ? base : image, offset, to, bytes) == 0 ? TDM_OK : TDM_E_FLASH_READ;
}

static int write(void *ctx, uint8_t *bytes, uint32_t count)
{
    uint32_t at = written;

    (void)ctx;
    written += count;
    return transfer(HOST_WRITE, image, at, bytes, count) == 0 ? TDM_OK : TDM_E_FLASH_PROGRAM;
}

/* Ticks that the whole payload takes; 0 if it gives no image. */
static uint32_t apply(void)
{
    static const struct tdm_unlzma_ops ops = {.read = read, .write = write};
    static uint8_t piece[PIECE];
    uint32_t payload = OPEN("payload", FOR_READING);
    uint32_t payload_bytes = length(payload);
    int error = TDM_OK;

    base = OPEN("base", FOR_READING);
    base_bytes = length(base);
    image = OPEN("image", FOR_BOTH);
    tdm_unlzma_init(&decoder, &ops, NULL, base_bytes, length(OPEN("expected", FOR_READING)), 0);
    start_timer();
    for (uint32_t at = 0; at < payload_bytes && error == TDM_OK; at += PIECE) {
        uint32_t bytes = payload_bytes - at < PIECE ? payload_bytes - at : PIECE;

        transfer(HOST_READ, payload, at, piece, bytes);
        error = tdm_unlzma_feed(&decoder, piece, bytes);
    }
    return tdm_unlzma_done(&decoder) ? ticks() : 0;
}

void start(void) __attribute__((noreturn));
void start(void)
{
    say(check_timer());
    say(apply());
    say(read_back);
    say(sizeof decoder);
    say(sizeof(struct tdm_mcu_decoding));
    call_host(HOST_EXIT, (const void *)EXIT_DONE);
    for (;;)
        ;
}

extern const void *const vectors[];
__attribute__((section(".vectors"))) const void *const vectors[] = {RAM_END, start};
