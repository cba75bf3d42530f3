/* tandem key: the public signing keys that the server knows, so that it can say who signed a package. */
#include <string.h>

#include "cli/base/commands.h"
#include "cli/base/files.h"
#include "cli/base/output.h"
#include "cli/base/show.h"
#include "cli/rest/ask.h"

static const struct column key_columns[] = {
    {"id", "ID"}, {"name", "NAME"}, {"key_id", "KEY ID"}, {"created", "CREATED"}, {NULL, NULL}};

static int run_list(const struct invocation *call)
{
    return ask_list(call, "/keys", NULL, "keys", key_columns);
}

/* The file as a JSON text. A private key does not leave this machine. */
static int read_public(const char *path, json_t **pem)
{
    static const char private[] = "PRIVATE KEY";
    struct file_bytes file;
    int rc = file_read(&file, path);

    *pem = NULL;
    if (rc == CLI_OK && memmem(file.data, file.size, private, sizeof private - 1))
        rc =
            output_fail(CLI_FAILED, "%s: a private key stays with whoever signs; give the public one, %s.pub",
                        path, path);
    else if (rc == CLI_OK && !(*pem = json_stringn((const char *)file.data, file.size)))
        rc = output_fail(CLI_FAILED, "%s: not a key in PEM; give the .pub file that `tandem keygen` wrote",
                         path);
    file_free(&file);
    return rc;
}

static int run_add(const struct invocation *call)
{
    json_t *pem;
    int rc = read_public(call->argument[0], &pem);

    if (rc != CLI_OK)
        return rc;
    return ask(call, "POST", "/keys", NULL,
               json_pack("{s:s, s:o}", "name", option_text(call, "name"), "pem", pem));
}

static int run_delete(const struct invocation *call)
{
    return ask(call, "DELETE", "/keys/", "", NULL);
}

static const struct option add_options[] = {
    {"name", 'n', "NAME", "what packages are said to be signed by", OPTION_REQUIRED},
    {0},
};

ASK_COMMAND(key_list, "key list", "", "list the signing keys that the server knows", NULL, run_list);
ASK_COMMAND(key_add, "key add", "FILE.pub", "make a public signing key known to the server", add_options,
            run_add);
ASK_COMMAND(key_delete, "key delete", "ID", "forget a signing key; devices go on trusting theirs", NULL,
            run_delete);
