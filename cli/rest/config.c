#include "cli/rest/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/base/files.h"
#include "cli/base/options.h"
#include "cli/base/output.h"

static char *copy_text(const char *text)
{
    size_t bytes = strlen(text) + 1;

    return memcpy(memory_take(bytes), text, bytes);
}

/* Takes value for *setting unless an earlier place had one. */
static void set_if_unset(char **setting, const char *value)
{
    if (!*setting && value && value[0])
        *setting = copy_text(value);
}

static char *trim(char *text)
{
    size_t length;

    while (isspace((unsigned char)*text))
        text++;
    for (length = strlen(text); length > 0 && isspace((unsigned char)text[length - 1]); length--)
        text[length - 1] = '\0';
    return text;
}

/* One line of the file: "key = value", blank, or a comment. */
static int take_line(struct config *config, char *line, const char *path, unsigned number)
{
    char *text = trim(line);
    char *equals = strchr(text, '=');
    const char *key;

    if (text[0] == '\0' || text[0] == '#')
        return CLI_OK;
    if (!equals)
        return output_fail(CLI_FAILED, "%s:%u: not \"key = value\"; possible keys are url, token and ca",
                           path, number);
    *equals = '\0';
    key = trim(text);
    if (strcmp(key, "url") == 0)
        set_if_unset(&config->url, trim(equals + 1));
    else if (strcmp(key, "token") == 0)
        set_if_unset(&config->token, trim(equals + 1));
    else if (strcmp(key, "ca") == 0)
        set_if_unset(&config->ca, trim(equals + 1));
    else
        return output_fail(CLI_FAILED, "%s:%u: unknown key \"%s\"; possible are url, token and ca", path,
                           number, key);
    return CLI_OK;
}

static int take_lines(struct config *config, char *text, const char *path)
{
    char *rest = text;
    unsigned number = 0;
    int rc = CLI_OK;

    while (rest && rc == CLI_OK) {
        char *line = strsep(&rest, "\n");
        rc = take_line(config, line, path, ++number);
    }
    return rc;
}

/* A token that others can read is refused, wherever it would be used. */
static int check_private(const struct config *config, const char *path)
{
    struct stat status;

    if (config->token && stat(path, &status) == 0 && (status.st_mode & 077) != 0)
        return output_fail(CLI_FAILED, "%s: holds a token and others can read it; run: chmod 600 %s", path,
                           path);
    return CLI_OK;
}

static int read_config(struct config *config, const char *path)
{
    struct file_bytes file;
    struct config found = {NULL, NULL, NULL};
    int rc = file_read(&file, path);

    if (rc == CLI_OK) {
        char *text = memory_take(file.size + 1);

        memcpy(text, file.data, file.size);
        text[file.size] = '\0';
        rc = take_lines(&found, text, path);
        free(text);
    }
    file_free(&file);
    rc = rc == CLI_OK ? check_private(&found, path) : rc;
    set_if_unset(&config->url, found.url);
    set_if_unset(&config->token, found.token);
    set_if_unset(&config->ca, found.ca);
    config_free(&found);
    return rc;
}

bool config_place(const struct invocation *call, char *path, size_t capacity)
{
    const char *given = option_text(call, "config");
    const char *base = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    bool absolute = base && base[0] == '/';

    if (given)
        return snprintf(path, capacity, "%s", given) < (int)capacity;
    if (!absolute && !home)
        return false;
    return snprintf(path, capacity, "%s%s/tandem/config", absolute ? base : home,
                    absolute ? "" : "/.config") < (int)capacity;
}

/* The file in the user's home, if it is there. */
static int read_default_config(struct config *config, const struct invocation *call)
{
    char path[4096];

    return config_place(call, path, sizeof path) && access(path, F_OK) == 0 ? read_config(config, path)
                                                                            : CLI_OK;
}

static int check_url(const struct config *config)
{
    if (!config->url)
        return output_fail(CLI_USAGE, "which server? give --url http://HOST:PORT, set TANDEM_URL, or write "
                                      "\"url = ...\" into ~/.config/tandem/config");
    if (strncmp(config->url, "http://", 7) != 0 && strncmp(config->url, "https://", 8) != 0)
        return output_fail(CLI_USAGE, "%s: the server's URL starts with http:// or https://", config->url);
    return CLI_OK;
}

static int check_token(const struct config *config)
{
    if (!config->token)
        return output_fail(
            CLI_USAGE,
            "no API token: run `tandem login`, give --token, set TANDEM_TOKEN, or write \"token = ...\" "
            "into ~/.config/tandem/config; the server's first one is in the file "
            "admin.token of its data folder");
    if (config->token[strcspn(config->token, "\r\n")])
        return output_fail(CLI_USAGE, "the API token has a line end in it");
    return CLI_OK;
}

static void cut_slashes(char *url)
{
    for (size_t length = strlen(url); length > 0 && url[length - 1] == '/'; length--)
        url[length - 1] = '\0';
}

static int load(struct config *config, const struct invocation *call, bool wants_token)
{
    const char *path = option_text(call, "config");
    bool is_there = path && access(path, F_OK) == 0;
    int rc = CLI_OK;

    *config = (struct config){NULL, NULL, NULL};
    set_if_unset(&config->url, option_text(call, "url"));
    set_if_unset(&config->token, option_text(call, "token"));
    set_if_unset(&config->ca, option_text(call, "ca"));
    set_if_unset(&config->url, getenv("TANDEM_URL"));
    set_if_unset(&config->token, getenv("TANDEM_TOKEN"));
    set_if_unset(&config->ca, getenv("TANDEM_CA"));
    if (path && (is_there || wants_token))
        rc = read_config(config, path);
    else if (!path && (!config->url || (wants_token && !config->token)))
        rc = read_default_config(config, call);
    if (rc == CLI_OK && config->url)
        cut_slashes(config->url);
    return rc == CLI_OK ? check_url(config) : rc;
}

int config_load(struct config *config, const struct invocation *call)
{
    int rc = load(config, call, true);

    return rc == CLI_OK ? check_token(config) : rc;
}

int config_load_url(struct config *config, const struct invocation *call)
{
    return load(config, call, false);
}

void config_free(struct config *config)
{
    free(config->url);
    free(config->token);
    free(config->ca);
    *config = (struct config){NULL, NULL, NULL};
}
