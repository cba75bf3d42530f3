#include "cli/base/show.h"

#include <stdio.h>
#include <string.h>

#include "cli/base/member.h"
#include "cli/base/options.h"
#include "cli/base/output.h"

int show_json(json_t *value)
{
    if (!value)
        return output_fail(CLI_FAILED, "out of memory");
    json_dumpf(value, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    putchar('\n');
    json_decref(value);
    return CLI_OK;
}

const char *show_text(const json_t *value, char *text, size_t bytes)
{
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_STRING:
        return json_string_value(value);
    case JSON_INTEGER:
        snprintf(text, bytes, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return text;
    case JSON_REAL:
        snprintf(text, bytes, "%g", json_real_value(value));
        return text;
    case JSON_TRUE:
        return "yes";
    case JSON_FALSE:
        return "no";
    default:
        return "-";
    }
}

/* "key_id" as "key id". */
static void print_label(const char *key, int width)
{
    int length = 0;

    for (; key[length]; length++)
        putchar(key[length] == '_' ? ' ' : key[length]);
    printf("%*s", width - length + 2, "");
}

json_t *show_words(const json_t *list)
{
    json_t *words = json_null();
    size_t i;
    const json_t *value;

    json_array_foreach(list, i, value)
    {
        const char *word = json_string_value(value);
        json_t *longer;

        if (word) {
            longer = json_is_null(words) ? json_string(word)
                                         : json_sprintf("%s, %s", json_string_value(words), word);
            json_decref(words);
            words = longer;
        }
    }
    return words;
}

static void print_value(const char *label, int width, const json_t *value)
{
    json_t *words = json_is_array(value) ? show_words(value) : NULL;
    char text[32];

    print_label(label, width);
    output_put(stdout, show_text(words ? words : value, text, sizeof text), -1);
    putchar('\n');
    json_decref(words);
}

static bool is_shown(const json_t *value)
{
    return !json_is_null(value) && (!json_is_array(value) || json_is_string(json_array_get(value, 0)));
}

static void print_members(const json_t *object, int indent)
{
    int width = 0;
    const char *key;
    const json_t *value;
    json_t *walk = (json_t *)object;

    json_object_foreach(walk, key, value)
    {
        width = (int)strlen(key) > width && !json_is_object(value) ? (int)strlen(key) : width;
    }
    json_object_foreach(walk, key, value)
    {
        if (!is_shown(value))
            continue;
        printf("%*s", indent, "");
        if (json_is_object(value)) {
            output_put(stdout, key, -1);
            putchar('\n');
            print_members(value, indent + 2);
        } else {
            print_value(key, width, value);
        }
    }
}

int show_fields(const struct invocation *call, json_t *object)
{
    if (!object || option_given(call, "json"))
        return show_json(object);
    print_members(object, 0);
    json_decref(object);
    return CLI_OK;
}

/* Characters of UTF-8 text, as a terminal counts them (near enough: none is wide). */
static int text_width(const char *text)
{
    int width = 0;

    for (; *text; text++)
        width += (*text & 0xC0) != 0x80;
    return width;
}

static int column_width(const struct column *column, const json_t *rows)
{
    int width = text_width(column->heading);
    size_t i;
    const json_t *row;
    char text[32];

    json_array_foreach(rows, i, row)
    {
        int cell = text_width(show_text(member_find(row, column->member), text, sizeof text));
        width = cell > width ? cell : width;
    }
    return width;
}

static void print_cell(const char *text, int width, bool last)
{
    output_put(stdout, text, -1);
    if (last)
        putchar('\n');
    else
        printf("%*s", width - text_width(text) + 2, "");
}

void show_table(const struct column *columns, const json_t *rows)
{
    size_t i;
    const json_t *row;
    char text[32];

    for (const struct column *c = columns; c->member; c++)
        print_cell(c->heading, column_width(c, rows), !c[1].member);
    json_array_foreach(rows, i, row)
    {
        for (const struct column *c = columns; c->member; c++)
            print_cell(show_text(member_find(row, c->member), text, sizeof text), column_width(c, rows),
                       !c[1].member);
    }
}

int show_list(const struct invocation *call, const struct column *columns, const char *member, json_t *answer)
{
    if (option_given(call, "json"))
        return show_json(answer);
    show_table(columns, json_object_get(answer, member));
    json_decref(answer);
    return CLI_OK;
}
