#include "ncpd/machine/gpio_button.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ncpd/base/host.h"
#include "ncpd/base/log.h"
#include "ncpd/base/memory.h"
#include "ncpd/base/timer.h"
#include "ncpd/machine/button.h"

enum { DEBOUNCE_US = 10000 };

struct gpio_button {
    const struct mcu_config *mcu;
    struct event_base *base;
    gpio_button_fn *tell;
    void *ctx;
    int line; /* -1 while it is not watched */
    struct event *edge;
    struct event *timer;
    struct button button;
};

static uint32_t now_ms(void)
{
    return (uint32_t)host_clock_ms();
}

static void settle(struct gpio_button *gpio, uint8_t event)
{
    uint32_t wait_ms = button_wait(&gpio->button, now_ms());

    if (event != BUTTON_NOTHING)
        gpio->tell(gpio->ctx, event);
    if (wait_ms == UINT32_MAX)
        evtimer_del(gpio->timer);
    else
        timer_start(gpio->timer, wait_ms);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct gpio_button *gpio = ctx;

    (void)fd;
    (void)what;
    settle(gpio, button_tick(&gpio->button, now_ms()));
}

static void stop(struct gpio_button *gpio)
{
    if (gpio->line >= 0) {
        event_free(gpio->edge);
        close(gpio->line);
        gpio->line = -1;
    }
    evtimer_del(gpio->timer);
    gpio->button = (struct button){0};
}

static void on_edge(evutil_socket_t fd, short what, void *ctx)
{
    struct gpio_button *gpio = ctx;
    struct gpio_v2_line_event edge;

    (void)what;
    if (read(fd, &edge, sizeof edge) != (ssize_t)sizeof edge) {
        log_warning(gpio->mcu->name, "button %s: %s; not watched any more", gpio->mcu->button,
                    strerror(errno));
        stop(gpio);
        return;
    }
    settle(gpio, button_edge(&gpio->button, edge.id == GPIO_V2_LINE_EVENT_RISING_EDGE, now_ms()));
}

/* -1 with errno set. */
static int request_line(const char *place, bool active_low)
{
    struct gpio_v2_line_request request = {.num_lines = 1, .consumer = "tandem-ncp"};
    const char *colon = strrchr(place, ':');
    char chip[CONFIG_TEXT];
    int fd, status, error;

    snprintf(chip, sizeof chip, "%.*s", (int)(colon - place), place);
    request.offsets[0] = (uint32_t)strtoul(colon + 1, NULL, 10);
    request.config.flags = GPIO_V2_LINE_FLAG_INPUT | GPIO_V2_LINE_FLAG_EDGE_RISING |
                           GPIO_V2_LINE_FLAG_EDGE_FALLING | (active_low ? GPIO_V2_LINE_FLAG_ACTIVE_LOW : 0);
    request.config.num_attrs = 1;
    request.config.attrs[0].attr.id = GPIO_V2_LINE_ATTR_ID_DEBOUNCE;
    request.config.attrs[0].attr.debounce_period_us = DEBOUNCE_US;
    request.config.attrs[0].mask = 1;
    fd = open(chip, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return -1;
    status = ioctl(fd, GPIO_V2_GET_LINE_IOCTL, &request);
    error = errno;
    close(fd);
    errno = error;
    return status == 0 ? request.fd : -1;
}

bool gpio_button_start(struct gpio_button *gpio, bool active_low)
{
    stop(gpio);
    if (gpio->mcu->button[0] == '\0')
        return false;
    gpio->line = request_line(gpio->mcu->button, active_low);
    if (gpio->line < 0) {
        log_warning(gpio->mcu->name,
                    "button %s: %s; name a line that nobody else uses, of a chip that this user may open",
                    gpio->mcu->button, strerror(errno));
        return false;
    }
    gpio->edge = event_new(gpio->base, gpio->line, EV_READ | EV_PERSIST, on_edge, gpio);
    event_add(gpio->edge, NULL);
    return true;
}

struct gpio_button *gpio_button_new(struct event_base *base, const struct mcu_config *mcu,
                                    gpio_button_fn *tell, void *ctx)
{
    struct gpio_button *gpio = memory_zeroed(sizeof *gpio);

    gpio->mcu = mcu;
    gpio->base = base;
    gpio->tell = tell;
    gpio->ctx = ctx;
    gpio->line = -1;
    gpio->timer = evtimer_new(base, on_timer, gpio);
    return gpio;
}

void gpio_button_free(struct gpio_button *gpio)
{
    stop(gpio);
    event_free(gpio->timer);
    free(gpio);
}
