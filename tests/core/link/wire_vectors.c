/* See wire_vectors.h. */
#include "tests/core/link/wire_vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char line[16384];
static char *rest;

FILE *vectors_open(const char *name)
{
    char path[1024];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", TDM_VECTORS, name);
    file = fopen(path, "r");
    if (file == NULL)
        fail_msg("%s is missing; tests/python/wire_vectors.py makes it", path);
    return file;
}

int vectors_next(FILE *file)
{
    do {
        if (fgets(line, sizeof line, file) == NULL)
            return 0;
    } while (line[0] == '#');
    line[strcspn(line, "\n")] = 0;
    rest = line;
    return 1;
}

const char *vectors_field(void)
{
    char *field = rest;

    if (field == NULL)
        return NULL;
    rest = strchr(field, ' ');
    if (rest != NULL)
        *rest++ = 0;
    return strcmp(field, "-") == 0 ? "" : field;
}

long vectors_number(void)
{
    return strtol(vectors_field(), NULL, 10);
}

size_t vectors_bytes_of(const char *hex, uint8_t *out, size_t capacity)
{
    size_t count = strlen(hex) / 2;

    assert_true(count <= capacity);
    for (size_t i = 0; i < count; i++) {
        char digits[3] = {hex[2 * i], hex[2 * i + 1], 0};

        out[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return count;
}

size_t vectors_bytes(uint8_t *out, size_t capacity)
{
    return vectors_bytes_of(vectors_field(), out, capacity);
}
