#include "tests/core/image/vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct bytes bytes_copy(const void *data, size_t count)
{
    struct bytes copy = {malloc(count == 0 ? 1 : count), count};

    assert_non_null(copy.data);
    if (count > 0)
        memcpy(copy.data, data, count);
    return copy;
}

void free_bytes(struct bytes *bytes)
{
    free(bytes->data);
    bytes->data = NULL;
}

struct bytes read_vector(const char *name)
{
    static uint8_t content[1 << 18];
    char path[512];
    FILE *file;
    size_t count;

    snprintf(path, sizeof path, "%s/%s", TDM_VECTORS, name);
    file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("%s cannot be opened", path);
    count = fread(content, 1, sizeof content, file);
    fclose(file);
    assert_true(count < sizeof content);
    return bytes_copy(content, count);
}

struct bytes bytes_from_hex(const char *hex)
{
    size_t count = strcmp(hex, "-") == 0 ? 0 : strlen(hex) / 2;
    struct bytes bytes = bytes_copy(NULL, 0);
    size_t i;

    bytes.data = realloc(bytes.data, count == 0 ? 1 : count);
    assert_non_null(bytes.data);
    bytes.count = count;
    for (i = 0; i < count; i++) {
        unsigned value;

        assert_int_equal(sscanf(hex + 2 * i, "%2x", &value), 1);
        bytes.data[i] = (uint8_t)value;
    }
    return bytes;
}

void for_each_line(const char *name, void (*each)(char *line))
{
    struct bytes text = read_vector(name);
    char *line = (char *)text.data;
    char *end = line + text.count;

    while (line < end) {
        char *feed = memchr(line, '\n', (size_t)(end - line));

        assert_non_null(feed);
        *feed = '\0';
        each(line);
        line = feed + 1;
    }
    free_bytes(&text);
}

int error_code(const char *name)
{
    int code;

    for (code = 0; code > -100; code--) {
        if (strcmp(tdm_error_name(code), name) == 0)
            return code;
    }
    fail_msg("no error is called %s", name);
    return 0;
}

void read_keys(struct tdm_key_set *keys)
{
    struct bytes page = read_vector("keys.page");

    assert_int_equal(page.count, TDM_KEY_PAGE_BYTES);
    assert_int_equal(tdm_keys_parse(keys, page.data), TDM_OK);
    free_bytes(&page);
}

struct tdm_trust real_trust(const struct tdm_key_set *keys)
{
    struct tdm_trust trust = {keys, 0, false, tdm_p256_verify};

    return trust;
}

int feed_all(struct tdm_front *front, uint8_t buffer[TDM_PACKAGE_FRONT_MAX], const struct tdm_trust *trust,
             const struct bytes *package)
{
    size_t used;

    tdm_front_init(front, buffer);
    return tdm_front_feed(front, trust, package->data, package->count, &used);
}
