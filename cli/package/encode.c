/* tandem encode: a package that is signed already, compressed or as a difference to another. */
#include "cli/package/encode.h"

#include <stdio.h>
#include <string.h>

#include "cli/base/commands.h"
#include "cli/base/options.h"
#include "cli/base/output.h"
#include "cli/base/progress.h"
#include "cli/base/show.h"
#include "delta/package.h"

const char *encoding_name(uint8_t encoding)
{
    return encoding == TDM_ENCODING_PLAIN ? "plain" : "lzma-framed";
}

static void show(void *ctx, uint64_t done, uint64_t total)
{
    progress_show(ctx, done, total);
}

/* What can't be, in words: the error of a delta says too little. */
static int fail(const char *path, int error)
{
    switch (error) {
    case TDM_E_ENCODING:
        return output_fail(CLI_FAILED,
                           "%s: package and base must be plain ones, as `tandem pack` makes them without "
                           "--compress and --base",
                           path);
    case TDM_E_ROOM:
        return output_fail(CLI_FAILED, "%s: not enough memory to encode it", path);
    case TDM_E_SIZE:
        return output_fail(CLI_FAILED,
                           "%s: an image of more than %u MiB is not encoded; ship the plain package", path,
                           DELTA_IMAGE_BYTES_MAX >> 20);
    default:
        return package_fail(path, error);
    }
}

/* The same parts, held against the same name: a delta to another product would only waste a transfer. */
static int check_pair(const struct package *package, const struct package *base,
                      const struct invocation *call)
{
    const char *path = option_text(call, "base");

    if (strcmp(package->manifest.hardware, base->manifest.hardware) != 0)
        return output_fail(CLI_FAILED,
                           "%s: for hardware %s, and the new package is for %s: no device runs both", path,
                           base->manifest.hardware, package->manifest.hardware);
    if (memcmp(package->manifest.image_digest, base->manifest.image_digest, TDM_SHA256_BYTES) == 0)
        return output_fail(CLI_FAILED,
                           "%s: holds the very image that the new package has: there is no difference", path);
    return CLI_OK;
}

static int make(struct file_bytes *file, const struct package *package, const struct package *base)
{
    struct delta_package plain;
    struct delta_package plain_base;
    struct progress bar;
    int error = delta_package_open(&plain, package->file.data, package->file.size);

    if (error == TDM_OK && base)
        error = delta_package_open(&plain_base, base->file.data, base->file.size);
    if (error != TDM_OK)
        return error;
    progress_start(&bar, "encoding");
    error = delta_package_encode(&file->data, &file->size, &plain, base ? &plain_base : NULL, show, &bar);
    progress_end(&bar);
    return error;
}

int package_encode(struct package *package, const struct package *base, const struct invocation *call)
{
    struct package encoded = {.head = NULL};
    int error;

    if (base && check_pair(package, base, call) != CLI_OK)
        return CLI_FAILED;
    error = make(&encoded.file, package, base);
    if (error == TDM_OK)
        error = package_parse(&encoded);
    if (error == TDM_OK)
        error = package_check_content(&encoded, base);
    if (error != TDM_OK) {
        package_close(&encoded);
        return fail(call->argument[0], error);
    }
    if (encoded.file.size >= package->file.size)
        output_warn("%s: %zu bytes encoded, and %zu as the plain package: ship that", call->argument[0],
                    encoded.file.size, package->file.size);
    package_close(package);
    *package = encoded;
    return CLI_OK;
}

/* --- The command --- */

static int report(const struct invocation *call, const struct package *package, size_t plain_bytes)
{
    char saved[16];

    snprintf(saved, sizeof saved, "%.1f %%",
             100.0 - 100.0 * (double)package->file.size / (double)plain_bytes);
    return show_fields(call, json_pack("{s:s, s:I, s:I, s:s}", "file", option_text(call, "output"),
                                       "package_bytes", (json_int_t)package->file.size, "plain_bytes",
                                       (json_int_t)plain_bytes, "saved", saved));
}

static int run(const struct invocation *call)
{
    struct package package;
    struct package base;
    size_t plain_bytes = 0;
    int rc = package_open(&package, call->argument[0]);
    int opened = package_open_base(&base, call);

    rc = rc == CLI_OK ? opened : rc;
    if (rc == CLI_OK) {
        plain_bytes = package.file.size;
        rc = package_encode(&package, base.head ? &base : NULL, call);
    }
    if (rc == CLI_OK)
        rc = file_write_output(option_text(call, "output"), package.file.data, package.file.size);
    if (rc == CLI_OK)
        rc = report(call, &package, plain_bytes);
    package_close(&package);
    package_close(&base);
    return rc;
}

static const struct option options[] = {
    {"output", 'o', "FILE.tdm", "the encoded package", OPTION_REQUIRED},
    {"base", 0, "OLD.tdm", "send the difference to this package's image, which devices must run", 0},
    {0},
};

const struct command command_encode = {
    .name = "encode",
    .arguments = "FILE.tdm",
    .summary = "compress a signed package, or make a delta of it",
    .details =
        "The signature stays as it is, so no key is needed. Devices whose bootloader or application has the\n"
        "decoder take the result like the plain package; a delta only while they run its base.\n",
    .options = options,
    .uses = USES_JSON,
    .run = run,
};
