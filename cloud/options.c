#include "cloud/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cloud/fleet/status.h"

#define EXIT_USAGE   2
#define SETTLE_MAX_S (7 * 24 * 3600)

enum option_id { DATA = 1, HTTP, MQTT, PUBLIC_URL, CONSOLE, SETTLE, LOG_LEVEL, VERSION, HELP };

/* Every option once: for getopt_long and for the help. */
static const struct {
    enum option_id id;
    const char *name;
    const char *value; /* NULL: takes none */
    const char *help;
} table[] = {
    {DATA, "data", "DIR", "where everything is kept; created at the first start (required)"},
    {HTTP, "http", "ADDR:PORT", "REST interface and firmware downloads (required)"},
    {MQTT, "mqtt", "ADDR:PORT", "where devices connect (required)"},
    {PUBLIC_URL, "public-url", "URL",
     "how devices reach --http, such as http://ota.example.com:8080\n"
     "                        (default: the address they connected to)"},
    {CONSOLE, "console", "DIR", "the built web console, served at / of --http"},
    {SETTLE, "settle", "SECONDS",
     "how long a device without Tandem's reports must keep its new\n"
     "                        version to count as updated (default: 300)"},
    {LOG_LEVEL, "log-level", "LEVEL", "error, warning, info or debug (default: info)"},
    {VERSION, "version", NULL, "print the version and exit"},
    {HELP, "help", NULL, "print this and exit"},
};
#define OPTION_COUNT (sizeof table / sizeof table[0])

static void print_help(void)
{
    printf("Usage: tandem-cloud --data DIR --http ADDR:PORT --mqtt ADDR:PORT [options]\n\n"
           "Keeps a fleet's firmware up to date: devices connect over MQTT, people and programs\n"
           "use the REST interface. The first start prints the admin token and leaves it in\n"
           "DIR/admin.token.\n\n");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char left[40];
        snprintf(left, sizeof left, "--%s %s", table[i].name, table[i].value != NULL ? table[i].value : "");
        printf("  %-21s %s\n", left, table[i].help);
    }
    printf("\nExit status: 0 after a clean end, 1 if the server could not start or run, 2 for a\n"
           "wrong command line.\n");
}

static void __attribute__((noreturn, format(printf, 1, 2))) usage_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("tandem-cloud: ", stderr);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputs("; see tandem-cloud --help\n", stderr);
    exit(EXIT_USAGE);
}

static int64_t parse_settle(const char *text)
{
    char *end;
    errno = 0;
    long seconds = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || seconds < 0 || seconds > SETTLE_MAX_S)
        usage_error("--settle takes seconds from 0 to %d, not \"%s\"", SETTLE_MAX_S, text);
    return (int64_t)seconds * 1000;
}

static const char *parse_url(const char *text)
{
    size_t bytes = strlen(text);
    bool web = strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
    if (!web || bytes > 120 || text[bytes - 1] == '/' || strpbrk(text, "?# \"\\") != NULL)
        usage_error(
            "--public-url takes http://HOST[:PORT] or https://HOST[:PORT] without a slash at the end, not "
            "\"%s\"",
            text);
    return text;
}

static void take(struct options *options, int id, const char *value)
{
    switch (id) {
    case DATA:
        options->data = value;
        break;
    case HTTP:
        options->http = value;
        break;
    case MQTT:
        options->mqtt = value;
        break;
    case PUBLIC_URL:
        options->public_url = parse_url(value);
        break;
    case CONSOLE:
        options->console = value;
        break;
    case SETTLE:
        options->settle_ms = parse_settle(value);
        break;
    case LOG_LEVEL:
        if (!log_level_parse(value, &options->log_level))
            usage_error("--log-level takes error, warning, info or debug, not \"%s\"", value);
        break;
    case VERSION:
        printf("tandem-cloud %s\n", TANDEM_VERSION);
        exit(0);
    case HELP:
        print_help();
        exit(0);
    default:
        /* getopt_long has said what is wrong. */
        fputs("see tandem-cloud --help\n", stderr);
        exit(EXIT_USAGE);
    }
}

void options_parse(struct options *options, int argc, char **argv)
{
    struct option known[OPTION_COUNT + 1] = {0};
    for (size_t i = 0; i < OPTION_COUNT; i++)
        known[i] = (struct option){table[i].name, table[i].value != NULL, NULL, table[i].id};
    *options = (struct options){.settle_ms = status_limits_default.settle_ms, .log_level = LOG_LEVEL_INFO};
    if (access(TANDEM_CONSOLE "/index.html", R_OK) == 0)
        options->console = TANDEM_CONSOLE;
    for (int id; (id = getopt_long(argc, argv, "", known, NULL)) != -1;)
        take(options, id, optarg);
    if (optind < argc)
        usage_error("unexpected argument \"%s\"", argv[optind]);
    if (options->data == NULL || options->http == NULL || options->mqtt == NULL)
        usage_error("--data, --http and --mqtt are required");
    if (strlen(options->data) > 1024)
        usage_error("--data is too long a path");
}
