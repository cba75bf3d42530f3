/* The settings of an MCU as data. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ncpd/base/tty.h"
#include "ncpd/config/config.h"

enum { DEFAULT_BAUD = 38400, HOUR_S = 3600, DAY_S = 24 * HOUR_S };

/* --- Values --- */

static bool set_text(char to[CONFIG_TEXT], const char *value)
{
    size_t length = strlen(value);

    if (length >= CONFIG_TEXT)
        return false;
    memcpy(to, value, length + 1);
    return true;
}

static bool parse_number(const char *text, unsigned long min, unsigned long max, unsigned long *value)
{
    char *end;

    errno = 0;
    *value = strtoul(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *value >= min && *value <= max;
}

static bool set_number(uint32_t *to, const char *text, uint32_t min, uint32_t max, uint32_t unit)
{
    unsigned long value;

    if (!parse_number(text, min, max, &value))
        return false;
    *to = (uint32_t)value * unit;
    return true;
}

static bool set_switch(bool *to, const char *text)
{
    *to = strcmp(text, "yes") == 0;
    return *to || strcmp(text, "no") == 0;
}

static bool set_baud(uint32_t *to, const char *text)
{
    unsigned long baud;

    if (!parse_number(text, 1, UINT32_MAX, &baud) || !tty_knows_baud((uint32_t)baud))
        return false;
    *to = (uint32_t)baud;
    return true;
}

/* --- Settings --- */

/* unix:PATH, or DEVICE[:BAUD]. A name of /dev/serial/by-path has colons of its own: only a rate ends it. */
static bool set_uart(struct mcu_config *mcu, const char *value)
{
    const char *colon = strrchr(value, ':');
    char device[CONFIG_TEXT];

    mcu->uart_is_socket = strncmp(value, "unix:", 5) == 0;
    if (mcu->uart_is_socket)
        return value[5] != '\0' && set_text(mcu->uart, value + 5);
    if (value[0] == '\0' || colon == value || !set_text(device, value))
        return false;
    if (colon != NULL && strspn(colon + 1, "0123456789") == strlen(colon + 1)) {
        device[colon - value] = '\0';
        if (!set_baud(&mcu->uart_baud, colon + 1))
            return false;
    }
    return set_text(mcu->uart, device);
}

static bool set_initial_baud(struct mcu_config *mcu, const char *value)
{
    return set_baud(&mcu->uart_baud, value);
}

/* A name, or an address; of IPv6 in brackets, which stay with it. */
static size_t host_length(const char *host)
{
    const char *end = strchr(host, ']');

    if (host[0] == '[')
        return end != NULL ? (size_t)(end + 1 - host) : 0;
    return strcspn(host, ":/");
}

bool cloud_config_parse(struct cloud_config *cloud, const char *url)
{
    bool tls = strncasecmp(url, "mqtts://", 8) == 0; /* RFC 3986, 3.1: in any case */
    unsigned long port = tls ? 8883 : 1883;
    const char *host = url + (tls ? 8 : 7);
    const char *rest;
    size_t length;

    if (!tls && strncasecmp(url, "mqtt://", 7) != 0)
        return false;
    length = host_length(host);
    if (length == 0 || length >= sizeof cloud->host || strcspn(host, " /?#@") < length)
        return false;
    rest = host + length;
    if (rest[0] == ':') {
        size_t count = strcspn(++rest, "/");
        char digits[8];

        snprintf(digits, sizeof digits, "%.*s", (int)count, rest);
        if (count >= sizeof digits || !parse_number(digits, 1, UINT16_MAX, &port))
            return false;
        rest += count;
    }
    if (strcmp(rest, "") != 0 && strcmp(rest, "/") != 0)
        return false;
    snprintf(cloud->host, sizeof cloud->host, "%.*s", (int)length, host);
    cloud->port = (uint16_t)port;
    cloud->tls = tls;
    return true;
}

static bool set_cloud(struct mcu_config *mcu, const char *value)
{
    return cloud_config_parse(&mcu->cloud, value);
}

static bool set_cloud_kind(struct mcu_config *mcu, const char *value)
{
    mcu->cloud.is_tandem = strcmp(value, "tandem") == 0;
    return mcu->cloud.is_tandem || strcmp(value, "blynk") == 0;
}

/* Three folders with commas between them. */
static bool set_rgb(struct mcu_config *mcu, const char *value)
{
    for (int i = 0; i < 3; i++) {
        size_t length = strcspn(value, ",");

        if (length == 0 || length >= CONFIG_TEXT || (value[length] == ',') != (i < 2))
            return false;
        snprintf(mcu->rgb[i], CONFIG_TEXT, "%.*s", (int)length, value);
        value += length + 1;
    }
    return true;
}

static bool set_button(struct mcu_config *mcu, const char *value)
{
    const char *colon = strrchr(value, ':');
    unsigned long line;

    return colon != NULL && colon != value && parse_number(colon + 1, 0, 1023, &line) &&
           set_text(mcu->button, value);
}

/* The token comes from where the last of the two settings says. */
static bool set_token_file(struct mcu_config *mcu, const char *value)
{
    mcu->token_credential[0] = '\0';
    return value[0] != '\0' && set_text(mcu->token_file, value);
}

/* The name of one file. */
static bool set_token_credential(struct mcu_config *mcu, const char *value)
{
    mcu->token_file[0] = '\0';
    return value[0] != '\0' && strchr(value, '/') == NULL && value[0] != '.' &&
           set_text(mcu->token_credential, value);
}

static bool set_update_limit(struct mcu_config *mcu, const char *value)
{
    return set_number(&mcu->update_limit_s, value, 1, 720, HOUR_S);
}

static bool set_start_limit(struct mcu_config *mcu, const char *value)
{
    return set_number(&mcu->start_limit_s, value, 1, 64800, 1);
}

static bool set_stall(struct mcu_config *mcu, const char *value)
{
    return set_number(&mcu->stall_s, value, 1, 600, 1);
}

static bool set_attempts(struct mcu_config *mcu, const char *value)
{
    return set_number(&mcu->attempts, value, 1, 100, 1);
}

static bool set_keep(struct mcu_config *mcu, const char *value)
{
    return set_number(&mcu->keep_s, value, 0, 3650, DAY_S);
}

static bool set_message_bytes(struct mcu_config *mcu, const char *value)
{
    return set_number(&mcu->message_bytes, value, 64, 1500, 1);
}

#define TEXT_SETTER(name)                                                                                    \
    static bool set_##name(struct mcu_config *mcu, const char *value)                                        \
    {                                                                                                        \
        return value[0] != '\0' && set_text(mcu->name, value);                                               \
    }
#define SWITCH_SETTER(name)                                                                                  \
    static bool set_##name(struct mcu_config *mcu, const char *value)                                        \
    {                                                                                                        \
        return set_switch(&mcu->name, value);                                                                \
    }

TEXT_SETTER(ca_file)
TEXT_SETTER(certificate)
TEXT_SETTER(key)
TEXT_SETTER(data)
TEXT_SETTER(hotspot)
TEXT_SETTER(hook)
TEXT_SETTER(led)
SWITCH_SETTER(reboot_host)
SWITCH_SETTER(vendor_server)

const struct setting settings[] = {
    {"Uart", "uart", NULL, "DEVICE[:BAUD]|unix:PATH",
     "the line to the primary MCU: a device, a pattern such as /dev/serial/by-id/usb-ACME_*, or a socket; "
     "BAUD as InitialBaud",
     set_uart},
    {"InitialBaud", NULL, NULL, "BAUD",
     "the rate that the MCU starts at: 9600, 115200, ..., one that this system's terminals have (38400)",
     set_initial_baud},
    {"Cloud", "cloud", "TANDEM_NCP_CLOUD", "mqtt[s]://HOST[:PORT]",
     "the cloud (port 1883, or 8883 with mqtts)", set_cloud},
    {"CloudKind", "cloud-kind", "TANDEM_NCP_CLOUD_KIND", "tandem|blynk",
     "blynk: send no reports of our own (tandem)", set_cloud_kind},
    {"CaFile", "ca-file", "TANDEM_NCP_CA_FILE", "FILE",
     "certificates to trust, and no other than these (PEM; the system's)", set_ca_file},
    {"ClientCertificate", "client-certificate", "TANDEM_NCP_CLIENT_CERTIFICATE", "FILE",
     "certificate to log in with, besides the token (PEM)", set_certificate},
    {"ClientKey", "client-key", "TANDEM_NCP_CLIENT_KEY", "FILE", "its private key (PEM)", set_key},
    {"TokenFile", "token-file", "TANDEM_NCP_TOKEN_FILE", "FILE",
     "holds the device's token; readable by its owner only", set_token_file},
    {"TokenCredential", "token-credential", NULL, "NAME",
     "the token is this credential of the service manager (LoadCredential=)", set_token_credential},
    {"Data", "data", NULL, "DIR", "where firmware files are kept; created if missing", set_data},
    {"UpdateLimitHours", NULL, NULL, "HOURS", "from an offer to the end of its update (24)",
     set_update_limit},
    {"StartLimitSeconds", NULL, NULL, "SECONDS",
     "how long an MCU that accepted an offer may take until otaUpdateStart (600)", set_start_limit},
    {"DownloadStallSeconds", NULL, NULL, "SECONDS",
     "a download without a byte for so long is asked for again (30)", set_stall},
    {"DownloadAttempts", NULL, NULL, "COUNT",
     "attempts in a row without a new byte, before a download fails (8)", set_attempts},
    {"KeepDays", NULL, NULL, "DAYS", "how long a file that nobody needs is kept (7)", set_keep},
    {"MessageBytes", NULL, NULL, "BYTES",
     "longest value of a pin that the MCU takes (1024; for a buffer of 256 bytes: 240)", set_message_bytes},
    {"HotspotName", NULL, NULL, "NAME", "what getHotspotName says (made of vendor, template and address)",
     set_hotspot},
    {"Hook", NULL, NULL, "PROGRAM", "does what only the product can: configuration, factory tests", set_hook},
    {"RebootHost", NULL, NULL, "yes|no", "ncp.reboot reboots this machine, through the hook (no)",
     set_reboot_host},
    {"AcceptVendorServer", NULL, NULL, "yes|no", "setVendorServer may choose another cloud (no)",
     set_vendor_server},
    {"Led", NULL, NULL, "DIR", "LED that shows the state, a folder of /sys/class/leds", set_led},
    {"Rgb", NULL, NULL, "DIR,DIR,DIR", "the same in colours: red, green, blue", set_rgb},
    {"Button", NULL, NULL, "CHIP:LINE", "user button, such as /dev/gpiochip0:17", set_button},
    {0},
};

void mcu_config_init(struct mcu_config *mcu)
{
    *mcu = (struct mcu_config){.uart_baud = DEFAULT_BAUD,
                               .cloud.is_tandem = true,
                               .update_limit_s = DAY_S,
                               .start_limit_s = 600,
                               .stall_s = 30,
                               .attempts = 8,
                               .keep_s = 7 * DAY_S,
                               .message_bytes = 1024};
}
