#include "cli/base/output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_BYTES 8192 /* room for the longest path and what is said about it */

void output_put(FILE *to, const char *text, int columns)
{
    const unsigned char *at = (const unsigned char *)text;

    for (; *at; at++) {
        bool continues = (*at & 0xC0) == 0x80;
        bool steers = *at < 0x20 || *at == 0x7F || (*at == 0xC2 && at[1] < 0xA0 && at[1] != '\0');

        if (!continues && columns-- == 0)
            return;
        fputc(steers ? '?' : *at, to);
        at += steers && *at == 0xC2;
    }
}

char *output_fit(char *to, const char *text, int columns)
{
    char *end = to;

    for (; *text && (columns > 0 || (*text & 0xC0) == 0x80); text++) {
        columns -= (*text & 0xC0) != 0x80;
        *end++ = *text;
    }
    for (; columns > 0; columns--)
        *end++ = ' ';
    *end = '\0';
    return to;
}

static void say(const char *prefix, const char *format, va_list arguments)
{
    char text[MESSAGE_BYTES];

    fflush(stdout);
    vsnprintf(text, sizeof text, format, arguments);
    fputs(prefix, stderr);
    output_put(stderr, text, -1);
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

int output_finish(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return CLI_OK;
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
