/* tandem keygen: a new signing key. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/commands.h"
#include "cli/base/files.h"
#include "cli/base/options.h"
#include "cli/base/show.h"
#include "cli/package/sign.h"

static int run(const struct invocation *call)
{
    const char *path = call->argument[0];
    size_t room = strlen(path) + sizeof ".pub";
    char *public_path = memory_take(room);
    char id[KEY_ID_TEXT_BYTES];
    struct signing_key key;
    int rc;

    snprintf(public_path, room, "%s.pub", path);
    rc = signing_key_make(&key, path, public_path);
    if (rc == CLI_OK)
        rc = show_fields(call, json_pack("{s:s, s:s, s:s}", "key_id", key_id_text(id, key.public_half.id),
                                         "private_key", path, "public_key", public_path));
    signing_key_free(&key);
    free(public_path);
    return rc;
}

const struct command command_keygen = {
    .name = "keygen",
    .arguments = "FILE",
    .summary = "make a signing key: FILE is private, FILE.pub goes into devices",
    .details =
        "An ECDSA P-256 key in PEM. Neither file is ever overwritten. Keep FILE off the server: who has\n"
        "it can make firmware that your devices run. Prints the key's id, by which packages name it.\n",
    .uses = USES_JSON,
    .run = run,
};
