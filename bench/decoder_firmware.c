/* A Cortex-M program for QEMU's mps2-an385 that counts what the decoder costs (bench/decoder_cycles.py, which
 * also places the payload, its base and the image that must come out). Run with -icount shift=0, where an
 * instruction takes one nanosecond. */
#include <stdint.h>
#include <string.h>

#include "tandem/decode.h"

struct input {
    const uint8_t *payload;
    uint32_t payload_bytes;
    const uint8_t *base;
    uint32_t base_bytes;
    uint8_t *image; /* comes out here, */
    uint32_t image_bytes;
    const uint8_t *expected; /* and must be this */
};

/* A timer of the board at 25 MHz that counts down. */
struct timer {
    volatile uint32_t control;
    volatile uint32_t value;
};

#define INPUT ((const struct input *)0x21000000)
#define TIMER ((struct timer *)0x40000000)

enum {
    NS_PER_TICK = 40,
    TIMER_ON = 1,
    SEMIHOSTING_WRITE0 = 0x04,
    SEMIHOSTING_EXIT = 0x18,
    EXIT_DONE = 0x20026
};

static struct tdm_unlzma decoder;
static uint32_t written;
static uint32_t read_back; /* bytes */

static int read(void *ctx, bool base, uint32_t offset, uint8_t *to, uint32_t bytes)
{
    uint32_t limit = base ? INPUT->base_bytes : written;

    (void)ctx;
    if (offset > limit || bytes > limit - offset)
        return TDM_E_PAYLOAD;
    memcpy(to, (base ? INPUT->base : INPUT->image) + offset, bytes);
    read_back += bytes;
    return TDM_OK;
}

static int write(void *ctx, uint8_t *bytes, uint32_t count)
{
    (void)ctx;
    memcpy(INPUT->image + written, bytes, count);
    written += count;
    return TDM_OK;
}

static void call_host(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;

    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
}

static void say(uint32_t number)
{
    char text[] = "00000000 ";

    for (unsigned i = 8; i-- > 0; number >>= 4)
        text[i] = "0123456789abcdef"[number & 15];
    call_host(SEMIHOSTING_WRITE0, text);
}

static void start_timer(void)
{
    TIMER->value = UINT32_MAX;
    TIMER->control = TIMER_ON;
}

static uint32_t instructions(void)
{
    return (UINT32_MAX - TIMER->value) * NS_PER_TICK;
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
    return instructions();
}

/* Instructions that the whole payload takes; 0 if it does not give the image. */
static uint32_t count(void)
{
    static const struct tdm_unlzma_ops ops = {.read = read, .write = write};
    uint32_t taken;
    int error;

    tdm_unlzma_init(&decoder, &ops, NULL, INPUT->base_bytes, INPUT->image_bytes, 0);
    start_timer();
    error = tdm_unlzma_feed(&decoder, INPUT->payload, INPUT->payload_bytes);
    taken = instructions();
    if (error != TDM_OK || !tdm_unlzma_done(&decoder) ||
        memcmp(INPUT->image, INPUT->expected, INPUT->image_bytes) != 0)
        return 0;
    return taken;
}

void start(void) __attribute__((noreturn));
void start(void)
{
    say(check_timer());
    say(count());
    say(read_back);
    say(sizeof decoder);
    say(sizeof(struct tdm_mcu_decoding));
    call_host(SEMIHOSTING_EXIT, (const void *)EXIT_DONE);
    for (;;)
        ;
}

extern const void *const vectors[];
__attribute__((section(".vectors"))) const void *const vectors[] = {(void *)0x20100000, start};
