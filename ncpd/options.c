#include "ncpd/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ncpd/log.h"
#include "ncpd/serial.h"

#define DEFAULT_BAUD 38400

enum option_id { UART = 1, CLOUD, CLOUD_KIND, TOKEN_FILE, DATA, CA_FILE, LOG_LEVEL, VERSION, HELP };

static const struct {
    const char *name;
    enum option_id id;
    const char *value;
    const char *text;
} rows[] = {
    {"uart", UART, "DEVICE[:BAUD]|unix:PATH",
     "the line to the primary MCU (BAUD: the rate to start at, 38400)"},
    {"cloud", CLOUD, "mqtt[s]://HOST[:PORT]", "the cloud (port 1883, or 8883 with mqtts)"},
    {"token-file", TOKEN_FILE, "FILE", "holds the device's token; readable by its owner only"},
    {"data", DATA, "DIR", "where firmware files are kept; created if missing"},
    {"cloud-kind", CLOUD_KIND, "tandem|blynk", "blynk: send no reports of our own (default: tandem)"},
    {"ca-file", CA_FILE, "FILE", "certificates to trust instead of the system's (PEM)"},
    {"log-level", LOG_LEVEL, "LEVEL", "error, warning, info or debug (default: info)"},
    {"version", VERSION, NULL, "print the version"},
    {"help", HELP, NULL, "print this help"},
};

enum { ROWS = sizeof rows / sizeof rows[0] };

static void print_help(void)
{
    char left[64];

    puts("tandem-ncp: the network co-processor. Connects a primary MCU on a UART to its cloud, and feeds it\n"
         "firmware updates.\n\n"
         "usage: tandem-ncp --uart LINE --cloud URL --token-file FILE --data DIR [options]\n");
    for (size_t i = 0; i < ROWS; i++) {
        snprintf(left, sizeof left, "--%s %s", rows[i].name, rows[i].value != NULL ? rows[i].value : "");
        printf("  %-36s  %s\n", left, rows[i].text);
    }
    puts("\nA unix:PATH is connected to, again and again until the other side listens; so is a device that "
         "is\n"
         "missing. Exit status: 0 after SIGTERM or SIGINT, 1 if it cannot work (data folder, token file, "
         "second\n"
         "instance), 2 for a wrong command line.");
}

static bool parse_number(const char *text, unsigned long max, unsigned long *value)
{
    char *end;

    errno = 0;
    *value = strtoul(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *value <= max;
}

static bool parse_uart(struct options *options, const char *text)
{
    const char *colon;
    unsigned long baud = DEFAULT_BAUD;
    int length;

    options->uart_is_socket = strncmp(text, "unix:", 5) == 0;
    if (options->uart_is_socket) {
        text += 5;
    }
    colon = options->uart_is_socket ? NULL : strchr(text, ':');
    length = colon != NULL ? (int)(colon - text) : (int)strlen(text);
    if (length == 0 || (size_t)length >= sizeof options->uart ||
        (colon != NULL &&
         (!parse_number(colon + 1, UINT32_MAX, &baud) || !serial_knows_baud((uint32_t)baud)))) {
        return false;
    }
    snprintf(options->uart, sizeof options->uart, "%.*s", length, text);
    options->uart_baud = (uint32_t)baud;
    return true;
}

bool options_parse_cloud(struct options *options, const char *url)
{
    bool tls = strncmp(url, "mqtts://", 8) == 0;
    unsigned long port = tls ? 8883 : 1883;
    const char *host = url + (tls ? 8 : 7);
    const char *colon;
    int length;

    if (!tls && strncmp(url, "mqtt://", 7) != 0) {
        return false;
    }
    colon = strrchr(host, ':');
    length = colon != NULL ? (int)(colon - host) : (int)strcspn(host, "/");
    if (length == 0 || (size_t)length >= sizeof options->cloud_host ||
        (colon != NULL && (!parse_number(colon + 1, UINT16_MAX, &port) || port == 0))) {
        return false;
    }
    snprintf(options->cloud_host, sizeof options->cloud_host, "%.*s", length, host);
    options->cloud_port = (uint16_t)port;
    options->cloud_tls = tls;
    return true;
}

static bool parse_kind(struct options *options, const char *text)
{
    options->cloud_is_tandem = strcmp(text, "tandem") == 0;
    return options->cloud_is_tandem || strcmp(text, "blynk") == 0;
}

static int usage(const char *what, const char *value)
{
    fprintf(stderr, "tandem-ncp: %s%s%s; see tandem-ncp --help\n", what, value != NULL ? " " : "",
            value != NULL ? value : "");
    return EXIT_USAGE;
}

/* -1 to go on. */
static int take(struct options *options, enum option_id id, const char *value)
{
    switch (id) {
    case UART:
        return parse_uart(options, value) ? -1 : usage("--uart takes DEVICE[:BAUD] or unix:PATH, not", value);
    case CLOUD:
        return options_parse_cloud(options, value) ? -1
                                                   : usage("--cloud takes mqtt[s]://HOST[:PORT], not", value);
    case CLOUD_KIND:
        return parse_kind(options, value) ? -1 : usage("--cloud-kind takes tandem or blynk, not", value);
    case TOKEN_FILE:
        options->token_file = value;
        return -1;
    case DATA:
        options->data_dir = value;
        return -1;
    case CA_FILE:
        options->ca_file = value;
        return -1;
    case LOG_LEVEL:
        return log_set_level(value) ? -1
                                    : usage("--log-level takes error, warning, info or debug, not", value);
    case VERSION:
        puts("tandem-ncp " TANDEM_VERSION);
        return EXIT_SUCCESS;
    case HELP:
        print_help();
        return EXIT_SUCCESS;
    }
    return usage("unknown option or missing value", NULL);
}

int options_parse(struct options *options, int argc, char **argv)
{
    struct option longs[ROWS + 1] = {0};
    int id;
    int status = -1;

    for (size_t i = 0; i < ROWS; i++) {
        longs[i] = (struct option){rows[i].name, rows[i].value != NULL, NULL, (int)rows[i].id};
    }
    *options = (struct options){.cloud_is_tandem = true};
    opterr = 0;
    while (status < 0 && (id = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        status = id == '?' ? usage("unknown option or missing value:", argv[optind - 1])
                           : take(options, (enum option_id)id, optarg);
    }
    if (status >= 0) {
        return status;
    }
    if (optind < argc) {
        return usage("unexpected argument", argv[optind]);
    }
    if (options->uart[0] == '\0' || options->cloud_host[0] == '\0' || options->token_file == NULL ||
        options->data_dir == NULL) {
        return usage("--uart, --cloud, --token-file and --data are needed", NULL);
    }
    return -1;
}
