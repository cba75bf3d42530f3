/* What goes in and out of tandem-ncp as text: digests, the journal, offers and reports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ncpd/base/hex.h"
#include "ncpd/base/journal.h"
#include "ncpd/cloud/offer.h"
#include "ncpd/cloud/report.h"

static struct report_queue queue;

static int set_up(void **state)
{
    (void)state;
    memset(&queue, 0, sizeof queue);
    return 0;
}

/* --- Digests; values from RFC 4648 and from sha256sum and base64 of an empty file --- */

static void decodes_hex_of_the_exact_length(void **state)
{
    uint8_t bytes[4];
    char text[9];

    (void)state;
    assert_true(hex_decode(bytes, 4, "00fFaB9c"));
    assert_memory_equal(bytes, "\x00\xff\xab\x9c", 4);
    hex_encode(text, bytes, 4);
    assert_string_equal(text, "00ffab9c");
    assert_false(hex_decode(bytes, 4, "00ffab9"));
    assert_false(hex_decode(bytes, 4, "00ffab9c0"));
    assert_false(hex_decode(bytes, 4, "00ffab9g"));
}

static void decodes_base64_of_the_exact_length(void **state)
{
    uint8_t bytes[32];

    (void)state;
    assert_true(base64_decode(bytes, 6, "Zm9vYmFy"));
    assert_memory_equal(bytes, "foobar", 6);
    assert_true(base64_decode(bytes, 5, "Zm9vYmE="));
    assert_memory_equal(bytes, "fooba", 5);
    assert_true(base64_decode(bytes, 4, "Zm9vYg=="));
    assert_memory_equal(bytes, "foob", 4);
    assert_true(base64_decode(bytes, 32, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="));
    assert_memory_equal(bytes, "\xe3\xb0\xc4\x42\x98\xfc\x1c\x14", 8);
    assert_memory_equal(bytes + 24, "\xa4\x95\x99\x1b\x78\x52\xb8\x55", 8);
    assert_false(base64_decode(bytes, 6, "Zm9vYmE="));
    assert_false(base64_decode(bytes, 5, "Zm9vYmFy"));
    assert_false(base64_decode(bytes, 5, "Zm9v-mE="));
    assert_false(base64_decode(bytes, 6, ""));
}

/* --- Offers --- */

static bool parse(struct offer *offer, const char *json)
{
    return offer_parse(offer, json, strlen(json));
}

static void takes_an_offer_whole(void **state)
{
    struct offer offer;
    char name[65];

    (void)state;
    assert_true(parse(&offer, "{\"url\":\"http://h:1/dl/app.tdm?token=t\",\"size\":102400,\"type\":\"demo\","
                              "\"ver\":\"1.1.0\",\"build\":\"b\",\"more\":[]}"));
    assert_int_equal(offer.size, 102400);
    assert_string_equal(offer.type, "demo");
    assert_string_equal(offer.version, "1.1.0");
    assert_string_equal(offer.build, "b");
    assert_string_equal(offer_url_shown(&offer), "http://h:1/dl/app.tdm");
    offer_file_name(&offer, name, sizeof name);
    assert_string_equal(name, "app.tdm");
}

static void takes_an_offer_with_nothing_but_a_url(void **state)
{
    struct offer offer;
    char name[65];

    (void)state;
    assert_true(parse(&offer, "{\"url\":\"https://host\",\"ver\":7,\"type\":null}"));
    assert_int_equal(offer.size, 0);
    assert_string_equal(offer.version, "");
    offer_file_name(&offer, name, sizeof name);
    assert_string_equal(name, "firmware.bin");
}

/* Lua writes whole numbers so that were computed, and some have texts alone. */
static void takes_a_size_however_it_is_written(void **state)
{
    static const char *const sizes[] = {"10250", "10250.0", "1.025e4", "\"10250\""};
    struct offer offer;
    char json[64];

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        snprintf(json, sizeof json, "{\"url\":\"http://h/\",\"size\":%s}", sizes[i]);
        assert_true(parse(&offer, json));
        assert_int_equal(offer.size, 10250);
    }
}

static void cuts_long_texts_between_characters(void **state)
{
    struct offer offer;
    char json[256] = "{\"url\":\"http://h/\",\"ver\":\"";

    (void)state;
    memset(json + strlen(json), 'v', 63);
    strcat(json, "\xc3\xa9\xc3\xa9\"}"); /* the first of them would end at 65 */
    assert_true(parse(&offer, json));
    assert_int_equal(strlen(offer.version), 63);
}

static void refuses_what_is_no_offer(void **state)
{
    static const char *const texts[] = {
        "",
        "[]",
        "{",
        "{}",
        "{\"url\":7}",
        "{\"url\":\"file:///etc/passwd\"}",
        "{\"url\":\"http://h/\",\"size\":-1}",
        "{\"url\":\"http://h/\",\"size\":4294967296}",
        "{\"url\":\"http://h/\",\"size\":\"7 KB\"}",
        "{\"url\":\"http://h/\",\"size\":\"\"}",
        "{\"url\":\"http://h/\",\"size\":\"nan\"}",
        "{\"url\":\"http://h/\",\"size\":7.5}",
        "{\"url\":\"http://h/\",\"size\":true}",
    };
    struct offer offer;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(parse(&offer, texts[i]));
}

/* --- Reports --- */

static void says_what_the_document_says(void **state)
{
    struct tdm_ncp_progress failed = {
        .stage = TDM_NCP_FAILED, .wire_bytes = 141, .reason = TDM_REASON_SIGNATURE};
    struct tdm_ncp_device_report device = {.event = TDM_DEVICE_STARTED,
                                           .state = 1,
                                           .reason = TDM_REASON_SELF_TEST,
                                           .running_bytes = 32,
                                           .about_bytes = 12,
                                           .hardware = "mps2-demo",
                                           .counter = 1};

    (void)state;
    report_downloading(&queue, 40960, 102400, 5000);
    assert_string_equal(report_next(&queue)->json,
                        "{\"stage\":\"downloading\",\"size\":102400,\"bytes\":40960}");
    report_progress(&queue, &failed, 5000);
    assert_string_equal(
        queue.rows[0].json,
        "{\"stage\":\"failed\",\"reason\":\"bad-signature\",\"leg\":\"uart\",\"wire_bytes\":141}");
    report_device(&queue, &device);
    assert_string_equal(queue.rows[1].json,
                        "{\"stage\":\"device\",\"event\":\"started\",\"state\":\"confirmed\",\"reason\":"
                        "\"self-test-failed\",\"digest\":"
                        "\"0000000000000000000000000000000000000000000000000000000000000000\",\"about\":"
                        "\"000000000000000000000000\",\"hardware\":\"mps2-demo\",\"counter\":1}");
    device.has_start = true;
    device.cause = 2;
    report_device(&queue, &device);
    assert_non_null(strstr(queue.rows[2].json, "\"counter\":1,\"cause\":\"watchdog\"}"));
    device.boots = 7;
    report_device(&queue, &device);
    assert_non_null(strstr(queue.rows[3].json, "\"counter\":1,\"cause\":\"watchdog\",\"boots\":7}"));
    device.has_start = false;
    device.decodes = 3;
    report_device(&queue, &device);
    assert_non_null(strstr(queue.rows[4].json, "\"counter\":1,\"decodes\":[\"compressed\",\"delta\"]}"));
}

static void makes_one_progress_a_second(void **state)
{
    struct tdm_ncp_progress progress = {.stage = TDM_NCP_TRANSFERRING, .size = 9};

    (void)state;
    report_progress(&queue, &progress, 10000);
    report_next(&queue)->msg_id = 1;
    report_progress(&queue, &progress, 10999);
    assert_int_equal(queue.count, 1);
    report_progress(&queue, &progress, 11000);
    assert_int_equal(queue.count, 2);
}

static void keeps_reports_until_they_are_acknowledged(void **state)
{
    (void)state;
    report_downloaded(&queue, 1);
    report_downloaded(&queue, 2);
    report_next(&queue)->msg_id = 7;
    report_next(&queue)->msg_id = 8;
    assert_null(report_next(&queue));
    report_acknowledged(&queue, 7);
    assert_int_equal(queue.count, 1);
    report_disconnected(&queue);
    assert_string_equal(report_next(&queue)->json, "{\"stage\":\"downloaded\",\"size\":2}");
}

static void a_progress_that_waits_gives_way_to_whatever_is_newer(void **state)
{
    (void)state;
    report_downloading(&queue, 1, 9, 1000);
    report_downloading(&queue, 2, 9, 2000);
    assert_int_equal(queue.count, 1);
    report_downloaded(&queue, 9);
    assert_int_equal(queue.count, 1);
    assert_string_equal(report_next(&queue)->json, "{\"stage\":\"downloaded\",\"size\":9}");
}

static void the_oldest_give_way_when_the_queue_is_full(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < REPORTS + 3; i++)
        report_downloaded(&queue, i);
    assert_int_equal(queue.count, REPORTS);
    assert_string_equal(report_next(&queue)->json, "{\"stage\":\"downloaded\",\"size\":3}");
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

/* --- Entries of the journal: its native protocol, FIELD=value lines --- */

static void assert_entry(const char *expected, int priority, const char *mcu, const char *text)
{
    char entry[JOURNAL_ENTRY_MAX];

    assert_int_equal(journal_entry(entry, priority, mcu, text), strlen(expected));
    assert_memory_equal(entry, expected, strlen(expected));
}

static void an_entry_names_priority_program_and_mcu(void **state)
{
    (void)state;
    assert_entry("PRIORITY=4\nSYSLOG_IDENTIFIER=tandem-ncp\nTANDEM_MCU=pump\nMESSAGE=pump: gone\n", 4, "pump",
                 "gone");
    assert_entry("PRIORITY=6\nSYSLOG_IDENTIFIER=tandem-ncp\nMESSAGE=ready\n", 6, NULL, "ready");
}

static void a_long_entry_is_cut_and_still_ends_its_line(void **state)
{
    char entry[JOURNAL_ENTRY_MAX];
    char text[2 * JOURNAL_ENTRY_MAX];
    size_t length;

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    length = journal_entry(entry, 3, "pump", text);
    assert_in_range(length, JOURNAL_ENTRY_MAX - 2, JOURNAL_ENTRY_MAX);
    assert_memory_equal(entry + length - 4, "xxx\n", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_names_priority_program_and_mcu),
        cmocka_unit_test(a_long_entry_is_cut_and_still_ends_its_line),
        TEST(decodes_hex_of_the_exact_length),
        TEST(decodes_base64_of_the_exact_length),
        TEST(takes_an_offer_whole),
        TEST(takes_an_offer_with_nothing_but_a_url),
        TEST(takes_a_size_however_it_is_written),
        TEST(cuts_long_texts_between_characters),
        TEST(refuses_what_is_no_offer),
        TEST(says_what_the_document_says),
        TEST(makes_one_progress_a_second),
        TEST(keeps_reports_until_they_are_acknowledged),
        TEST(a_progress_that_waits_gives_way_to_whatever_is_newer),
        TEST(the_oldest_give_way_when_the_queue_is_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
