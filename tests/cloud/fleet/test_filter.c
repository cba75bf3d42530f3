/* What filters select, and what they refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "cloud/fleet/rules/filter.h"

static struct device pump(void)
{
    struct device device = {.id = 17,
                            .template = "TMPL1",
                            .name = "Cellar Pump 7",
                            .type = "pump",
                            .version = "1.9.0",
                            .hardware = "esp",
                            .tags = "canary,berlin",
                            .state = DEVICE_CONFIRMED,
                            .presence = DEVICE_CHECKED_IN,
                            .zone = "Europe/Berlin"};
    return device;
}

/* The device's own: one with a space in its name. */
static void metadata(void *ctx, int64_t device, const char *name, char *to, size_t capacity)
{
    (void)ctx;
    assert_int_equal(device, 17);
    if (strcmp(name, "Site Name") == 0)
        snprintf(to, capacity, "%s", "Berlin Mitte");
}

static bool selects(const char *text)
{
    struct filter filter;
    char why[160];
    struct device device = pump();
    if (!filter_parse(&filter, text, why, sizeof why))
        fail_msg("%s: %s", text, why);
    const struct filter_meta meta = {metadata, NULL};
    return filter_matches(&filter, &device, &meta);
}

static void terms_that_hold_select(void **state)
{
    (void)state;
    static const char *const good[] = {
        "",
        "  ",
        "id=d17",
        "template=TMPL1",
        "template:TMPL1",
        "type=pump version<1.10.0",
        "version<=1.9.0",
        "version>=1.9",
        "version>1.8.9",
        "version!=1.8.0",
        "version~1.9",
        "online=yes",
        "online!=no",
        "name~cellar",
        "name~\"pump 7\"",
        "name=\"Cellar Pump 7\"",
        "pump",
        "\"cellar pump\"",
        "tag=canary",
        "tag=berlin",
        "tag~can",
        "tag!=paris",
        "state=confirmed",
        "timezone=Europe/Berlin",
        "hardware=esp",
        "build=\"\"",
        "meta.\"Site Name\"~mitte",
        "meta.\"Site Name\"=\"Berlin Mitte\"",
        "meta.Owner!=me",
        "library=\"\"",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (!selects(good[i]))
            fail_msg("does not select: %s", good[i]);
    }
}

static void one_term_that_does_not_hold_leaves_out(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "id=d1",         "template=TMPL2",  "type=pump version<1.9.0",
        "version>1.9.0", "version>=1.10.0", "online=no",
        "name~garden",   "name=cellar",     "garden",
        "tag=can",       "tag!=canary",     "state=trial",
        "library<1.0.0", "meta.Owner=me",   "meta.\"Site Name\"=Berlin",
        "digest~a",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (selects(bad[i]))
            fail_msg("selects: %s", bad[i]);
    }
}

static void what_is_no_filter_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"colour=red", "at \"colour=red\": there is no such field. Fields are id name template"},
        {"colour=red", "state meta.NAME"},
        {"meta=red", "no such field"},
        {"meta.\"open=red", "quote"},
        {"version<new", "1.2.3"},
        {"name<a", "version and library"},
        {"name=\"open", "value"},
        {"online=maybe", "yes"},
        {"state~c", "confirmed"},
        {"id=7", "d17"},
        {"version=", "value"},
        {"a b c d e f g h i j k l m", "12 terms"},
        {"type=a \"open", "quote"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct filter filter;
        char why[FILTER_WHY] = "";
        assert_false(filter_parse(&filter, bad[i].text, why, sizeof why));
        if (strstr(why, bad[i].why) == NULL)
            fail_msg("%s: %s", bad[i].text, why);
    }
}

static void an_exact_term_is_found_for_the_index(void **state)
{
    (void)state;
    struct filter filter;
    char why[160];
    assert_true(filter_parse(&filter, "pump template=TMPL1 version!=2.0.0", why, sizeof why));
    assert_string_equal(filter_exact(&filter, FILTER_TEMPLATE), "TMPL1");
    assert_null(filter_exact(&filter, FILTER_VERSION));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terms_that_hold_select),
        cmocka_unit_test(one_term_that_does_not_hold_leaves_out),
        cmocka_unit_test(what_is_no_filter_is_refused_with_its_place),
        cmocka_unit_test(an_exact_term_is_found_for_the_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
