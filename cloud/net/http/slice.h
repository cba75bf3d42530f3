/* A piece of a text that somebody else holds, without a NUL behind it, and the cuts that the grammars of HTTP
 * are made of. Inline: each header of each request is cut by them. */
#ifndef TANDEM_CLOUD_SLICE_H
#define TANDEM_CLOUD_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

struct slice {
    const char *at;
    size_t bytes;
};

static inline struct slice slice_of(const char *text)
{
    return (struct slice){text, strlen(text)};
}

/* Is it this word, to the letter? */
static inline bool slice_is(struct slice text, const char *word)
{
    return text.bytes == strlen(word) && memcmp(text.at, word, text.bytes) == 0;
}

/* Or in any case? */
static inline bool slice_is_in_any_case(struct slice text, const char *word)
{
    return text.bytes == strlen(word) && strncasecmp(text.at, word, text.bytes) == 0;
}

/* Cuts text behind the first separator; before is what stood ahead of it. False if there is none. */
static inline bool slice_cut(struct slice *text, char separator, struct slice *before)
{
    const char *found = memchr(text->at, separator, text->bytes);
    if (found == NULL)
        return false;
    *before = (struct slice){text->at, (size_t)(found - text->at)};
    text->bytes -= before->bytes + 1;
    text->at = found + 1;
    return true;
}

/* The piece up to the separator, or all that is left; false once that was given, and text->at is NULL. */
static inline bool slice_next(struct slice *text, char separator, struct slice *piece)
{
    if (text->at == NULL)
        return false;
    if (!slice_cut(text, separator, piece)) {
        *piece = *text;
        text->at = NULL;
    }
    return true;
}

/* Without the spaces and tabs around it. */
static inline struct slice slice_trim(struct slice text)
{
    while (text.bytes > 0 && (text.at[0] == ' ' || text.at[0] == '\t')) {
        text.at++;
        text.bytes--;
    }
    while (text.bytes > 0 && (text.at[text.bytes - 1] == ' ' || text.at[text.bytes - 1] == '\t'))
        text.bytes--;
    return text;
}

/* As a string of its own. False if it does not fit. */
static inline bool slice_copy(struct slice text, char *to, size_t capacity)
{
    if (text.bytes >= capacity)
        return false;
    memcpy(to, text.at, text.bytes);
    to[text.bytes] = '\0';
    return true;
}

/* Digits only, 18 at most; -1 for anything else. */
static inline int64_t slice_number(struct slice text)
{
    int64_t number = 0;
    if (text.bytes == 0 || text.bytes > 18)
        return -1;
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return -1;
        number = number * 10 + (text.at[i] - '0');
    }
    return number;
}

#endif
