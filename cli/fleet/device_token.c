/* tandem device add, token, revoke: what gives a device its token, and takes it. */
#include <stdio.h>
#include <unistd.h>

#include "cli/base/commands.h"
#include "cli/base/files.h"
#include "cli/base/output.h"
#include "cli/base/show.h"
#include "cli/rest/ask.h"

#define TOKEN_LINE_BYTES 256

/* Puts the token of answer where the co-processor reads it, a file that nobody else may read, and prints the
 * rest. If that fails the token is printed after all, or it would be lost. answer is freed. */
static int keep(const struct invocation *call, json_t *answer)
{
    const char *path = option_text(call, "token-file");
    const char *token = json_string_value(json_object_get(answer, "token"));
    char text[TOKEN_LINE_BYTES];
    int length = snprintf(text, sizeof text, "%s\n", token ? token : "");
    int rc = CLI_OK;
    int printed;

    if (!token || length >= (int)sizeof text) {
        rc = output_fail(CLI_SERVER, "the server's answer holds no token");
    } else if (!path) {
        output_warn("the token is shown this once; the co-processor reads it from a file (--token-file)");
    } else {
        rc = file_write(path, text, (size_t)length, 0600);
        if (rc != CLI_OK)
            output_warn(
                "the token is shown this once instead; put it into a file of mode 0600 for tandem-ncp");
    }
    if (rc == CLI_OK && path && !option_given(call, "json"))
        json_object_set_new(answer, "token", json_sprintf("kept in %s", path));
    printed = show_fields(call, answer);
    return rc == CLI_OK ? printed : rc;
}

/* The token that the device has, from the first line of its file. */
static int put_own_token(json_t *body, const char *path)
{
    struct file_bytes file;
    int rc = file_read(&file, path);

    if (rc == CLI_OK) {
        const char *text = (const char *)file.data;
        size_t bytes = 0;

        while (bytes < file.size && text[bytes] != '\n' && text[bytes] != '\r')
            bytes++;
        rc = json_object_set_new(body, "token", json_stringn(text, bytes)) == 0
                 ? CLI_OK
                 : output_fail(CLI_FAILED, "%s: its first line is no text, and so no token", path);
    }
    file_free(&file);
    return rc;
}

/* Nobody else needs to be told of a token that is where it was. */
static int show_known(const struct invocation *call, json_t *answer)
{
    if (!option_given(call, "json"))
        json_object_del(answer, "token");
    return show_fields(call, answer);
}

static int add_with_token(const struct invocation *call, json_t *body, const char *path)
{
    json_t *answer;
    int rc = put_own_token(body, path);

    if (rc != CLI_OK) {
        json_decref(body);
        return rc;
    }
    rc = ask_for(call, "POST", "/devices", NULL, body, &answer);
    return rc == CLI_OK ? show_known(call, answer) : rc;
}

static int run_add(const struct invocation *call)
{
    const char *path = option_text(call, "token-file");
    json_t *body;
    json_t *answer;
    int rc;

    if (path && option_given(call, "token-from"))
        return output_fail(CLI_USAGE,
                           "--token-file is for a token that the server makes, --token-from for one "
                           "that the device has: say one of them");
    rc = path ? file_create(path, "", 0, 0600) : CLI_OK; /* no device without a place for its token */
    if (rc != CLI_OK)
        return rc;
    body = json_pack("{s:s}", "template", option_text(call, "template"));
    ask_put_text(body, call, "name");
    ask_put_text(body, call, "timezone");
    ask_put_list(body, call, "tag", "tags");
    if (option_given(call, "token-from"))
        return add_with_token(call, body, option_text(call, "token-from"));
    rc = ask_for(call, "POST", "/devices", NULL, body, &answer);
    if (rc != CLI_OK && path)
        (void)unlink(path);
    return rc == CLI_OK ? keep(call, answer) : rc;
}

/* The file holds the old token, which is worth nothing any more. */
static int run_token(const struct invocation *call)
{
    json_t *answer;
    int rc = ask_for(call, "POST", "/devices/", "/token", NULL, &answer);

    return rc == CLI_OK ? keep(call, answer) : rc;
}

static int run_revoke(const struct invocation *call)
{
    return ask(call, "DELETE", "/devices/", "/token", NULL);
}

static const struct option add_options[] = {
    {"template", 't', "TEMPLATE", "the product it is one of", OPTION_REQUIRED},
    {"name", 'n', "NAME", "what people call it", 0},
    {"tag", 0, "TAG", "a word that filters can ask for", OPTION_REPEATED},
    {"timezone", 0, "ZONE", "where it stands, as Europe/Berlin", 0},
    {"token-file", 0, "FILE", "write the token into a new file (mode 0600), for tandem-ncp", 0},
    {"token-from", 0, "FILE", "it has a token already, the first line of this file", 0},
    {0},
};

static const struct option token_options[] = {
    {"token-file", 0, "FILE", "write the token into this file (mode 0600), for tandem-ncp", 0},
    {0},
};

ASK_COMMAND(device_add, "device add", "", "add a device; its token is shown this once", add_options, run_add);
ASK_COMMAND(device_token, "device token", "ID",
            "give a device a new token; the old one stops working at once", token_options, run_token);
ASK_COMMAND(device_revoke, "device revoke", "ID",
            "end a device's token; it stays away until it gets a new one", NULL, run_revoke);
