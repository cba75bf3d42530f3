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

#include "cloud/fleet/rules/status.h"
#include "cloud/text.h"

#define EXIT_USAGE   2
#define SETTLE_MAX_S (7 * 24 * 3600)

struct row;
typedef void take_fn(struct options *options, const struct row *row, const char *value);

/* Every option once: for getopt_long, for the help, and for where its value goes. */
struct row {
    const char *name;
    const char *value; /* NULL: takes none */
    const char *help;  /* its lines with \n between */
    take_fn *take;
    size_t field; /* of struct options, where take serves several rows */
    long least;   /* a number's bounds, and what it is multiplied by */
    long most;
    long unit;
};

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

/* --- How values are taken --- */

static void *field_of(struct options *options, const struct row *row)
{
    return (char *)options + row->field;
}

static void take_text(struct options *options, const struct row *row, const char *value)
{
    *(const char **)field_of(options, row) = value;
}

static void take_switch(struct options *options, const struct row *row, const char *value)
{
    (void)value;
    *(bool *)field_of(options, row) = true;
}

static void take_number(struct options *options, const struct row *row, const char *value)
{
    char *end;
    errno = 0;
    long number = strtol(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || number < row->least || number > row->most)
        usage_error("--%s takes a number from %ld to %ld, not \"%s\"", row->name, row->least, row->most,
                    value);
    *(int64_t *)field_of(options, row) = (int64_t)number * row->unit;
}

/* One of two words: true for the second. */
static bool second_word(const struct row *row, const char *value, const char *first, const char *second)
{
    if (strcmp(value, first) != 0 && strcmp(value, second) != 0)
        usage_error("--%s takes %s or %s, not \"%s\"", row->name, first, second, value);
    return strcmp(value, second) == 0;
}

static void take_deltas(struct options *options, const struct row *row, const char *value)
{
    options->deltas_off = second_word(row, value, "on", "off");
}

static void take_log_format(struct options *options, const struct row *row, const char *value)
{
    options->log_json = second_word(row, value, "text", "json");
}

static void take_log_level(struct options *options, const struct row *row, const char *value)
{
    if (!log_level_parse(value, &options->log_level))
        usage_error("--%s takes error, warning, info or debug, not \"%s\"", row->name, value);
}

static void take_public_url(struct options *options, const struct row *row, const char *value)
{
    size_t bytes = strlen(value);
    bool web = strncmp(value, "http://", 7) == 0 || strncmp(value, "https://", 8) == 0;
    if (!web || bytes > 120 || value[bytes - 1] == '/' || strpbrk(value, "?# \"\\") != NULL)
        usage_error("--%s takes http://HOST[:PORT] or https://HOST[:PORT] without a slash at the end, not "
                    "\"%s\"",
                    row->name, value);
    options->public_url = value;
}

/* The value is not repeated: it may hold a password. */
static const char *with_scheme(const struct row *row, const char *value, const char *scheme,
                               const char *other)
{
    if (strncmp(value, scheme, strlen(scheme)) != 0 && strncmp(value, other, strlen(other)) != 0)
        usage_error("--%s takes a URL that begins with %s", row->name, scheme);
    return value;
}

static void take_database(struct options *options, const struct row *row, const char *value)
{
    options->database = with_scheme(row, value, "postgresql://", "postgres://");
}

static void take_bus(struct options *options, const struct row *row, const char *value)
{
    options->bus = with_scheme(row, value, "nats://", "tls://");
}

static void take_proxies(struct options *options, const struct row *row, const char *value)
{
    const char *bad;
    if (!proxies_add(field_of(options, row), value, &bad))
        usage_error("--%s takes at most %d addresses or networks with commas between, such as "
                    "10.0.0.5,10.1.0.0/16; wrong from \"%s\" on",
                    row->name, PROXIES_MAX, bad);
}

static void take_oidc_role(struct options *options, const struct row *row, const char *value)
{
    enum role role;
    if (!role_parse(value, &role) || role == ROLE_ADMIN)
        usage_error("--%s takes viewer or operator, not \"%s\"; an admin makes admins", row->name, value);
    options->oidc.admits = true;
    options->oidc.role = role;
}

static void take_oidc_organization(struct options *options, const struct row *row, const char *value)
{
    options->oidc.organization = text_id_parse('o', value);
    if (options->oidc.organization == 0)
        usage_error("--%s takes an id such as o1, as GET /api/v1/organizations lists them, not \"%s\"",
                    row->name, value);
}

static void __attribute__((noreturn))
print_version(struct options *options, const struct row *row, const char *value)
{
    (void)options;
    (void)row;
    (void)value;
    printf("tandem-cloud %s\n", TANDEM_VERSION);
    exit(0);
}

static take_fn print_help;

#define FIELD(member)                     offsetof(struct options, member)
#define TEXT(member)                      take_text, FIELD(member), 0, 0, 0
#define SWITCH(member)                    take_switch, FIELD(member), 0, 0, 0
#define BY(function)                      function, 0, 0, 0, 0
#define PROXIES(member)                   take_proxies, FIELD(member), 0, 0, 0
#define NUMBER(member, least, most, unit) take_number, FIELD(member), least, most, unit

static const struct row table[] = {
    {"data", "DIR", "where everything is kept; created at the first start (required)", TEXT(data)},
    {"https", "ADDR:PORT",
     "REST interface, console, firmware downloads; MQTT in WebSockets\n"
     "at /mqtt",
     TEXT(https)},
    {"mqtts", "ADDR:PORT", "where devices connect, usually port 8883", TEXT(mqtts)},
    {"tls-cert", "FILE", "certificate for both, its chain behind it (PEM); SIGHUP reads it anew",
     TEXT(tls.certificate)},
    {"tls-key", "FILE", "its private key (PEM)", TEXT(tls.key)},
    {"client-ca", "FILE", "devices must show a certificate that one of these authorities signed",
     TEXT(tls.client_ca)},
    {"http", "ADDR:PORT", "as --https, without TLS", TEXT(http)},
    {"mqtt", "ADDR:PORT", "as --mqtts, without TLS", TEXT(mqtt)},
    {"allow-clear", NULL, "let --http and --mqtt be reached from other machines", SWITCH(allow_clear)},
    {"webhooks-anywhere", NULL, "let webhooks go to loopback and private addresses, too",
     SWITCH(webhooks_anywhere)},
    {"public-url", "URL",
     "how devices reach --https or --http, such as\nhttps://ota.example.com\n"
     "(default: the address they connected to)",
     BY(take_public_url)},
    {"trusted-proxy", "ADDRS",
     "proxies in front of --https or --http, such as 10.0.0.5,10.1.0.0/16:\n"
     "their X-Forwarded-For says who asks; nobody else's does",
     PROXIES(proxies)},
    {"mqtt-proxy", "ADDRS",
     "balancers in front of --mqtts or --mqtt: their connections begin\n"
     "with a PROXY header (version 1 or 2) that says who connects",
     PROXIES(balancers)},
    {"oidc-issuer", "URL",
     "identity provider (OpenID Connect) by which people may sign in,\n"
     "too; needs --public-url (docs/CLOUD.md)",
     TEXT(oidc.issuer)},
    {"oidc-client-id", "ID", "what this server is there", TEXT(oidc.client_id)},
    {"oidc-secret-file", "FILE", "and its secret, the first line of this file", TEXT(oidc.secret_file)},
    {"oidc-ca", "FILE", "authorities that sign its certificate (PEM; default: the system's)", TEXT(oidc.ca)},
    {"oidc-role", "ROLE",
     "viewer or operator: add whom it knows and no admin has added,\n"
     "with this role (default: they are refused)",
     BY(take_oidc_role)},
    {"oidc-organization", "ID", "and in this organization (default: o1)", BY(take_oidc_organization)},
    {"files", "PLACE",
     "where several servers keep firmware files: an absolute path, or\n"
     "s3://BUCKET[/PREFIX], which takes its settings from AWS_* (docs/CLOUD.md)",
     TEXT(files)},
    {"console", "DIR",
     "the built web console, served at /\n"
     "(default: the one that came with this program)",
     TEXT(console)},
    {"database", "URL",
     "postgresql://HOST/NAME instead of SQLite in --data; several servers\n"
     "may share it",
     BY(take_database)},
    {"bus", "URL", "nats://HOST:PORT, where servers that share a database meet", BY(take_bus)},
    {"settle", "SECONDS",
     "how long a device without Tandem's reports must keep its new\n"
     "version to count as updated (default: 300)",
     NUMBER(settle_ms, 0, SETTLE_MAX_S, 1000)},
    {"timezone", "NAME",
     "where devices stand that have no time zone, nor has their\n"
     "organization, such as Europe/Berlin (default: UTC)",
     TEXT(zone)},
    {"deltas", "on|off", "make deltas and compressed packages for devices that decode them (default: on)",
     BY(take_deltas)},
    {"deltas-wait", "SECONDS", "how long an offer waits for one that is being made (default: 30)",
     NUMBER(deltas_wait_ms, 0, 3600, 1000)},
    {"deltas-memory", "MIB", "of the process that makes one (default: 512)",
     NUMBER(deltas_memory_mib, 32, 65536, 1)},
    {"deltas-seconds", "SECONDS", "CPU time of that process (default: 120)",
     NUMBER(deltas_seconds, 1, 3600, 1)},
    {"deltas-space", "MIB", "all of them together; the oldest go first (default: 1024)",
     NUMBER(deltas_space_mib, 1, 1048576, 1)},
    {"log-format", "FORMAT", "text, or json: an object in each line (default: text)", BY(take_log_format)},
    {"log-level", "LEVEL", "error, warning, info or debug (default: info)", BY(take_log_level)},
    {"version", NULL, "print the version and exit", BY(print_version)},
    {"help", NULL, "print this and exit", BY(print_help)},
};
#define OPTION_COUNT (sizeof table / sizeof table[0])
_Static_assert(OPTION_COUNT < '?', "getopt_long tells an option by its row's number, and a wrong one by '?'");

/* Behind a column for the names. */
static void print_lines(const char *text)
{
    for (; *text != '\0'; text++) {
        putchar(*text);
        if (*text == '\n')
            printf("%24s", "");
    }
    putchar('\n');
}

static void __attribute__((noreturn))
print_help(struct options *options, const struct row *row, const char *value)
{
    (void)options;
    (void)row;
    (void)value;
    printf("Usage: tandem-cloud --data DIR --https ADDR:PORT --mqtts ADDR:PORT --tls-cert FILE\n"
           "                    --tls-key FILE [options]\n"
           "       tandem-cloud --data DIR --http 127.0.0.1:PORT --mqtt 127.0.0.1:PORT [options]\n"
           "       tandem-cloud backup | restore | check ...    (docs/OPERATING.md)\n\n"
           "Keeps a fleet's firmware up to date: devices connect over MQTT, people and programs\n"
           "use the REST interface. The first start prints a one-time password for the\n"
           "login admin, and leaves its API token in DIR/admin.token.\n\n");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char left[40];
        snprintf(left, sizeof left, "--%s %s", table[i].name, table[i].value != NULL ? table[i].value : "");
        printf("  %-21s ", left);
        print_lines(table[i].help);
    }
    printf("\nExit status: 0 after a clean end, 1 if the server could not start or run, 2 for a\n"
           "wrong command line.\n");
    exit(0);
}

/* --- What goes together --- */

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
    if (strlen(options->data) > OPTIONS_DATA_MAX)
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
        known[i] = (struct option){table[i].name, table[i].value != NULL, NULL, (int)i + 1};
    *options = (struct options){.settle_ms = status_limits_default.settle_ms,
                                .deltas_wait_ms = 30000,
                                .deltas_memory_mib = 512,
                                .deltas_seconds = 120,
                                .deltas_space_mib = 1024,
                                .log_level = LOG_LEVEL_INFO};
    options->console = find_console();
    for (int id; (id = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (id == '?') { /* getopt_long has said what is wrong */
            fputs("see tandem-cloud --help\n", stderr);
            exit(EXIT_USAGE);
        }
        table[id - 1].take(options, &table[id - 1], optarg);
    }
    if (optind < argc)
        usage_error("unexpected argument \"%s\"", argv[optind]);
    check(options);
    options->oidc.public_url = options->public_url;
    if (options->oidc.organization == 0)
        options->oidc.organization = RECORD_FIRST_ORGANIZATION;
}
