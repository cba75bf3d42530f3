#include "ncpd/machine/led.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ncpd/base/log.h"
#include "ncpd/base/memory.h"
#include "ncpd/base/timer.h"

/* What is seen of a state. off_ms 0: no blinking. */
static const struct pattern {
    enum tdm_state state;
    uint8_t rgb[3]; /* 0 to 255; the one LED shows the brightest */
    uint16_t on_ms;
    uint16_t off_ms;
} patterns[] = {
    {TDM_STATE_CONFIG, {0, 0, 255}, 500, 500},
    {TDM_STATE_CONNECTING_NET, {255, 160, 0}, 500, 500},
    {TDM_STATE_CONNECTING_CLOUD, {255, 160, 0}, 500, 500},
    {TDM_STATE_CONNECTED, {0, 255, 0}, 0, 0},
    {TDM_STATE_OTA_UPGRADE, {255, 0, 255}, 100, 100},
    {TDM_STATE_ERROR, {255, 0, 0}, 200, 200},
};

struct led {
    const struct mcu_config *mcu;
    const char *folders[3];
    unsigned max[3]; /* max_brightness of each */
    int count;       /* 0: not taken over */
    uint8_t brightness;
    const struct pattern *pattern; /* NULL: off */
    bool lit;
    struct event *timer;
};

static bool write_number(const char *folder, const char *file, unsigned value)
{
    char path[CONFIG_TEXT + 32];
    FILE *stream;
    bool good;

    snprintf(path, sizeof path, "%s/%s", folder, file);
    stream = fopen(path, "we");
    good = stream != NULL && fprintf(stream, "%u\n", value) > 0;
    return stream != NULL && fclose(stream) == 0 && good;
}

static bool read_max(const char *folder, unsigned *max)
{
    char path[CONFIG_TEXT + 32];
    FILE *stream;
    bool good;

    snprintf(path, sizeof path, "%s/max_brightness", folder);
    stream = fopen(path, "re");
    good = stream != NULL && fscanf(stream, "%u", max) == 1 && *max > 0;
    if (stream != NULL)
        fclose(stream);
    return good;
}

/* The kernel's own trigger would write over us. An LED without one has no such file. */
static void drop_trigger(const char *folder)
{
    char path[CONFIG_TEXT + 32];
    FILE *stream;

    snprintf(path, sizeof path, "%s/trigger", folder);
    stream = fopen(path, "r+e");
    if (stream != NULL) {
        fputs("none\n", stream);
        fclose(stream);
    }
}

static void light(struct led *led, bool lit)
{
    static const uint8_t dark[3] = {0};
    const uint8_t *rgb = lit && led->pattern != NULL ? led->pattern->rgb : dark;

    led->lit = lit;
    for (int i = 0; i < led->count; i++) {
        unsigned level = led->count == 3 ? rgb[i] : (rgb[0] | rgb[1] | rgb[2]) ? 255 : 0;

        (void)write_number(led->folders[i], "brightness", led->max[i] * level / 255 * led->brightness / 255);
    }
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct led *led = ctx;

    (void)fd;
    (void)what;
    light(led, !led->lit);
    timer_start(led->timer, led->lit ? led->pattern->on_ms : led->pattern->off_ms);
}

bool led_init(struct led *led, bool colours)
{
    int count = colours ? 3 : 1;

    for (int i = 0; i < count; i++) {
        led->folders[i] = colours ? led->mcu->rgb[i] : led->mcu->led;
        if (led->folders[i][0] == '\0')
            return false;
        drop_trigger(led->folders[i]);
        if (!read_max(led->folders[i], &led->max[i]) || !write_number(led->folders[i], "brightness", 0)) {
            log_warning(led->mcu->name,
                        "LED %s: %s; name a folder of /sys/class/leds that this user may write to",
                        led->folders[i], strerror(errno));
            return false;
        }
    }
    led->count = count;
    light(led, true);
    return true;
}

void led_set_brightness(struct led *led, uint8_t brightness)
{
    led->brightness = brightness;
    light(led, led->lit);
}

void led_show(struct led *led, enum tdm_state state)
{
    const struct pattern *pattern = NULL;

    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        if (patterns[i].state == state)
            pattern = &patterns[i];
    }
    if (pattern == led->pattern)
        return;
    led->pattern = pattern;
    evtimer_del(led->timer);
    light(led, pattern != NULL);
    if (pattern != NULL && pattern->off_ms > 0)
        timer_start(led->timer, pattern->on_ms);
}

struct led *led_new(struct event_base *base, const struct mcu_config *mcu)
{
    struct led *led = memory_zeroed(sizeof *led);

    led->mcu = mcu;
    led->brightness = 255;
    led->timer = evtimer_new(base, on_timer, led);
    return led;
}

void led_free(struct led *led)
{
    led->pattern = NULL;
    light(led, false);
    event_free(led->timer);
    free(led);
}
