/* The processor's side of the board: what board.h promises, in the child process of one power cycle. */
#include "ports/board.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ports/posix/device.h"
#include "ports/posix/layout.h"

static struct tdm_layout layout = LAYOUT_INITIALIZER;
static const struct device *attached;

void device_attach(const struct device *device)
{
    attached = device;
    if (device->one_bank)
        layout.bank[1] = (struct tdm_region){0, 0};
}

const struct device *device_attached(void)
{
    return attached;
}

void board_init(void)
{
}

const struct tdm_layout *board_layout(void)
{
    return &layout;
}

uint32_t board_now_ms(void)
{
    return (uint32_t)device_clock_ms();
}

void board_idle(void)
{
    struct pollfd uart = {.fd = attached->uart, .events = POLLIN};

    poll(&uart, 1, 1);
}

/* A socket has no rate, and what was written to it arrives. */
void board_uart_open(uint32_t baud)
{
    (void)baud;
}

size_t board_uart_read(uint8_t *to, size_t capacity)
{
    ssize_t got = recv(attached->uart, to, capacity, 0);

    return got > 0 ? (size_t)got : 0;
}

size_t board_uart_write(const uint8_t *from, size_t count)
{
    ssize_t sent = send(attached->uart, from, count, MSG_NOSIGNAL);

    return sent > 0 ? (size_t)sent : 0;
}

bool board_uart_drained(void)
{
    return true;
}

void board_watchdog_start(uint32_t period_ms)
{
    board_watchdog_feed();
    atomic_store(&attached->watchdog->period_ms, period_ms);
}

void board_watchdog_feed(void)
{
    atomic_store(&attached->watchdog->fed_ms, device_clock_ms());
}

void board_reset(enum tdm_reset_cause cause)
{
    _exit(DEVICE_EXIT_RESET + (int)cause);
}

enum tdm_reset_cause board_reset_cause(void)
{
    return attached->cause;
}

uint32_t board_boots(void)
{
    return attached->boots;
}

bool board_receives_while_writing(void)
{
    return true; /* the socket's buffer does */
}

void board_log(const char *line)
{
    device_log(attached, "%s", line);
}
