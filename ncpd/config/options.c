#include "ncpd/config/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ncpd/base/log.h"
#include "ncpd/config/check.h"

enum { SETTINGS_FROM = 100, OPTIONS_MAX = 48 };

enum option_id { CONFIG = 1, CHECK, STATUS_SOCKET, LOG_LEVEL, LOG_FORMAT, VERSION, HELP };

static const struct {
    const char *name;
    enum option_id id;
    const char *value;
    const char *text;
} rows[] = {
    {"config", CONFIG, "FILE", "read everything from this file (docs/NCP.md), for one MCU or several"},
    {"check", CHECK, NULL, "say whether it would start with these settings, and end"},
    {"status-socket", STATUS_SOCKET, "PATH", "where `tandem ncp status` asks (none)"},
    {"log-level", LOG_LEVEL, "LEVEL", "error, warning, info or debug (info)"},
    {"log-format", LOG_FORMAT, "FORMAT",
     "auto, text, journal or json (auto: journal under systemd, else text)"},
    {"version", VERSION, NULL, "print the version"},
    {"help", HELP, NULL, "print this help"},
};

enum { ROWS = sizeof rows / sizeof rows[0] };

struct parse {
    struct config *config;
    struct mcu_config mcu; /* of the command line */
    const char *file;
    bool has_settings;
    bool check;
};

static void print_row(const char *name, const char *value, const char *text)
{
    char left[64];

    snprintf(left, sizeof left, "--%s %s", name, value != NULL ? value : "");
    printf("  %-38s  %s\n", left, text);
}

static void print_help(void)
{
    puts("tandem-ncp: the network co-processor. Connects a primary MCU on a UART to its cloud, and feeds it\n"
         "firmware updates.\n\n"
         "Usage: tandem-ncp --config FILE [--check]\n"
         "       tandem-ncp --uart LINE --cloud URL --token-file FILE --data DIR [options]\n");
    for (size_t i = 0; i < ROWS; i++)
        print_row(rows[i].name, rows[i].value, rows[i].text);
    puts("\nSettings of one MCU, in place of --config:\n");
    for (const struct setting *row = settings; row->key != NULL; row++) {
        if (row->option != NULL)
            print_row(row->option, row->value, row->text);
    }
    puts("\nSettings that stand in the file only, in [Mcu] or [Mcu NAME]:\n");
    for (const struct setting *row = settings; row->key != NULL; row++) {
        char left[64];

        if (row->option == NULL) {
            snprintf(left, sizeof left, "%s=%s", row->key, row->value);
            printf("  %-38s  %s\n", left, row->text);
        }
    }
    puts("\nA line that is missing is waited for. Exit status: 0 after SIGTERM or SIGINT, 1 if it cannot "
         "work\n"
         "(data folder, token file, second instance), 2 for a wrong command line or configuration.");
}

static int usage(const char *what, const char *value)
{
    fprintf(stderr, "tandem-ncp: %s%s%s; see tandem-ncp --help\n", what, value != NULL ? " " : "",
            value != NULL ? value : "");
    return EXIT_USAGE;
}

static int take_setting(struct parse *parse, const struct setting *row, const char *value)
{
    char what[160];

    parse->has_settings = true;
    snprintf(what, sizeof what, "--%s takes %s, not", row->option, row->value);
    return row->set(&parse->mcu, value) ? -1 : usage(what, value);
}

/* -1 to go on. */
static int take(struct parse *parse, enum option_id id, const char *value)
{
    struct config *config = parse->config;

    switch (id) {
    case CONFIG:
        parse->file = value;
        return -1;
    case CHECK:
        parse->check = true;
        return -1;
    case STATUS_SOCKET:
        snprintf(config->status_socket, sizeof config->status_socket, "%s", value);
        return strlen(value) < 108 ? -1 : usage("--status-socket: too long:", value);
    case LOG_LEVEL:
        snprintf(config->log_level, sizeof config->log_level, "%s", value);
        return log_set_level(value) ? -1
                                    : usage("--log-level takes error, warning, info or debug, not", value);
    case LOG_FORMAT:
        snprintf(config->log_format, sizeof config->log_format, "%s", value);
        return log_set_format(value) ? -1
                                     : usage("--log-format takes auto, text, journal or json, not", value);
    case VERSION:
        puts("tandem-ncp " TANDEM_VERSION);
        return EXIT_SUCCESS;
    case HELP:
        print_help();
        return EXIT_SUCCESS;
    }
    return usage("unknown option or missing value", NULL);
}

static void make_longs(struct option longs[OPTIONS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < ROWS; i++)
        longs[count++] = (struct option){rows[i].name, rows[i].value != NULL, NULL, (int)rows[i].id};
    for (size_t i = 0; settings[i].key != NULL; i++) {
        if (settings[i].option != NULL)
            longs[count++] =
                (struct option){settings[i].option, required_argument, NULL, SETTINGS_FROM + (int)i};
    }
    longs[count] = (struct option){0};
}

/* What was given on the command line goes before what the file says. */
static bool read_file(struct parse *parse)
{
    struct config given = *parse->config;
    struct config *config = parse->config;

    if (!config_read(config, parse->file))
        return false;
    if (given.status_socket[0] != '\0')
        memcpy(config->status_socket, given.status_socket, sizeof given.status_socket);
    return (given.log_level[0] == '\0' || log_set_level(given.log_level)) &&
           (given.log_format[0] == '\0' || log_set_format(given.log_format));
}

static int settle(struct parse *parse)
{
    struct config *config = parse->config;
    const struct mcu_config *mcu = &parse->mcu;
    const char *source = parse->file != NULL ? parse->file : "command line";

    if (parse->file != NULL && parse->has_settings)
        return usage("--config and settings of one MCU do not go together", NULL);
    if (parse->file == NULL && (mcu->uart[0] == '\0' || mcu->cloud.host[0] == '\0' || mcu->data[0] == '\0' ||
                                (mcu->token_file[0] == '\0' && mcu->token_credential[0] == '\0')))
        return usage("--config, or --uart, --cloud, --token-file and --data are needed", NULL);
    if (parse->file != NULL ? !read_file(parse) : config_mcu(config, mcu, "mcu") == NULL)
        return EXIT_USAGE;
    if ((parse->file != NULL && !config_apply_environment(config)) ||
        !config_complete(config, source, parse->check))
        return EXIT_USAGE;
    return parse->check ? check_config(config, source) : -1;
}

int options_parse(struct config *config, int argc, char **argv)
{
    struct option longs[OPTIONS_MAX];
    struct parse parse = {.config = config};
    int id;
    int status = -1;

    *config = (struct config){0};
    mcu_config_init(&parse.mcu);
    make_longs(longs);
    opterr = 0;
    while (status < 0 && (id = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (id == '?')
            status = usage("unknown option or missing value:", argv[optind - 1]);
        else
            status = id >= SETTINGS_FROM ? take_setting(&parse, &settings[id - SETTINGS_FROM], optarg)
                                         : take(&parse, (enum option_id)id, optarg);
    }
    if (status >= 0)
        return status;
    if (optind < argc)
        return usage("unexpected argument", argv[optind]);
    return settle(&parse);
}
