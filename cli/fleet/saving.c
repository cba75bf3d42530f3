#include "cli/fleet/saving.h"

#include <stdio.h>

#define KB 1000.0

/* Three digits, as people read sizes. */
static void size_text(int64_t bytes, char text[32])
{
    static const char *const units[] = {"KB", "MB", "GB"};
    double size = (double)bytes / KB;
    size_t unit = 0;

    if (bytes < 1000) {
        snprintf(text, 32, "%lld bytes", (long long)bytes);
        return;
    }
    while (size >= 999.5 && unit + 1 < sizeof units / sizeof units[0]) {
        size /= KB;
        unit++;
    }
    snprintf(text, 32, size < 9.95 ? "%.1f %s" : "%.0f %s", size, units[unit]);
}

const char *saving_text(int64_t sent, int64_t full, char text[SAVING_TEXT_BYTES])
{
    char small[32];
    char large[32];

    text[0] = '\0';
    if (sent <= 0)
        return text;
    size_text(sent, small);
    size_text(full, large);
    if (full > sent) { /* rounded down: what is sent is never nothing */
        snprintf(text, SAVING_TEXT_BYTES, "%s instead of %s, saved %d %%", small, large,
                 (int)(100 - (100 * sent + full - 1) / full));
    } else {
        snprintf(text, SAVING_TEXT_BYTES, "%s", small);
    }
    return text;
}

void saving_add(json_t *rows)
{
    size_t i;
    json_t *row;
    char text[SAVING_TEXT_BYTES];

    json_array_foreach(rows, i, row)
    {
        const char *encoding = json_string_value(json_object_get(row, "encoding"));
        json_int_t sent = json_integer_value(json_object_get(row, "bytes_sent"));
        json_int_t full = json_integer_value(json_object_get(row, "bytes_full"));

        json_object_set_new(row, "sent",
                            encoding ? json_sprintf("%s, %s", encoding, saving_text(sent, full, text))
                                     : json_null());
    }
}
