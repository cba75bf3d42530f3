#include "cli/board/layout.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "cli/base/files.h"
#include "cli/base/options.h"
#include "cli/base/output.h"

/* Reading one file. The first error is printed; after it every get_... returns false. */
struct reader {
    const char *path;
    bool failed;
};

static bool fail(struct reader *in, const char *key, const char *what)
{
    if (!in->failed)
        output_fail(CLI_FAILED, "%s: \"%s\" %s; docs/LAYOUT.md has the format", in->path, key, what);
    in->failed = true;
    return false;
}

static bool get_number(struct reader *in, const json_t *object, const char *key, uint32_t *value)
{
    const json_t *found = json_object_get(object, key);

    if (!found)
        return fail(in, key, "is missing");
    if (json_is_string(found) && number_parse(json_string_value(found), UINT32_MAX, value))
        return true;
    if (json_is_integer(found) && json_integer_value(found) >= 0 && json_integer_value(found) <= UINT32_MAX) {
        *value = (uint32_t)json_integer_value(found);
        return true;
    }
    return fail(in, key, "is not a number from 0 to 0xFFFFFFFF");
}

static bool get_region(struct reader *in, const json_t *object, const char *key, struct tdm_region *region)
{
    if (!json_is_object(object))
        return fail(in, key, "is not an object with \"address\" and \"bytes\"");
    return get_number(in, object, "address", &region->address) &&
           get_number(in, object, "bytes", &region->bytes);
}

static bool get_optional_region(struct reader *in, const json_t *root, const char *key,
                                struct tdm_region *region)
{
    const json_t *object = json_object_get(root, key);

    return !object || get_region(in, object, key, region);
}

/* An array of least to 2 regions. */
static bool get_regions(struct reader *in, const json_t *root, const char *key, size_t least,
                        struct tdm_region region[2])
{
    const json_t *array = json_object_get(root, key);
    size_t count = json_array_size(array);

    if (count < least || count > 2)
        return fail(in, key,
                    least == 2 ? "must be an array of two regions"
                               : "must be an array of one or two regions");
    for (size_t i = 0; i < count; i++) {
        if (!get_region(in, json_array_get(array, i), key, &region[i]))
            return false;
    }
    return true;
}

static bool get_name(struct reader *in, const json_t *root, char name[LAYOUT_NAME_MAX + 1])
{
    const char *text = json_string_value(json_object_get(root, "name"));

    if (!text || !text[0] || strlen(text) > LAYOUT_NAME_MAX)
        return fail(in, "name", "must be a text of 1 to 64 characters");
    if (text[strcspn(text, "\"\\*\n\r\t")])
        return fail(in, "name", "must hold no quotes, backslashes, asterisks or line ends");
    memcpy(name, text, strlen(text) + 1);
    return true;
}

static bool get_flash(struct reader *in, const json_t *root, struct board_layout *layout)
{
    const json_t *flash = json_object_get(root, "flash");
    const json_t *once = json_object_get(flash, "program_once");

    if (!get_region(in, flash, "flash", &layout->flash) ||
        !get_number(in, flash, "erase_bytes", &layout->erase_bytes) ||
        !get_number(in, flash, "program_bytes", &layout->program_bytes))
        return false;
    if (once && !json_is_boolean(once))
        return fail(in, "program_once", "must be true or false");
    layout->program_once = json_is_true(once);
    return true;
}

static bool get_all(struct reader *in, const json_t *root, struct board_layout *layout)
{
    const json_t *keys = json_object_get(root, "keys");
    struct tdm_layout *places = &layout->places;

    return get_name(in, root, layout->name) && get_flash(in, root, layout) &&
           get_optional_region(in, root, "bootloader", &layout->bootloader) &&
           (json_is_object(keys) || fail(in, "keys", "must be an object with \"address\"")) &&
           get_number(in, keys, "address", &places->keys_address) &&
           get_regions(in, root, "record", 2, places->record) &&
           get_regions(in, root, "banks", 1, places->bank) &&
           get_number(in, root, "header_bytes", &places->header_bytes) &&
           get_optional_region(in, root, "ram", &layout->ram);
}

int layout_load(struct board_layout *layout, const char *path)
{
    struct reader in = {path, false};
    struct file_bytes file;
    json_error_t error;
    json_t *root;

    memset(layout, 0, sizeof *layout);
    if (file_read(&file, path) != CLI_OK)
        return CLI_FAILED;
    root = json_loadb((const char *)file.data, file.size, JSON_REJECT_DUPLICATES, &error);
    file_free(&file);
    if (!root)
        return output_fail(CLI_FAILED, "%s: line %d: %s; a layout file is JSON, see docs/LAYOUT.md", path,
                           error.line, error.text);
    get_all(&in, root, layout);
    json_decref(root);
    return in.failed ? CLI_FAILED : layout_check(layout, path);
}
