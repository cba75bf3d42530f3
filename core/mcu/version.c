/* The order of versions (semver.org, 2.0.0, section 11). A file of its own: who does not ask pays nothing. */
#include "tandem/mcu.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool ends_field(char c)
{
    return c == '\0' || c == '.' || c == '-' || c == '+';
}

static size_t digits_at(const char *text)
{
    size_t count = 0;

    while (is_digit(text[count]))
        count++;
    return count;
}

/* Compares the numbers at *a and *b, of any length, and moves past them; no number counts as 0. */
static int compare_numbers(const char **a, const char **b)
{
    size_t a_digits, b_digits;
    int order;

    while (**a == '0')
        ++*a;
    while (**b == '0')
        ++*b;
    a_digits = digits_at(*a);
    b_digits = digits_at(*b);
    order = a_digits != b_digits ? (a_digits > b_digits ? 1 : -1) : memcmp(*a, *b, a_digits);
    *a += a_digits;
    *b += b_digits;
    return order;
}

static size_t field_length(const char *text)
{
    size_t length = 0;

    while (text[length] != '\0' && text[length] != '.' && text[length] != '+')
        length++;
    return length;
}

static int compare_texts(const char *a, size_t a_length, const char *b, size_t b_length)
{
    int order = memcmp(a, b, a_length < b_length ? a_length : b_length);

    if (order != 0 || a_length == b_length)
        return order;
    return a_length > b_length ? 1 : -1;
}

/* One dot-separated field of a pre-release: numbers by value and before texts. Moves past both. */
static int compare_fields(const char **a, const char **b)
{
    size_t a_length = field_length(*a), b_length = field_length(*b);
    bool a_number = a_length > 0 && digits_at(*a) == a_length;
    bool b_number = b_length > 0 && digits_at(*b) == b_length;
    int order;

    if (a_number && b_number)
        return compare_numbers(a, b);
    if (a_number != b_number)
        return a_number ? -1 : 1;
    order = compare_texts(*a, a_length, *b, b_length);
    *a += a_length;
    *b += b_length;
    return order;
}

/* a and b stand behind the numbers of the release: "", "-pre.1", "+build" or anything else. */
static int compare_prereleases(const char *a, const char *b)
{
    if (*a != '-' || *b != '-')
        return *a == '-' ? -1 : *b == '-' ? 1 : 0;
    for (;;) {
        int order;

        a++;
        b++;
        order = compare_fields(&a, &b);
        if (order != 0)
            return order;
        if (*a != '.' || *b != '.')
            return *a == '.' ? 1 : *b == '.' ? -1 : 0;
    }
}

int tdm_version_compare(const char *a, const char *b)
{
    for (;;) {
        int order = compare_numbers(&a, &b);

        if (order != 0)
            return order;
        if (!ends_field(*a) || !ends_field(*b))
            return strcmp(a, b);
        if (*a != '.' && *b != '.')
            return compare_prereleases(a, b);
        a += *a == '.';
        b += *b == '.';
    }
}
