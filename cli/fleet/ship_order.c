#include "cli/fleet/ship_order.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/base/options.h"
#include "cli/base/output.h"
#include "cli/rest/ask.h"

enum {
    HOUR_SECONDS = 3600,
    DAY_SECONDS = 24 * HOUR_SECONDS,
    EXPIRY_MAX = 24 * 3650, /* hours, or days: what is longer was not meant */
};

static bool fail(const char *option, const char *value, const char *what)
{
    output_fail(CLI_USAGE, "--%s %s: %s; see: tandem help ship", option, value, what);
    return false;
}

/* A number option under its member's name. */
static bool put_number(const struct invocation *call, json_t *object, const char *option, const char *member)
{
    uint32_t number = 0;

    if (!option_given(call, option))
        return true;
    if (option_number(call, option, UINT32_MAX, &number) != CLI_OK)
        return false;
    json_object_set_new(object, member, json_integer(number));
    return true;
}

/* "10", "5%", "tag=lab", "5% tag=lab" */
static bool put_wave(json_t *waves, const char *text)
{
    char *rest;
    double number = strtod(text, &rest);
    bool counted = rest != text;
    bool share = counted && *rest == '%';
    json_t *wave;

    rest += share;
    if (counted &&
        ((*rest != '\0' && *rest != ' ') || number <= 0 || (!share && number != (double)(json_int_t)number)))
        return fail("wave", text, "a count (10), a share (5%), a filter, or both (5% tag=lab)");
    wave = json_object();
    if (counted)
        json_object_set_new(wave, share ? "percent" : "devices",
                            share ? json_real(number) : json_integer((json_int_t)number));
    rest += strspn(rest, " ");
    if (*rest)
        json_object_set_new(wave, "filter", json_string(rest));
    json_array_append_new(waves, wave);
    return true;
}

static bool put_waves(const struct invocation *call, json_t *order)
{
    json_t *waves = json_array();
    const char *text;
    bool ok = true;

    for (size_t i = 0; ok && (text = option_text_at(call, "wave", i)) != NULL; i++)
        ok = put_wave(waves, text);
    if (json_array_size(waves) > 0)
        json_object_set(order, "waves", waves);
    json_decref(waves);
    return ok;
}

static bool put_gate(const struct invocation *call, json_t *order)
{
    json_t *gate = json_object();
    bool ok = put_number(call, gate, "success", "success_percent") &&
              put_number(call, gate, "failure", "failure_percent") &&
              put_number(call, gate, "minimum", "minimum") && put_number(call, gate, "soak", "soak_minutes");

    if (json_object_size(gate) > 0)
        json_object_set(order, "gate", gate);
    json_decref(gate);
    return ok;
}

/* A time as it is, or one so long from now. */
static bool put_expiry(const struct invocation *call, json_t *order)
{
    const char *text = option_text(call, "expires");
    char *rest;
    char time_text[32];
    long number;
    time_t then;

    if (!text)
        return true;
    number = strtol(text, &rest, 10);
    if (strchr(text, '-')) {
        json_object_set_new(order, "expires", json_string(text));
        return true;
    }
    if (rest == text || number <= 0 || number > EXPIRY_MAX ||
        (strcmp(rest, "h") != 0 && strcmp(rest, "d") != 0))
        return fail("expires", text, "48h, 7d, or a time in UTC as 2026-11-22T08:00:00Z");
    then = time(NULL) + (time_t)number * (*rest == 'd' ? DAY_SECONDS : HOUR_SECONDS);
    strftime(time_text, sizeof time_text, "%Y-%m-%dT%H:%M:%SZ", gmtime(&then));
    json_object_set_new(order, "expires", json_string(time_text));
    return true;
}

json_t *ship_order(const struct invocation *call, const char *firmware)
{
    json_t *order = json_pack("{s:s, s:s}", "template", option_text(call, "template"), "firmware", firmware);
    bool ok = put_number(call, order, "attempts", "attempts") &&
              put_number(call, order, "attempts-hours", "attempts_hours") &&
              put_number(call, order, "per-minute", "per_minute") &&
              put_number(call, order, "bytes-per-second", "bytes_per_second") && put_expiry(call, order) &&
              put_waves(call, order) && put_gate(call, order);

    ask_put_text(order, call, "name");
    ask_put_text(order, call, "filter");
    ask_put_text(order, call, "condition");
    ask_put_text(order, call, "time");
    ask_put_list(order, call, "device", "devices");
    if (option_given(call, "user-controlled"))
        json_object_set_new(order, "user_controlled", json_true());
    if (!ok) {
        json_decref(order);
        return NULL;
    }
    return order;
}
