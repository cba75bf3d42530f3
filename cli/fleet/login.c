/* tandem login: exchanges login and password for a token of one's own, kept in the configuration file. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "cli/base/commands.h"
#include "cli/base/files.h"
#include "cli/base/options.h"
#include "cli/base/output.h"
#include "cli/rest/rest.h"

#define PASSWORD_BYTES 258

/* One line from the terminal, unseen, or from standard input. */
static int read_password(const char *prompt, char to[PASSWORD_BYTES])
{
    struct termios shown;
    bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &shown) == 0;

    if (terminal) {
        struct termios unseen = shown;
        unseen.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &unseen);
        fprintf(stderr, "%s: ", prompt);
    }
    char *line = fgets(to, PASSWORD_BYTES, stdin);
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
        fputc('\n', stderr);
    }
    if (!line)
        return output_fail(CLI_USAGE, "no password: type it, or give it as a line on standard input");
    to[strcspn(to, "\r\n")] = '\0';
    return CLI_OK;
}

static int sign_in(struct rest *rest, const char *login, const char *password, json_t **self)
{
    json_t *body = json_pack("{s:s, s:s}", "login", login, "password", password);
    int rc = rest_request(rest, "POST", "/session", body, self);

    json_decref(body);
    return rc;
}

/* A password that was for one sign-in. */
static int replace_password(struct rest *rest, const char *old)
{
    char new[PASSWORD_BYTES];
    json_t *answer = NULL;
    int rc = read_password("this password was for one sign-in; your new one", new);

    if (rc == CLI_OK) {
        json_t *body = json_pack("{s:s, s:s}", "old", old, "new", new);
        rc = rest_request(rest, "PUT", "/session/password", body, &answer);
        json_decref(body);
        json_decref(answer);
    }
    explicit_bzero(new, sizeof new);
    return rc;
}

static int make_token(struct rest *rest, const struct invocation *call, json_t **token)
{
    char host[65] = "";
    uint32_t days = 30;
    int rc = option_number(call, "days", 3650, &days);

    (void)gethostname(host, sizeof host - 1);
    host[31] = '\0';
    if (rc == CLI_OK) {
        json_t *body = json_pack("{s:o, s:i}", "name", json_sprintf("tandem@%s", host), "days", (int)days);
        rc = rest_request(rest, "POST", "/tokens", body, token);
        json_decref(body);
    }
    return rc;
}

/* The folders above path, as far as they are missing. */
static void make_folders(const char *path)
{
    char folder[4096];

    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
        (void)mkdir(folder, 0700); /* what is in the way shows when the file is written */
    }
}

/* What people wrote beside the settings. */
static void copy_comments(FILE *to, const char *path)
{
    FILE *from = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;

    while (from && getline(&line, &room, from) > 0) {
        if (line[strspn(line, " \t")] == '#')
            fputs(line, to);
    }
    free(line);
    if (from)
        fclose(from);
}

/* The configuration file as it is to be, or NULL without memory; to be freed. */
static char *settings_text(const char *path, const struct config *config, const char *token)
{
    char ca[PATH_MAX];
    char *text = NULL;
    size_t bytes;
    FILE *to = open_memstream(&text, &bytes);

    if (!to)
        return NULL;
    copy_comments(to, path);
    fprintf(to, "url = %s\ntoken = %s\n", config->url, token);
    if (config->ca && realpath(config->ca, ca))
        fprintf(to, "ca = %s\n", ca);
    if (fclose(to) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static int keep(const struct invocation *call, const struct config *config, const char *token)
{
    char path[PATH_MAX];
    char *text;
    int rc;

    if (!config_place(call, path, sizeof path))
        return output_fail(CLI_FAILED, "where to keep the token? give --config FILE, or set HOME");
    text = settings_text(path, config, token);
    if (!text)
        return output_fail(CLI_FAILED, "out of memory");
    make_folders(path);
    rc = file_write(path, text, strlen(text), 0600);
    free(text);
    if (rc == CLI_OK && !option_given(call, "json"))
        printf("signed in to %s; the token is kept in %s\n", config->url, path);
    return rc;
}

static int log_in(struct rest *rest, const struct invocation *call, char password[PASSWORD_BYTES])
{
    json_t *self = NULL;
    json_t *token = NULL;
    json_t *end = NULL;
    int rc = read_password("password", password);

    if (rc == CLI_OK)
        rc = sign_in(rest, call->argument[0], password, &self);
    if (rc == CLI_OK && json_is_true(json_object_get(self, "must_change_password")))
        rc = replace_password(rest, password);
    if (rc == CLI_OK)
        rc = make_token(rest, call, &token);
    if (rc == CLI_OK)
        rc = keep(call, &rest->config, json_string_value(json_object_get(token, "token")));
    if (self) {
        char why[REST_WHY_BYTES];
        (void)rest_request_quietly(rest, "DELETE", "/session", NULL, &end, why);
    }
    json_decref(self);
    json_decref(token);
    json_decref(end);
    return rc;
}

static int run_login(const struct invocation *call)
{
    struct rest rest;
    char password[PASSWORD_BYTES];
    int rc = rest_open_session(&rest, call);

    if (rc == CLI_OK)
        rc = log_in(&rest, call, password);
    explicit_bzero(password, PASSWORD_BYTES);
    rest_close(&rest);
    return rc;
}

static const struct option login_options[] = {
    {"days", 'd', "N", "the token ends after so many days (default: 30)", 0},
    {0},
};

const struct command command_login = {
    .name = "login",
    .arguments = "LOGIN",
    .summary = "sign in, and keep a token for this machine in the configuration file",
    .details =
        "The password is asked for on a terminal, and else read from standard input, one line; a second\n"
        "line is the new password where the first was for one sign-in.\n",
    .options = login_options,
    .uses = USES_JSON | USES_SERVER,
    .run = run_login,
};
