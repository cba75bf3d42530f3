/* Filters over devices, as people write them:
 *
 *     template=TMPL0vFkFmJM7 version<1.2.0 online=yes name~"pump" tag=canary
 *
 * Terms stand side by side and must all hold; a word without an operator is looked for in the name. The
 * fields are one table, which docs/API.md repeats. */
#ifndef TANDEM_CLOUD_FILTER_H
#define TANDEM_CLOUD_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "cloud/store/records.h"

#define FILTER_TERMS_MAX 12

/* X(NAME, word, text): every field that a term can name. */
#define FILTER_FIELDS(X)                                                                                     \
    X(ID, "id", "the device's id")                                                                           \
    X(NAME, "name", "its name")                                                                              \
    X(TEMPLATE, "template", "its template")                                                                  \
    X(TYPE, "type", "firmware type")                                                                         \
    X(VERSION, "version", "firmware version; < <= > >= compare as versions")                                 \
    X(BUILD, "build", "build date, as the device says it")                                                   \
    X(LIBRARY, "library", "version of its library; < <= > >= compare as versions")                           \
    X(HARDWARE, "hardware", "hardware id")                                                                   \
    X(DIGEST, "digest", "image digest, 64 hex digits")                                                       \
    X(TAG, "tag", "one of its tags")                                                                         \
    X(ZONE, "timezone", "its time zone")                                                                     \
    X(ONLINE, "online", "yes or no")                                                                         \
    X(STATE, "state", "confirmed, trial or unknown")                                                         \
    X(META, "meta", "meta.NAME: a metadata of the device; a name with spaces stands in quotes")

#define FILTER_WHY 256 /* room for what filter_parse says */

enum filter_field {
#define FILTER_FIELD_ENUM(name, word, text) FILTER_##name,
    FILTER_FIELDS(FILTER_FIELD_ENUM)
#undef FILTER_FIELD_ENUM
};

enum filter_op {
    FILTER_IS,
    FILTER_IS_NOT,
    FILTER_HAS,
    FILTER_BELOW,
    FILTER_UP_TO,
    FILTER_ABOVE,
    FILTER_FROM
};

struct filter_term {
    enum filter_field field;
    enum filter_op op;
    char name[RECORD_TEXT]; /* of FILTER_META */
    char value[RECORD_NAME];
};

struct filter {
    size_t count;
    struct filter_term terms[FILTER_TERMS_MAX];
};

/* "" is the filter that all devices match. False if text is no filter; why says where and what to do. */
bool filter_parse(struct filter *filter, const char *text, char *why, size_t capacity);

/* Where metadata come from: to gets the text of one, or stays "". */
struct filter_meta {
    void (*get)(void *ctx, int64_t device, const char *name, char *to, size_t capacity);
    void *ctx;
};

/* meta may be NULL: no device has any. */
bool filter_matches(const struct filter *filter, const struct device *device, const struct filter_meta *meta);

/* The value of a term FIELD=VALUE, NULL if there is none: what an index can help with. */
const char *filter_exact(const struct filter *filter, enum filter_field field);

#endif
