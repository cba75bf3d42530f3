#include "cloud/fleet/rules/filter.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cloud/fleet/rules/version.h"
#include "cloud/text.h"

static const char *const words[] = {
#define FILTER_WORD(name, word, text) word,
    FILTER_FIELDS(FILTER_WORD)
#undef FILTER_WORD
};

static const char no_such_field[] = "there is no such field. Fields are"
#define FILTER_LISTED(name, word, text) " " word
    FILTER_FIELDS(FILTER_LISTED)
#undef FILTER_LISTED
        ".NAME";

/* Longer ones first. */
static const struct {
    const char *text;
    enum filter_op op;
} ops[] = {
    {"!=", FILTER_IS_NOT}, {"<=", FILTER_UP_TO}, {">=", FILTER_FROM}, {"=", FILTER_IS},
    {":", FILTER_IS},      {"~", FILTER_HAS},    {"<", FILTER_BELOW}, {">", FILTER_ABOVE},
};
#define OPS (sizeof ops / sizeof ops[0])

/* --- Reading --- */

static bool refuse(char *why, size_t capacity, const char *text, const char *at)
{
    snprintf(why, capacity, "at \"%.40s\": %s", at, text);
    return false;
}

/* ".NAME" or ".\"NAME\"" */
static bool read_meta_name(const char **text, struct filter_term *term)
{
    if (**text != '.')
        return false;
    bool quoted = *++*text == '"';
    *text += quoted;
    size_t bytes = strcspn(*text, quoted ? "\"" : "=:!~<> \t\"");
    if (bytes == 0 || bytes >= sizeof term->name || (quoted && (*text)[bytes] != '"'))
        return false;
    memcpy(term->name, *text, bytes);
    term->name[bytes] = '\0';
    *text += bytes + quoted;
    return true;
}

static bool read_field(const char **text, struct filter_term *term)
{
    size_t bytes = strspn(*text, "abcdefghijklmnopqrstuvwxyz");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(words[i]) == bytes && memcmp(words[i], *text, bytes) == 0) {
            term->field = (enum filter_field)i;
            *text += bytes;
            return term->field != FILTER_META || read_meta_name(text, term);
        }
    }
    return false;
}

static bool read_op(const char **text, struct filter_term *term)
{
    for (size_t i = 0; i < OPS; i++) {
        size_t bytes = strlen(ops[i].text);
        if (strncmp(*text, ops[i].text, bytes) == 0) {
            term->op = ops[i].op;
            *text += bytes;
            return true;
        }
    }
    return false;
}

/* A word, or anything in quotes. */
static bool read_value(const char **text, struct filter_term *term)
{
    bool quoted = **text == '"';
    const char *from = *text + quoted;
    size_t bytes = strcspn(from, quoted ? "\"" : " \t\"");
    if ((quoted && from[bytes] != '"') || bytes >= sizeof term->value || (!quoted && bytes == 0))
        return false;
    memcpy(term->value, from, bytes);
    term->value[bytes] = '\0';
    *text = from + bytes + quoted;
    return **text == '\0' || **text == ' ' || **text == '\t';
}

static bool is_one_of(const char *value, const char *const *list)
{
    while (*list != NULL && strcmp(*list, value) != 0)
        list++;
    return *list != NULL;
}

/* What the grammar allows and the field does not. */
static const char *objection(const struct filter_term *term)
{
    static const char *const yes_no[] = {"yes", "no", NULL};
    static const char *const states[] = {"confirmed", "trial", "unknown", NULL};
    int order;
    bool plain = term->op == FILTER_IS || term->op == FILTER_IS_NOT;
    switch (term->field) {
    case FILTER_VERSION:
    case FILTER_LIBRARY:
        return term->op > FILTER_HAS && !version_compare(term->value, "0", &order)
                   ? "< and > need a version as 1.2.3"
                   : NULL;
    case FILTER_ONLINE:
        return plain && is_one_of(term->value, yes_no) ? NULL : "online takes =yes or =no";
    case FILTER_STATE:
        return plain && is_one_of(term->value, states) ? NULL : "state takes =confirmed, =trial or =unknown";
    case FILTER_ID:
        return plain && text_id_parse('d', term->value) != 0 ? NULL : "id takes =ID, as d17";
    default:
        return term->op > FILTER_HAS ? "< and > work on version and library only" : NULL;
    }
}

/* One term; a word alone is looked for in the name. */
static bool read_term(const char **text, struct filter_term *term, char *why, size_t capacity)
{
    const char *start = *text;
    if (read_field(text, term) && read_op(text, term)) {
        if (!read_value(text, term))
            return refuse(why, capacity, "a value must stand behind the operator, in quotes if it has spaces",
                          start);
    } else {
        *text = start;
        *term = (struct filter_term){.field = FILTER_NAME, .op = FILTER_HAS};
        bool word = strcspn(start, "=<>~:!") >= strcspn(start, " \t\"") || *start == '"';
        if (!word)
            return refuse(why, capacity, no_such_field, start);
        if (!read_value(text, term))
            return refuse(why, capacity, "a quote is not closed, or a word is too long", start);
    }
    const char *wrong = objection(term);
    return wrong == NULL || refuse(why, capacity, wrong, start);
}

bool filter_parse(struct filter *filter, const char *text, char *why, size_t capacity)
{
    *filter = (struct filter){0};
    for (;;) {
        text += strspn(text, " \t");
        if (*text == '\0')
            return true;
        if (filter->count == FILTER_TERMS_MAX)
            return refuse(why, capacity, "a filter may have 12 terms at most", text);
        if (!read_term(&text, &filter->terms[filter->count++], why, capacity))
            return false;
    }
}

const char *filter_exact(const struct filter *filter, enum filter_field field)
{
    for (size_t i = 0; i < filter->count; i++) {
        if (filter->terms[i].field == field && filter->terms[i].op == FILTER_IS)
            return filter->terms[i].value;
    }
    return NULL;
}

/* --- Matching --- */

/* ASCII letters match in either case. */
static bool contains(const char *text, const char *part)
{
    size_t bytes = strlen(part);
    for (; *text != '\0' || bytes == 0; text++) {
        size_t i = 0;
        while (i < bytes && tolower((unsigned char)text[i]) == tolower((unsigned char)part[i]))
            i++;
        if (i == bytes)
            return true;
    }
    return false;
}

static bool test_text(const struct filter_term *term, const char *text)
{
    switch (term->op) {
    case FILTER_IS:
        return strcmp(text, term->value) == 0;
    case FILTER_IS_NOT:
        return strcmp(text, term->value) != 0;
    default:
        return contains(text, term->value);
    }
}

static bool test_version(const struct filter_term *term, const char *version)
{
    int order;
    if (term->op <= FILTER_HAS)
        return test_text(term, version);
    if (!version_compare(version, term->value, &order))
        return false;
    switch (term->op) {
    case FILTER_BELOW:
        return order < 0;
    case FILTER_UP_TO:
        return order <= 0;
    case FILTER_ABOVE:
        return order > 0;
    default:
        return order >= 0;
    }
}

static bool has_tag(const char *tags, const struct filter_term *term)
{
    bool found = false;
    for (const char *tag = tags; *tag != '\0' && !found;) {
        size_t bytes = strcspn(tag, ",");
        char one[RECORD_TAGS];
        snprintf(one, sizeof one, "%.*s", (int)bytes, tag);
        found = term->op == FILTER_HAS ? contains(one, term->value) : strcmp(one, term->value) == 0;
        tag += bytes + (tag[bytes] == ',');
    }
    return found != (term->op == FILTER_IS_NOT);
}

static bool test_meta(const struct filter_term *term, const struct device *device,
                      const struct filter_meta *meta)
{
    char text[RECORD_NAME] = "";
    if (meta != NULL)
        meta->get(meta->ctx, device->id, term->name, text, sizeof text);
    return test_text(term, text);
}

static bool test(const struct filter_term *term, const struct device *device, const struct filter_meta *meta)
{
    static const char *const states[] = {"unknown", "confirmed", "trial"};
    char text[2 * RECORD_DIGEST_BYTES + 1] = "";
    switch (term->field) {
    case FILTER_ID:
        return test_text(term, text_id('d', device->id, text));
    case FILTER_NAME:
        return test_text(term, device->name);
    case FILTER_TEMPLATE:
        return test_text(term, device->template);
    case FILTER_TYPE:
        return test_text(term, device->type);
    case FILTER_VERSION:
        return test_version(term, device->version);
    case FILTER_BUILD:
        return test_text(term, device->build);
    case FILTER_LIBRARY:
        return test_version(term, device->library);
    case FILTER_HARDWARE:
        return test_text(term, device->hardware);
    case FILTER_DIGEST:
        return test_text(term,
                         device->digest_known ? text_hex(device->digest, RECORD_DIGEST_BYTES, text) : text);
    case FILTER_TAG:
        return has_tag(device->tags, term);
    case FILTER_ZONE:
        return test_text(term, device->zone);
    case FILTER_ONLINE:
        return ((device->presence != DEVICE_OFFLINE) == (term->value[0] == 'y')) == (term->op == FILTER_IS);
    case FILTER_STATE:
        return test_text(term, states[device->state]);
    case FILTER_META:
        return test_meta(term, device, meta);
    }
    return false;
}

bool filter_matches(const struct filter *filter, const struct device *device, const struct filter_meta *meta)
{
    for (size_t i = 0; i < filter->count; i++) {
        if (!test(&filter->terms[i], device, meta))
            return false;
    }
    return true;
}
