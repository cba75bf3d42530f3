#include "cloud/fleet/rules/version.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define NUMBERS 4

struct version {
    uint64_t number[NUMBERS];
    const char *pre; /* behind the "-", up to the "+" or the end */
    size_t pre_bytes;
};

static bool read_number(const char **text, size_t digits_max, uint64_t *number)
{
    const char *p = *text;
    *number = 0;
    for (; isdigit((unsigned char)*p); p++)
        *number = *number * 10 + (uint64_t)(*p - '0');
    size_t digits = (size_t)(p - *text);
    *text = p;
    return digits > 0 && digits <= digits_max;
}

/* Letters, digits, "-" and ".", with something between two dots. */
static bool is_suffix(const char *text, size_t bytes)
{
    char before = '.';
    for (size_t i = 0; i < bytes; i++) {
        if (!isalnum((unsigned char)text[i]) && text[i] != '-' && (text[i] != '.' || before == '.'))
            return false;
        before = text[i];
    }
    return before != '.';
}

static bool version_parse(const char *text, struct version *version)
{
    *version = (struct version){0};
    if (*text == 'v' || *text == 'V')
        text++;
    for (size_t i = 0;; text++) {
        if (i == NUMBERS || !read_number(&text, 18, &version->number[i++]))
            return false;
        if (*text != '.')
            break;
    }
    if (*text == '-') {
        version->pre = ++text;
        version->pre_bytes = strcspn(text, "+");
        text += version->pre_bytes;
        if (!is_suffix(version->pre, version->pre_bytes))
            return false;
    }
    return *text == '\0' || (*text == '+' && is_suffix(text + 1, strlen(text + 1)));
}

static int sign(int64_t number)
{
    return number > 0 ? 1 : number < 0 ? -1 : 0;
}

static bool all_digits(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (!isdigit((unsigned char)text[i]))
            return false;
    }
    return true;
}

/* One identifier against another: numbers by value and below words, words by bytes. */
static int compare_identifier(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    bool a_number = all_digits(a, a_bytes);
    bool b_number = all_digits(b, b_bytes);
    if (a_number != b_number)
        return a_number ? -1 : 1;
    if (a_number) {
        for (; a_bytes > 1 && *a == '0'; a_bytes--)
            a++;
        for (; b_bytes > 1 && *b == '0'; b_bytes--)
            b++;
        if (a_bytes != b_bytes)
            return a_bytes < b_bytes ? -1 : 1;
    }
    int order = memcmp(a, b, a_bytes < b_bytes ? a_bytes : b_bytes);
    return order != 0 ? sign(order) : sign((int64_t)a_bytes - (int64_t)b_bytes);
}

static size_t identifier_bytes(const char *text, size_t bytes)
{
    const char *dot = memchr(text, '.', bytes);
    return dot == NULL ? bytes : (size_t)(dot - text);
}

static int compare_pre(const struct version *a, const struct version *b)
{
    if (a->pre == NULL || b->pre == NULL)
        return (a->pre == NULL) - (b->pre == NULL); /* a release is above its pre-releases */
    const char *p = a->pre, *q = b->pre;
    size_t p_left = a->pre_bytes, q_left = b->pre_bytes;
    for (;;) {
        size_t p_bytes = identifier_bytes(p, p_left);
        size_t q_bytes = identifier_bytes(q, q_left);
        int order = compare_identifier(p, p_bytes, q, q_bytes);
        bool p_ends = p_bytes == p_left, q_ends = q_bytes == q_left;
        if (order != 0 || p_ends || q_ends)
            return order != 0 ? order : q_ends - p_ends;
        p += p_bytes + 1, p_left -= p_bytes + 1;
        q += q_bytes + 1, q_left -= q_bytes + 1;
    }
}

bool version_compare(const char *a, const char *b, int *order)
{
    struct version left, right;
    if (!version_parse(a, &left) || !version_parse(b, &right))
        return false;
    *order = 0;
    for (size_t i = 0; i < NUMBERS && *order == 0; i++)
        *order = (left.number[i] > right.number[i]) - (left.number[i] < right.number[i]);
    if (*order == 0)
        *order = compare_pre(&left, &right);
    return true;
}

/* --- Build dates --- */

/* Days since 1970 of a date in the Gregorian calendar; year from 1970 on. */
static int64_t days_of(int year, int month, int day)
{
    /* March is month 0 of a year that ends with the leap day. */
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t m = (month + 9) % 12;
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static int month_of(const char name[4])
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int i = 0; i < 12; i++) {
        if (memcmp(name, months + 3 * i, 3) == 0)
            return i + 1;
    }
    return 0;
}

/* The rest behind a date: nothing, or a time. */
static bool read_time(const char *text, int64_t *seconds)
{
    int hour = 0, minute = 0, second = 0, used = 0;
    *seconds = 0;
    if (*text == '\0')
        return true;
    if (sscanf(text, "%*1[ T]%2d:%2d:%2d%n", &hour, &minute, &second, &used) != 3 || used == 0)
        return false;
    text += used;
    *seconds = hour * 3600 + minute * 60 + second;
    return hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second <= 60 &&
           (*text == '\0' || strcmp(text, "Z") == 0);
}

bool version_build_date(const char *build, int64_t *seconds)
{
    char name[4] = "";
    int year = 0, month = 0, day = 0, used = 0;
    int64_t time;
    if (sscanf(build, "%3s %2d %4d%n", name, &day, &year, &used) == 3 && isalpha((unsigned char)name[0]))
        month = month_of(name);
    else if (sscanf(build, "%4d-%2d-%2d%n", &year, &month, &day, &used) != 3)
        return false;
    if (used == 0 || year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 ||
        !read_time(build + used, &time))
        return false;
    *seconds = days_of(year, month, day) * 86400 + time;
    return true;
}

/* --- Keys --- */

const char *version_key(const char *version, char to[VERSION_KEY_MAX])
{
    struct version parsed;
    if (!version_parse(version, &parsed)) {
        snprintf(to, VERSION_KEY_MAX, "~%.60s", version);
        return to;
    }
    size_t length = 0;
    for (size_t i = 0; i < NUMBERS; i++)
        length += (size_t)snprintf(to + length, VERSION_KEY_MAX - length, "%09llu",
                                   (unsigned long long)(parsed.number[i] % 1000000000));
    /* "~" sorts above every pre-release, whose letters stand as they are. */
    snprintf(to + length, VERSION_KEY_MAX - length, "%.*s", parsed.pre == NULL ? 1 : (int)parsed.pre_bytes,
             parsed.pre == NULL ? "~" : parsed.pre);
    return to;
}
