/* The configuration file: sections and Key=value, as systemd's own.
 *
 *     [Daemon]            LogLevel, LogFormat, StatusSocket
 *     [Mcu]               settings for every MCU that follows
 *     [Mcu NAME]          one MCU
 *     [Datastreams]       pin=name, for every MCU that follows; [Datastreams NAME] for one
 *
 * The parser is inih. It tells no line numbers, so the lines are counted where it reads them. */
#include "ncpd/config/config.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ncpd/base/log.h"

struct parse {
    struct config *config;
    const char *path;
    FILE *file;
    int line;
    struct mcu_config all; /* [Mcu] */
    bool good;
};

static int complain(struct parse *parse, const char *what, const char *about, const char *remedy)
{
    fprintf(stderr, "tandem-ncp: %s:%d: %s %s; %s\n", parse->path, parse->line, what, about, remedy);
    parse->good = false;
    return 1; /* go on: all faults in one run */
}

/* "Mcu NAME" -> NAME, "" for "Mcu" alone, NULL for another section. */
static const char *section_name(const char *section, const char *kind)
{
    size_t length = strlen(kind);

    if (strncmp(section, kind, length) != 0)
        return NULL;
    if (section[length] == '\0')
        return "";
    return section[length] == ' ' ? section + length + strspn(section + length, " ") : NULL;
}

static bool is_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t length = strlen(name);

    return length > 0 && length <= CONFIG_NAME_MAX && strspn(name, allowed) == length && name[0] != '.';
}

struct mcu_config *config_mcu(struct config *config, const struct mcu_config *pattern, const char *name)
{
    struct mcu_config *mcu;

    for (size_t i = 0; i < config->mcu_count; i++) {
        if (strcmp(config->mcus[i].name, name) == 0)
            return &config->mcus[i];
    }
    if (config->mcu_count == CONFIG_MCUS)
        return NULL;
    if (config->mcus == NULL) { /* at once: they stay where they are */
        config->mcus = calloc(CONFIG_MCUS, sizeof *config->mcus);
    }
    if (config->mcus == NULL)
        return NULL;
    mcu = &config->mcus[config->mcu_count];
    *mcu = *pattern;
    if (!pin_map_copy(&mcu->pins, &pattern->pins))
        return NULL;
    config->mcu_count++;
    snprintf(mcu->name, sizeof mcu->name, "%s", name);
    return mcu;
}

/* The one that a section is about; NULL after a complaint. */
static struct mcu_config *subject(struct parse *parse, const char *name)
{
    struct mcu_config *mcu;

    if (name[0] == '\0')
        return &parse->all;
    if (!is_name(name)) {
        complain(parse, "the name of an MCU is made of letters, digits and - _ . only, not", name,
                 "choose another");
        return NULL;
    }
    mcu = config_mcu(parse->config, &parse->all, name);
    if (mcu == NULL)
        complain(parse, "no room for MCU", name, "32 is the most for one daemon");
    return mcu;
}

static int set_pin(struct parse *parse, const char *name, const char *key, const char *value)
{
    struct mcu_config *mcu = subject(parse, name);
    uint16_t pin;

    if (mcu == NULL)
        return 1;
    if (!pin_parse(key, strlen(key), &pin))
        return complain(parse, "a pin is a number from 0 to 65535, not", key, "write PIN=NAME");
    if (!pin_map_add(&mcu->pins, pin, value))
        return complain(parse, "a pin or datastream that stands there already, or no name of one:", value,
                        "one line for each, names of 64 bytes at most, without / + #");
    return 1;
}

static int set_mcu(struct parse *parse, const char *name, const char *key, const char *value)
{
    struct mcu_config *mcu = subject(parse, name);

    for (const struct setting *row = settings; mcu != NULL && row->key != NULL; row++) {
        if (strcmp(row->key, key) == 0) {
            char what[128];

            snprintf(what, sizeof what, "%s takes %s, not", key, row->value);
            return row->set(mcu, value) ? 1 : complain(parse, what, value, row->text);
        }
    }
    return mcu == NULL ? 1 : complain(parse, "no setting of [Mcu]:", key, "see docs/NCP.md or --help");
}

static int set_daemon(struct parse *parse, const char *key, const char *value)
{
    struct config *config = parse->config;

    if (strcmp(key, "LogLevel") == 0 && log_set_level(value))
        snprintf(config->log_level, sizeof config->log_level, "%s", value);
    else if (strcmp(key, "LogFormat") == 0 && log_set_format(value))
        snprintf(config->log_format, sizeof config->log_format, "%s", value);
    else if (strcmp(key, "StatusSocket") == 0 && strlen(value) < 108)
        snprintf(config->status_socket, sizeof config->status_socket, "%s", value);
    else
        return complain(
            parse, "not a setting of [Daemon], or not a value of it:", key,
            "LogLevel=error|warning|info|debug, LogFormat=auto|text|journal|json, StatusSocket=PATH");
    return 1;
}

static int on_setting(void *ctx, const char *section, const char *key, const char *value)
{
    struct parse *parse = ctx;
    const char *name;

    if (strstr(value, " # ") != NULL)
        return complain(parse, "a comment behind a value:", value, "give it a line of its own");
    if (strcmp(section, "Daemon") == 0)
        return set_daemon(parse, key, value);
    if ((name = section_name(section, "Mcu")) != NULL)
        return set_mcu(parse, name, key, value);
    if ((name = section_name(section, "Datastreams")) != NULL)
        return set_pin(parse, name, key, value);
    if (section[0] == '\0')
        return complain(parse, "a setting outside of every section:", key, "write [Mcu NAME] above it");
    return complain(parse, "no such section:", section,
                    "there are [Daemon], [Mcu NAME] and [Datastreams NAME]");
}

static char *read_line(char *to, int room, void *ctx)
{
    struct parse *parse = ctx;
    char *line = fgets(to, room, parse->file);

    parse->line += line != NULL;
    if (line != NULL && line[strspn(line, " \t")] == '[' && strchr(line, ']') == NULL)
        complain(parse, "a section without", "its ]",
                 "write [Mcu NAME], and its settings on lines of their own");
    if (line != NULL && strchr(line, '\n') == NULL && !feof(parse->file)) {
        complain(parse, "a line is longer than", "199 bytes", "shorten it");
        while (fgetc(parse->file) != '\n' && !feof(parse->file)) {
        }
    }
    return line;
}

bool config_read(struct config *config, const char *path)
{
    struct parse parse = {.config = config, .path = path, .good = true};
    int error;

    mcu_config_init(&parse.all);
    parse.file = fopen(path, "re");
    if (parse.file == NULL) {
        fprintf(stderr, "tandem-ncp: %s: %s; give the configuration file with --config\n", path,
                strerror(errno));
        return false;
    }
    error = ini_parse_stream(read_line, &parse, on_setting, &parse);
    if (ferror(parse.file)) {
        complain(&parse, "cannot be read:", strerror(errno), "name a file");
    } else if (error != 0 && parse.good) {
        parse.line = error;
        complain(&parse, "neither a [Section] nor", "Key=value", "comments begin with #");
    }
    fclose(parse.file);
    pin_map_free(&parse.all.pins);
    return parse.good;
}

bool config_apply_environment(struct config *config)
{
    bool good = true;

    for (const struct setting *row = settings; row->key != NULL; row++) {
        const char *value = row->variable != NULL ? getenv(row->variable) : NULL;

        for (size_t i = 0; value != NULL && value[0] != '\0' && i < config->mcu_count && good; i++) {
            if (!row->set(&config->mcus[i], value)) {
                fprintf(stderr, "tandem-ncp: the variable %s takes %s, not %s\n", row->variable, row->value,
                        value);
                good = false;
            }
        }
    }
    return good;
}

/* --- The whole --- */

static bool lacks(const char *source, const struct mcu_config *mcu, const char *what, const char *remedy)
{
    fprintf(stderr, "tandem-ncp: %s: [Mcu %s] has no %s; %s\n", source, mcu->name, what, remedy);
    return false;
}

static bool clashes(const char *source, const struct mcu_config *a, const struct mcu_config *b,
                    const char *what)
{
    fprintf(stderr, "tandem-ncp: %s: [Mcu %s] and [Mcu %s] share their %s; each needs its own\n", source,
            a->name, b->name, what);
    return false;
}

static bool complete_mcu(struct mcu_config *mcu, const char *source, bool to_check)
{
    const char *state = getenv("STATE_DIRECTORY");

    if (mcu->data[0] == '\0' && state != NULL &&
        snprintf(mcu->data, sizeof mcu->data, "%s/%s", state, mcu->name) >= (int)sizeof mcu->data)
        return lacks(source, mcu, "Data", "STATE_DIRECTORY is too long");
    if (mcu->uart[0] == '\0')
        return lacks(source, mcu, "Uart", "name the device that the MCU is at");
    if (mcu->cloud.host[0] == '\0')
        return lacks(source, mcu, "Cloud", "give its URL here, in [Mcu], or in TANDEM_NCP_CLOUD");
    if (mcu->token_file[0] == '\0' && mcu->token_credential[0] == '\0')
        return lacks(source, mcu, "TokenFile and no TokenCredential",
                     "name the file with the device's token");
    if (mcu->data[0] == '\0' && !to_check)
        return lacks(source, mcu, "Data", "name the folder for its firmware files");
    if ((mcu->certificate[0] != '\0') != (mcu->key[0] != '\0'))
        return lacks(source, mcu, mcu->key[0] != '\0' ? "ClientCertificate" : "ClientKey",
                     "the two go together");
    return true;
}

static bool same(const char *a, const char *b)
{
    return a[0] != '\0' && strcmp(a, b) == 0;
}

/* What each of two needs for itself. The cloud takes one connection for a token. */
static bool are_apart(const char *source, const struct mcu_config *a, const struct mcu_config *b)
{
    bool good = true;

    if (same(a->uart, b->uart))
        good = clashes(source, a, b, "Uart");
    if (same(a->data, b->data))
        good = clashes(source, a, b, "Data");
    if (same(a->token_file, b->token_file) || same(a->token_credential, b->token_credential))
        good = clashes(source, a, b, "token");
    return good;
}

bool config_complete(struct config *config, const char *source, bool to_check)
{
    bool good = config->mcu_count > 0;

    if (!good)
        fprintf(stderr, "tandem-ncp: %s: no [Mcu NAME] section; there is one for each MCU\n", source);
    for (size_t i = 0; i < config->mcu_count; i++) {
        good = complete_mcu(&config->mcus[i], source, to_check) && good;
        for (size_t j = 0; j < i; j++)
            good = are_apart(source, &config->mcus[j], &config->mcus[i]) && good;
    }
    return good;
}

void config_free(struct config *config)
{
    for (size_t i = 0; i < config->mcu_count; i++)
        pin_map_free(&config->mcus[i].pins);
    free(config->mcus);
    *config = (struct config){0};
}

void config_token_path(const struct mcu_config *mcu, char path[2 * CONFIG_TEXT])
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");

    if (mcu->token_credential[0] != '\0')
        snprintf(path, 2 * CONFIG_TEXT, "%s/%s", folder != NULL ? folder : "(no CREDENTIALS_DIRECTORY)",
                 mcu->token_credential);
    else
        snprintf(path, 2 * CONFIG_TEXT, "%s", mcu->token_file);
}
