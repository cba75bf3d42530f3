#include "cloud/options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cloud/fleet/status.h"
#include "cloud/text.h"

#define EXIT_USAGE   2
#define NO_TEXT      SIZE_MAX
#define SETTLE_MAX_S (7 * 24 * 3600)

enum option_id {
    DATA = 1,
    DATABASE,
    BUS,
    HTTPS,
    MQTTS,
    TLS_CERT,
    TLS_KEY,
    CLIENT_CA,
    HTTP,
    MQTT,
    ALLOW_CLEAR,
    WEBHOOKS_ANYWHERE,
    PUBLIC_URL,
    TRUSTED_PROXY,
    OIDC_ISSUER,
    OIDC_CLIENT_ID,
    OIDC_SECRET_FILE,
    OIDC_CA,
    OIDC_ROLE,
    OIDC_ORGANIZATION,
    FILES,
    CONSOLE,
    SETTLE,
    TIMEZONE,
    DELTAS,
    DELTAS_WAIT,
    DELTAS_MEMORY,
    DELTAS_SECONDS,
    DELTAS_SPACE,
    LOG_LEVEL,
    LOG_FORMAT,
    VERSION,
    HELP
};

/* Every option once: for getopt_long and for the help. */
static const struct {
    enum option_id id;
    const char *name;
    const char *value; /* NULL: takes none */
    const char *help;
    size_t text; /* where in struct options the value goes as it is, or NO_TEXT: take() knows */
} table[] = {
    {DATA, "data", "DIR", "where everything is kept; created at the first start (required)",
     offsetof(struct options, data)},
    {HTTPS, "https", "ADDR:PORT",
     "REST interface, console, firmware downloads; MQTT in WebSockets\n"
     "                        at /mqtt",
     offsetof(struct options, https)},
    {MQTTS, "mqtts", "ADDR:PORT", "where devices connect, usually port 8883",
     offsetof(struct options, mqtts)},
    {TLS_CERT, "tls-cert", "FILE", "certificate for both, its chain behind it (PEM); SIGHUP reads it anew",
     offsetof(struct options, tls.certificate)},
    {TLS_KEY, "tls-key", "FILE", "its private key (PEM)", offsetof(struct options, tls.key)},
    {CLIENT_CA, "client-ca", "FILE", "devices must show a certificate that one of these authorities signed",
     offsetof(struct options, tls.client_ca)},
    {HTTP, "http", "ADDR:PORT", "as --https, without TLS", offsetof(struct options, http)},
    {MQTT, "mqtt", "ADDR:PORT", "as --mqtts, without TLS", offsetof(struct options, mqtt)},
    {ALLOW_CLEAR, "allow-clear", NULL, "let --http and --mqtt be reached from other machines", NO_TEXT},
    {WEBHOOKS_ANYWHERE, "webhooks-anywhere", NULL, "let webhooks go to loopback and private addresses, too",
     NO_TEXT},
    {PUBLIC_URL, "public-url", "URL",
     "how devices reach --https or --http, such as\n                        https://ota.example.com\n"
     "                        (default: the address they connected to)",
     NO_TEXT},
    {TRUSTED_PROXY, "trusted-proxy", "ADDRS",
     "proxies in front of --https or --http, such as 10.0.0.5,10.1.0.0/16:\n"
     "                        their X-Forwarded-For says who asks; nobody else's does",
     NO_TEXT},
    {OIDC_ISSUER, "oidc-issuer", "URL",
     "identity provider (OpenID Connect) by which people may sign in,\n"
     "                        too; needs --public-url (docs/CLOUD.md)",
     offsetof(struct options, oidc.issuer)},
    {OIDC_CLIENT_ID, "oidc-client-id", "ID", "what this server is there",
     offsetof(struct options, oidc.client_id)},
    {OIDC_SECRET_FILE, "oidc-secret-file", "FILE", "and its secret, the first line of this file",
     offsetof(struct options, oidc.secret_file)},
    {OIDC_CA, "oidc-ca", "FILE", "authorities that sign its certificate (PEM; default: the system's)",
     offsetof(struct options, oidc.ca)},
    {OIDC_ROLE, "oidc-role", "ROLE",
     "viewer or operator: add whom it knows and no admin has added,\n"
     "                        with this role (default: they are refused)",
     NO_TEXT},
    {OIDC_ORGANIZATION, "oidc-organization", "ID", "and in this organization (default: o1)", NO_TEXT},
    {FILES, "files", "PLACE",
     "where several servers keep firmware files: an absolute path, or\n"
     "                        s3://BUCKET[/PREFIX], which takes its settings from AWS_* (docs/CLOUD.md)",
     offsetof(struct options, files)},
    {CONSOLE, "console", "DIR",
     "the built web console, served at /\n"
     "                        (default: the one that came with this program)",
     offsetof(struct options, console)},
    {DATABASE, "database", "URL",
     "postgresql://HOST/NAME instead of SQLite in --data; several servers\n"
     "                        may share it",
     NO_TEXT},
    {BUS, "bus", "URL", "nats://HOST:PORT, where servers that share a database meet", NO_TEXT},
    {SETTLE, "settle", "SECONDS",
     "how long a device without Tandem's reports must keep its new\n"
     "                        version to count as updated (default: 300)",
     NO_TEXT},
    {TIMEZONE, "timezone", "NAME",
     "where devices stand that have no time zone, nor has their\n"
     "                        organization, such as Europe/Berlin (default: UTC)",
     offsetof(struct options, zone)},
    {DELTAS, "deltas", "on|off",
     "make deltas and compressed packages for devices that decode them (default: on)", NO_TEXT},
    {DELTAS_WAIT, "deltas-wait", "SECONDS",
     "how long an offer waits for one that is being made (default: 30)", NO_TEXT},
    {DELTAS_MEMORY, "deltas-memory", "MIB", "of the process that makes one (default: 512)", NO_TEXT},
    {DELTAS_SECONDS, "deltas-seconds", "SECONDS", "CPU time of that process (default: 120)", NO_TEXT},
    {DELTAS_SPACE, "deltas-space", "MIB", "all of them together; the oldest go first (default: 1024)",
     NO_TEXT},
    {LOG_FORMAT, "log-format", "FORMAT", "text, or json: an object in each line (default: text)", NO_TEXT},
    {LOG_LEVEL, "log-level", "LEVEL", "error, warning, info or debug (default: info)", NO_TEXT},
    {VERSION, "version", NULL, "print the version and exit", NO_TEXT},
    {HELP, "help", NULL, "print this and exit", NO_TEXT},
};
#define OPTION_COUNT (sizeof table / sizeof table[0])

static void print_help(void)
{
    printf("Usage: tandem-cloud --data DIR --https ADDR:PORT --mqtts ADDR:PORT --tls-cert FILE\n"
           "                    --tls-key FILE [options]\n"
           "       tandem-cloud --data DIR --http 127.0.0.1:PORT --mqtt 127.0.0.1:PORT [options]\n"
           "       tandem-cloud backup | restore | check ...    (docs/OPERATING.md)\n\n"
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

static int64_t parse_number(const char *option, const char *text, long least, long most)
{
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < least || number > most)
        usage_error("--%s takes a number from %ld to %ld, not \"%s\"", option, least, most, text);
    return number;
}

static bool parse_deltas(const char *text)
{
    if (strcmp(text, "on") != 0 && strcmp(text, "off") != 0)
        usage_error("--deltas takes on or off, not \"%s\"", text);
    return strcmp(text, "off") == 0;
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

/* The value is not repeated: it may hold a password. */
static const char *parse_scheme(const char *option, const char *text, const char *scheme, const char *other)
{
    if (strncmp(text, scheme, strlen(scheme)) != 0 && strncmp(text, other, strlen(other)) != 0)
        usage_error("--%s takes a URL that begins with %s", option, scheme);
    return text;
}

static void parse_proxies(struct proxies *proxies, const char *text)
{
    const char *bad;
    if (!proxies_add(proxies, text, &bad))
        usage_error("--trusted-proxy takes at most %d addresses or networks with commas between, such as "
                    "10.0.0.5,10.1.0.0/16; wrong from \"%s\" on",
                    PROXIES_MAX, bad);
}

static enum role parse_oidc_role(const char *text)
{
    enum role role;
    if (!role_parse(text, &role) || role == ROLE_ADMIN)
        usage_error("--oidc-role takes viewer or operator, not \"%s\"; an admin makes admins", text);
    return role;
}

static int64_t parse_organization(const char *text)
{
    int64_t id = text_id_parse('o', text);
    if (id == 0)
        usage_error(
            "--oidc-organization takes an id such as o1, as GET /api/v1/organizations lists them, not "
            "\"%s\"",
            text);
    return id;
}

static void take(struct options *options, int id, const char *value)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if ((int)table[i].id == id && table[i].text != NO_TEXT)
            *(const char **)((char *)options + table[i].text) = value;
    }
    switch (id) {
    case DATABASE:
        options->database = parse_scheme("database", value, "postgresql://", "postgres://");
        break;
    case BUS:
        options->bus = parse_scheme("bus", value, "nats://", "tls://");
        break;
    case WEBHOOKS_ANYWHERE:
        options->webhooks_anywhere = true;
        break;
    case LOG_FORMAT:
        if (strcmp(value, "json") != 0 && strcmp(value, "text") != 0)
            usage_error("--log-format takes text or json, not \"%s\"", value);
        options->log_json = strcmp(value, "json") == 0;
        break;
    case ALLOW_CLEAR:
        options->allow_clear = true;
        break;
    case PUBLIC_URL:
        options->public_url = parse_url(value);
        break;
    case TRUSTED_PROXY:
        parse_proxies(&options->proxies, value);
        break;
    case OIDC_ROLE:
        options->oidc.admits = true;
        options->oidc.role = parse_oidc_role(value);
        break;
    case OIDC_ORGANIZATION:
        options->oidc.organization = parse_organization(value);
        break;
    case SETTLE:
        options->settle_ms = parse_settle(value);
        break;
    case DELTAS:
        options->deltas_off = parse_deltas(value);
        break;
    case DELTAS_WAIT:
        options->deltas_wait_ms = 1000 * parse_number("deltas-wait", value, 0, 3600);
        break;
    case DELTAS_MEMORY:
        options->deltas_memory_mib = parse_number("deltas-memory", value, 32, 65536);
        break;
    case DELTAS_SECONDS:
        options->deltas_seconds = parse_number("deltas-seconds", value, 1, 3600);
        break;
    case DELTAS_SPACE:
        options->deltas_space_mib = parse_number("deltas-space", value, 1, 1048576);
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
    case '?':
        /* getopt_long has said what is wrong. */
        fputs("see tandem-cloud --help\n", stderr);
        exit(EXIT_USAGE);
    default:
        break;
    }
}

static void check_oidc(const struct options *options)
{
    const struct provider_settings *oidc = &options->oidc;
    bool any = oidc->client_id != NULL || oidc->secret_file != NULL || oidc->ca != NULL || oidc->admits ||
               oidc->organization != 0;
    if (oidc->issuer == NULL) {
        if (any)
            usage_error("--oidc-client-id, --oidc-secret-file, --oidc-ca, --oidc-role and "
                        "--oidc-organization need --oidc-issuer");
        return;
    }
    if (oidc->client_id == NULL || oidc->secret_file == NULL || options->public_url == NULL)
        usage_error(
            "--oidc-issuer needs --oidc-client-id, --oidc-secret-file, and --public-url, where people "
            "come back to");
    if (!fetch_is_safe(oidc->issuer) || strchr(oidc->issuer, '?') != NULL || strlen(oidc->issuer) > 255)
        usage_error("--oidc-issuer takes https://HOST[/PATH], or http:// on loopback, not \"%s\"",
                    oidc->issuer);
    if (!fetch_is_safe(options->public_url))
        usage_error("with --oidc-issuer, --public-url must be https://, or http:// on loopback");
    if (oidc->organization != 0 && !oidc->admits)
        usage_error("--oidc-organization is for --oidc-role");
}

static void check(const struct options *options)
{
    bool tls = options->https != NULL || options->mqtts != NULL;
    bool files = options->tls.certificate != NULL && options->tls.key != NULL;
    if (options->data == NULL)
        usage_error("--data is required");
    if (strlen(options->data) > 1024)
        usage_error("--data is too long a path");
    if ((options->http == NULL && options->https == NULL) ||
        (options->mqtt == NULL && options->mqtts == NULL))
        usage_error("one of --https and --http, and one of --mqtts and --mqtt, are required");
    if (options->bus != NULL && options->database == NULL)
        usage_error("--bus is for servers that share a --database");
    if (tls && !files)
        usage_error("--https and --mqtts need --tls-cert and --tls-key");
    if (!tls &&
        (options->tls.certificate != NULL || options->tls.key != NULL || options->tls.client_ca != NULL))
        usage_error("--tls-cert, --tls-key and --client-ca need --https or --mqtts");
    check_oidc(options);
}

/* The console that belongs to this program: `../console` beside its folder, as in a build tree, or where it
 * is installed. NULL if there is none. */
static const char *find_console(void)
{
    static char beside[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", beside, sizeof beside - 1);
    beside[length > 0 ? length : 0] = '\0';
    for (int up = 0; up < 2 && strrchr(beside, '/') != NULL; up++)
        *strrchr(beside, '/') = '\0';
    char page[PATH_MAX + 32];
    snprintf(page, sizeof page, "%s/console/index.html", beside);
    if (access(page, R_OK) == 0) {
        strncat(beside, "/console", sizeof beside - strlen(beside) - 1);
        return beside;
    }
    return access(TANDEM_CONSOLE "/index.html", R_OK) == 0 ? TANDEM_CONSOLE : NULL;
}

void options_parse(struct options *options, int argc, char **argv)
{
    struct option known[OPTION_COUNT + 1] = {0};
    for (size_t i = 0; i < OPTION_COUNT; i++)
        known[i] = (struct option){table[i].name, table[i].value != NULL, NULL, table[i].id};
    *options = (struct options){.settle_ms = status_limits_default.settle_ms,
                                .deltas_wait_ms = 30000,
                                .deltas_memory_mib = 512,
                                .deltas_seconds = 120,
                                .deltas_space_mib = 1024,
                                .log_level = LOG_LEVEL_INFO};
    options->console = find_console();
    for (int id; (id = getopt_long(argc, argv, "", known, NULL)) != -1;)
        take(options, id, optarg);
    if (optind < argc)
        usage_error("unexpected argument \"%s\"", argv[optind]);
    check(options);
    options->oidc.public_url = options->public_url;
    if (options->oidc.organization == 0)
        options->oidc.organization = RECORD_FIRST_ORGANIZATION;
}
