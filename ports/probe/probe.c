/* A program that tries out a port: it answers lines on the UART, one command each, and so shows whether every
 * function of board.h does what it promises. tests/port/ talks to it; so can a person with a terminal.
 *
 *     say WORD                   the word
 *     cause                      why the processor started: power, soft, watchdog, fault or no-link
 *     bank                       0, 1, or none in the bootloader's place
 *     layout                     erase and program unit, once; record, banks: address and bytes; header, keys
 *     time                       board_now_ms()
 *     boots                      board_boots()
 *     receives                   board_receives_while_writing(): 1 or 0
 *     busy MS                    answers at once, then looks at nothing and feeds nothing for so long
 *     echo COUNT                 the next COUNT bytes come back as they are
 *     erase ADDRESS              the driver's result: 0, or a number of tandem/error.h
 *     program ADDRESS HEX
 *     fill ADDRESS COUNT         programs unit by unit, byte n with n * 37 % 128; a dot for each unit
 *     read ADDRESS COUNT         the result, and the bytes
 *     blank ADDRESS COUNT        1 or 0
 *     check ADDRESS              board_check_image for the bank that ADDRESS lies in
 *     jump ADDRESS               starts what is there
 *     store ADDRESS              writes past the driver, as a stray pointer would
 *     baud RATE                  answers at the old rate
 *     reset soft|no-link
 *     watchdog MS                starts it; from then on it is fed while the probe waits for commands
 *     hang                       never returns, feeds nothing
 *     crash                      executes an undefined instruction
 *
 * It says "ready" when it starts. Numbers without a sign of their base are decimal, 0x... is hexadecimal. An
 * unknown line gets "?". */
#include <stdlib.h>
#include <string.h>

#include "ports/board.h"
#include "ports/probe/probe.h"

#define LINE_BYTES 600
#define DATA_BYTES 256
#define PROBE_BAUD 115200u

static const char *const causes[] = {
    [TDM_RESET_POWER] = "power", [TDM_RESET_SOFT] = "soft",       [TDM_RESET_WATCHDOG] = "watchdog",
    [TDM_RESET_FAULT] = "fault", [TDM_RESET_NO_LINK] = "no-link",
};

static bool watchdog_runs;

static void wait(void)
{
    if (watchdog_runs)
        board_watchdog_feed();
    board_idle();
}

static void send(const void *data, size_t bytes)
{
    const uint8_t *from = data;

    while (bytes > 0) {
        size_t taken = board_uart_write(from, bytes);

        from += taken;
        bytes -= taken;
        if (bytes > 0)
            wait();
    }
}

static void say(const char *text)
{
    send(text, strlen(text));
}

static void say_number(long number)
{
    char digits[12];
    size_t at = sizeof digits;
    unsigned long rest = number < 0 ? 0ul - (unsigned long)number : (unsigned long)number;

    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0)
        digits[--at] = '-';
    send(digits + at, sizeof digits - at);
}

static void say_hex(const uint8_t *data, size_t bytes)
{
    static const char digit[] = "0123456789abcdef";

    for (size_t i = 0; i < bytes; i++) {
        char pair[2] = {digit[data[i] >> 4], digit[data[i] & 15]};

        send(pair, sizeof pair);
    }
}

static size_t from_hex(uint8_t *to, size_t capacity, const char *text)
{
    size_t count = 0;

    while (count < capacity && text[0] != '\0' && text[1] != '\0') {
        char pair[3] = {text[0], text[1], '\0'};

        to[count++] = (uint8_t)strtoul(pair, NULL, 16);
        text += 2;
    }
    return count;
}

static void echo(uint32_t count)
{
    uint8_t piece[DATA_BYTES];

    while (count > 0) {
        size_t got = board_uart_read(piece, count < sizeof piece ? count : sizeof piece);

        send(piece, got);
        count -= (uint32_t)got;
        if (got == 0)
            wait();
    }
}

static void read_back(uint32_t address, size_t bytes)
{
    uint8_t data[DATA_BYTES];
    const struct tdm_flash *flash = board_flash();
    int result = flash->ops->read(flash->ctx, address, data, bytes < sizeof data ? bytes : sizeof data);

    say_number(result);
    if (result == TDM_OK) {
        say(" ");
        say_hex(data, bytes < sizeof data ? bytes : sizeof data);
    }
}

/* From an odd address, as the library may. */
static void program(uint32_t address, const char *hex)
{
    uint8_t data[DATA_BYTES + 8];
    const struct tdm_flash *flash = board_flash();
    uint8_t *odd = data + ((uintptr_t)data % 2 == 0 ? 1 : 0);
    size_t bytes = from_hex(odd, DATA_BYTES, hex);

    say_number(flash->ops->program(flash->ctx, address, odd, bytes));
}

/* So slowly that somebody can cut the power in between, and know what was done by then. */
static void fill(uint32_t address, uint32_t count)
{
    uint8_t data[TDM_PROGRAM_MAX];
    const struct tdm_flash *flash = board_flash();
    uint32_t unit = flash->program_bytes;

    for (uint32_t offset = 0; offset < count; offset += unit) {
        int result;

        for (uint32_t i = 0; i < unit; i++)
            data[i] = (uint8_t)((offset + i) * 37u & 0x7Fu);
        result = flash->ops->program(flash->ctx, address + offset, data, unit);
        if (result != TDM_OK) {
            say_number(result);
            return;
        }
        say(".");
    }
}

static void check(uint32_t address)
{
    const struct tdm_layout *layout = board_layout();

    for (int bank = 0; bank < TDM_BANKS; bank++)
        if (address - layout->bank[bank].address < layout->bank[bank].bytes)
            say_number(board_check_image(NULL, board_flash(), &layout->bank[bank], address));
}

static void be_busy(uint32_t period_ms)
{
    uint32_t start_ms = board_now_ms();

    while (board_now_ms() - start_ms < period_ms)
        ;
}

static void leave(void)
{
    say("ok\n");
    while (!board_uart_drained())
        wait();
}

/* Those that do not come back, or not to the same UART rate. */
static bool run_final(const char *verb, const char *rest, uint32_t number)
{
    if (strcmp(verb, "reset") == 0) {
        leave();
        board_reset(strcmp(rest, "no-link") == 0 ? TDM_RESET_NO_LINK : TDM_RESET_SOFT);
    } else if (strcmp(verb, "jump") == 0) {
        leave();
        board_jump(number);
    } else if (strcmp(verb, "hang") == 0) {
        leave();
        for (;;)
            board_idle();
    } else if (strcmp(verb, "crash") == 0) {
        leave();
        __builtin_trap();
    } else if (strcmp(verb, "busy") == 0) {
        leave();
        be_busy(number);
    } else if (strcmp(verb, "store") == 0) {
        leave();
        *(volatile uint8_t *)(uintptr_t)number = 0;
    } else if (strcmp(verb, "baud") == 0) {
        leave();
        board_uart_open(number);
    } else {
        return false;
    }
    return true;
}

static bool run_on_flash(const char *verb, uint32_t address, const char *more)
{
    const struct tdm_flash *flash = board_flash();

    if (strcmp(verb, "erase") == 0)
        say_number(flash->ops->erase(flash->ctx, address));
    else if (strcmp(verb, "program") == 0)
        program(address, more);
    else if (strcmp(verb, "fill") == 0)
        fill(address, (uint32_t)strtoul(more, NULL, 0));
    else if (strcmp(verb, "read") == 0)
        read_back(address, strtoul(more, NULL, 0));
    else if (strcmp(verb, "blank") == 0)
        say_number(flash->ops->is_blank(flash->ctx, address, strtoul(more, NULL, 0)));
    else if (strcmp(verb, "check") == 0)
        check(address);
    else
        return false;
    return true;
}

static void say_layout(void)
{
    const struct tdm_layout *at = board_layout();
    const struct tdm_flash *flash = board_flash();
    const uint32_t numbers[] = {
        flash->erase_bytes,  flash->program_bytes,  flash->program_once, at->record[0].address,
        at->record[0].bytes, at->record[1].address, at->record[1].bytes, at->bank[0].address,
        at->bank[0].bytes,   at->bank[1].address,   at->bank[1].bytes,   at->header_bytes,
        at->keys_address,
    };

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        say(i > 0 ? " " : "");
        say_number((long)numbers[i]);
    }
}

static bool run_about_the_board(const char *verb)
{
    if (strcmp(verb, "cause") == 0) {
        say(causes[board_reset_cause()]);
    } else if (strcmp(verb, "bank") == 0) {
        if (board_running_bank() == TDM_NO_BANK)
            say("none");
        else
            say_number(board_running_bank());
    } else if (strcmp(verb, "layout") == 0) {
        say_layout();
    } else if (strcmp(verb, "time") == 0) {
        say_number((long)board_now_ms());
    } else if (strcmp(verb, "boots") == 0) {
        say_number((long)board_boots());
    } else if (strcmp(verb, "receives") == 0) {
        say_number(board_receives_while_writing() ? 1 : 0);
    } else {
        return false;
    }
    return true;
}

static void run_any(const char *verb, const char *rest, uint32_t number)
{
    if (strcmp(verb, "say") == 0) {
        say(rest);
    } else if (strcmp(verb, "echo") == 0) {
        echo(number);
    } else if (strcmp(verb, "watchdog") == 0) {
        board_watchdog_start(number);
        watchdog_runs = true;
        say("ok");
    } else {
        say("?");
    }
}

/* VERB [NUMBER [MORE]] */
static void run(char *line)
{
    char *rest = line + strcspn(line, " "), *more;
    uint32_t number;

    if (*rest != '\0')
        *rest++ = '\0';
    number = (uint32_t)strtoul(rest, &more, 0);
    while (*more == ' ')
        more++;
    if (run_final(line, rest, number))
        return;
    if (!run_on_flash(line, number, more) && !run_about_the_board(line))
        run_any(line, rest, number);
    say("\n");
}

void probe_run(void)
{
    static char line[LINE_BYTES];
    size_t length = 0;

    board_init();
    board_uart_open(PROBE_BAUD);
    board_log("probe: ready");
    say("ready\n");
    for (;;) {
        uint8_t byte;

        if (board_uart_read(&byte, 1) == 0) {
            wait();
        } else if (byte == '\n') {
            line[length] = '\0';
            length = 0;
            run(line);
        } else if (length < sizeof line - 1) {
            line[length++] = (char)byte;
        }
    }
}
