#include "cli/output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"

static void say(const char *prefix, const char *format, va_list arguments)
{
    fflush(stdout);
    fputs(prefix, stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

int output_fail(int code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say("tandem: ", format, arguments);
    va_end(arguments);
    return code;
}

void output_warn(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say("tandem: warning: ", format, arguments);
    va_end(arguments);
}

int output_json(json_t *value)
{
    if (!value) {
        return output_fail(CLI_FAILED, "out of memory");
    }
    json_dumpf(value, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    putchar('\n');
    json_decref(value);
    return CLI_OK;
}

int output_finish(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) {
        return CLI_OK;
    }
    return output_fail(CLI_FAILED, "standard output could not be written: %s", strerror(errno));
}

char *output_hex(char *text, const uint8_t *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < count; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * count] = '\0';
    return text;
}
