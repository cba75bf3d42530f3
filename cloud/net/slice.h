/* A piece of a text that somebody else holds, without a NUL behind it, and the cuts that the grammars of HTTP
 * are made of. */
#ifndef TANDEM_CLOUD_SLICE_H
#define TANDEM_CLOUD_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
    const char *at;
    size_t bytes;
};

struct slice slice_of(const char *text);

/* Is it this word, to the letter, or in any case? */
bool slice_is(struct slice text, const char *word);
bool slice_is_in_any_case(struct slice text, const char *word);

/* Cuts text behind the first separator; before is what stood ahead of it. False if there is none. */
bool slice_cut(struct slice *text, char separator, struct slice *before);
/* The piece up to the separator, or all that is left; false once that was given, and text->at is NULL. */
bool slice_next(struct slice *text, char separator, struct slice *piece);
/* Without the spaces and tabs around it. */
struct slice slice_trim(struct slice text);

/* As a string of its own. False if it does not fit. */
bool slice_copy(struct slice text, char *to, size_t capacity);
/* Digits only, 18 at most; -1 for anything else. */
int64_t slice_number(struct slice text);

#endif
