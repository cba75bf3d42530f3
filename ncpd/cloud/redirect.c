#include "ncpd/cloud/redirect.h"

#include <stdio.h>
#include <string.h>

enum { CLEAR_PORT = 1883, TLS_PORT = 8883 };

static bool ends_in(const char *text, const char *end)
{
    size_t length = strlen(text);
    size_t bytes = strlen(end);

    return length > bytes && strcmp(text + length - bytes, end) == 0;
}

/* HOST:PORT is how Blynk.Cloud says it; of its two ports each means the same everywhere. */
static bool parse(struct cloud_config *to, const char *where)
{
    char url[CONFIG_TEXT + 16];
    bool tls = (to->tls && !ends_in(where, ":1883")) || ends_in(where, ":8883");

    if (strstr(where, "://") != NULL)
        return cloud_config_parse(to, where);
    snprintf(url, sizeof url, "%s://%s", tls ? "mqtts" : "mqtt", where);
    return strlen(where) < CONFIG_TEXT && cloud_config_parse(to, url);
}

/* A connection keeps its TLS. Blynk.Cloud names its clear port to clients of the other one, too. */
static bool keep_tls(struct cloud_config *to, const struct cloud_config *configured)
{
    if (configured->tls && !to->tls && to->port == CLEAR_PORT) {
        to->tls = true;
        to->port = TLS_PORT;
    }
    return to->tls || !configured->tls;
}

bool redirect_take(struct cloud_config *to, const struct cloud_config *configured, const char *where)
{
    return parse(to, where) && keep_tls(to, configured);
}
