#include "cli/rest/ask.h"

#include <stdlib.h>
#include <string.h>

#include "cli/base/output.h"
#include "cli/base/show.h"
#include "cli/rest/rest.h"

static char *path_of(const struct rest *rest, const struct invocation *call, const char *prefix,
                     const char *suffix)
{
    return suffix ? rest_path(rest, prefix, call->argument[0], suffix) : rest_path(rest, prefix, "", "");
}

/* Where there is no such thing: what there is, by the path's first part, "/devices/". */
static int say_refusal(int rc, const char *why, const char *prefix, const char *suffix)
{
    int length = (int)strcspn(prefix + 1, "/");

    if (rc != CLI_FAILED || !suffix)
        return output_fail(rc, "%s", why);
    length -= prefix[length] == 's';
    return output_fail(rc, "%s; `tandem %.*s list` shows what there is", why, length, prefix + 1);
}

int ask_for(const struct invocation *call, const char *method, const char *prefix, const char *suffix,
            json_t *body, json_t **answer)
{
    struct rest rest;
    char why[REST_WHY_BYTES];
    int rc = rest_open(&rest, call);

    *answer = NULL;
    if (rc == CLI_OK) {
        char *path = path_of(&rest, call, prefix, suffix);
        rc = rest_request_quietly(&rest, method, path, body, answer, why);
        free(path);
        if (rc != CLI_OK)
            rc = say_refusal(rc, why, prefix, suffix);
    }
    json_decref(body);
    rest_close(&rest);
    return rc;
}

int ask(const struct invocation *call, const char *method, const char *prefix, const char *suffix,
        json_t *body)
{
    json_t *answer;
    int rc = ask_for(call, method, prefix, suffix, body, &answer);

    return rc == CLI_OK && answer ? show_fields(call, answer) : rc;
}

int ask_list(const struct invocation *call, const char *prefix, const char *suffix, const char *member,
             const struct column *columns)
{
    struct rest rest;
    json_t *answer;
    int rc = rest_open(&rest, call);

    if (rc == CLI_OK) {
        char *path = path_of(&rest, call, prefix, suffix);
        rc = rest_list(&rest, path, member, &answer);
        free(path);
    }
    rest_close(&rest);
    return rc == CLI_OK ? show_list(call, columns, member, answer) : rc;
}

void ask_put_text(json_t *body, const struct invocation *call, const char *name)
{
    if (option_given(call, name))
        json_object_set_new(body, name, json_string(option_text(call, name)));
}

void ask_put_list(json_t *body, const struct invocation *call, const char *option, const char *member)
{
    json_t *list = json_array();
    const char *text;

    for (size_t i = 0; (text = option_text_at(call, option, i)) != NULL; i++)
        json_array_append_new(list, json_string(text));
    if (json_array_size(list) > 0)
        json_object_set(body, member, list);
    json_decref(list);
}

int ask_put_number(json_t *body, const struct invocation *call, const char *name, uint32_t max)
{
    uint32_t number = 0;
    int rc = option_number(call, name, max, &number);

    if (rc == CLI_OK && option_given(call, name))
        json_object_set_new(body, name, json_integer(number));
    return rc;
}

int ask_put_disabled(json_t *body, const struct invocation *call)
{
    bool disable = option_given(call, "disable");
    bool enable = option_given(call, "enable");

    if (disable && enable)
        return output_fail(CLI_USAGE, "--disable or --enable, not both; see: tandem help %s",
                           call->command->name);
    if (disable || enable)
        json_object_set_new(body, "disabled", json_boolean(disable));
    return CLI_OK;
}

int ask_change(const struct invocation *call, const char *prefix, json_t *body, int rc)
{
    if (rc == CLI_OK && json_object_size(body) == 0)
        rc = output_fail(CLI_USAGE, "nothing to change, give an option; see: tandem help %s",
                         call->command->name);
    if (rc != CLI_OK) {
        json_decref(body);
        return rc;
    }
    return ask(call, "PATCH", prefix, call->argument_count > 0 ? "" : NULL, body);
}
