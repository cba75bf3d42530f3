/* What it says of itself before anything is offered (docs/PROTOCOL.md, section 4; docs/EXTENSIONS.md). */
#include "bench.h"

#include <string.h>

#include "tandem/fetch_decode.h"

static void set_cause(struct fixture *f)
{
    (void)f;
    bench.fetch.reset_cause = TDM_RESET_WATCHDOG;
    bench.fetch.boots = 0x01020304;
}

static int setup(void **state)
{
    bench_start_with_image(&fixture);
    bench.offers = 0;
    bench.on_idle = set_cause;
    *state = &fixture;
    return 0;
}

/* Until it waits for an offer. */
static void say_hello(struct fixture *f, const struct tdm_boot_choice *choice)
{
    assert_false(bench_runs_for(f, 6000, choice));
    assert_int_equal(ncp_stub_count(&f->ncp, 0x0301), 1);
}

static void assert_said(const struct fixture *f, uint16_t uid, const char *args, size_t bytes)
{
    const struct ncp_stub_call *call = ncp_stub_last(&f->ncp, uid);

    assert_non_null(call);
    assert_int_equal(call->bytes, bytes);
    assert_memory_equal(call->args, args, bytes);
}

#define ASSERT_SAID(uid, text) assert_said(f, (uid), (text), sizeof(text) - 1)

/* --- The rate --- */

static void it_is_found_at_any_rate_and_asked_for_the_target(void **state)
{
    static const uint32_t rates[] = {38400, 115200, 460800};
    struct fixture *f = *state;

    for (size_t i = 0; i < 3; i++) {
        (void)setup(state);
        bench.ncp.baud = rates[i];
        say_hello(f, &bench_intact);
        assert_int_equal(f->baud, 460800);
        assert_int_equal(ncp_stub_count(&f->ncp, 0x0201), i < 2);
        if (i < 2)
            ASSERT_SAID(0x0201, "\x00\x08\x07\x00");
    }
}

static void a_co_processor_that_refuses_or_ignores_the_rate_keeps_its_own(void **state)
{
    struct fixture *f = *state;

    bench.ncp.raise_to_max = 115200;
    say_hello(f, &bench_intact);
    assert_int_equal(f->baud, 38400);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x0201), 1);
    (void)setup(state);
    bench.ncp.ignores_raise = true;
    say_hello(f, &bench_intact);
    assert_int_equal(f->baud, 38400);
}

/* Three pings a round at the rate that it would hear. */
static void a_silent_one_is_looked_for_with_pauses_that_grow(void **state)
{
    struct fixture *f = *state;

    bench.ncp.silent = true;
    assert_false(bench_runs_for(f, 30000, &bench_intact));
    assert_in_range(ncp_stub_count(&f->ncp, 0x0101), 30, 45);
}

/* --- Who this is --- */

static void it_says_which_image_is_there(void **state)
{
    struct fixture *f = *state;

    say_hello(f, &bench_intact);
    ASSERT_SAID(0x0304, "product\0001.0.0\000build 1\0000.1.0\0");
    ASSERT_SAID(0x0301, "TMPL12345\0Product\0");
}

static void without_one_its_version_is_below_all_others(void **state)
{
    struct fixture *f = *state;

    say_hello(f, &bench_nothing);
    ASSERT_SAID(0x0304, "product\0000.0.0\000bootloader\0000.1.0\0");
}

/* --- Reports --- */

static const struct ncp_stub_call *the_report(const struct fixture *f)
{
    assert_int_equal(ncp_stub_count(&f->ncp, 0x5401), 1);
    return ncp_stub_last(&f->ncp, 0x5401);
}

static void the_report_tells_the_intact_image(void **state)
{
    struct fixture *f = *state;
    const struct ncp_stub_call *report;

    say_hello(f, &bench_intact);
    report = the_report(f);
    assert_memory_equal(report->args, "\1\1\0\x20\0", 5); /* started, confirmed, no reason; a digest */
    assert_memory_equal(report->args + 5, f->running.digest, 32);
    assert_memory_equal(report->args + 37, "\0\0board-7\0\2\0\0\0", 14); /* about nothing; counter floor 2 */
    assert_int_equal(report->bytes, 51);
}

static void without_one_it_tells_why(void **state)
{
    struct fixture *f = *state;

    say_hello(f, &bench_nothing);
    ASSERT_SAID(0x5401, "\1\1\x27\0\0\0\0board-7\0\2\0\0\0"); /* active-invalid */
}

static void tell_of_the_last_update(struct fixture *f, uint8_t reason)
{
    struct tdm_record_log log;
    struct tdm_record record;

    assert_int_equal(tdm_record_load(&log, &f->ram.flash, &f->layout), TDM_OK);
    record = log.record;
    record.last_reason = reason;
    memset(record.rejected_digest, 0xAB, sizeof record.rejected_digest);
    assert_int_equal(tdm_record_append(&log, &record), TDM_OK);
}

static void a_rejected_image_is_named_with_the_reason(void **state)
{
    struct fixture *f = *state;

    for (uint8_t reason = TDM_REASON_SELF_TEST; reason <= TDM_REASON_FAULT; reason++) {
        const struct ncp_stub_call *report;

        (void)setup(state);
        tell_of_the_last_update(f, reason);
        say_hello(f, &bench_intact);
        report = the_report(f);
        assert_int_equal(report->args[2], reason);
        assert_memory_equal(report->args + 37, "\x0C\0\xAB\xAB\xAB\xAB\xAB\xAB\xAB\xAB\xAB\xAB\xAB\xAB", 14);
    }
}

/* One that blames no image; and that of a transfer, which was told when it ended. */
static void other_reasons_name_none(void **state)
{
    static const uint8_t reasons[][2] = {{TDM_REASON_NO_LINK, TDM_REASON_NO_LINK}, {TDM_REASON_SILENCE, 0}};
    struct fixture *f = *state;

    for (size_t i = 0; i < 2; i++) {
        (void)setup(state);
        tell_of_the_last_update(f, reasons[i][0]);
        say_hello(f, &bench_intact);
        assert_int_equal(the_report(f)->args[2], reasons[i][1]);
        assert_int_equal(the_report(f)->args[37], 0);
    }
}

/* --- Extensions --- */

static void why_it_started_is_told_where_that_is_known(void **state)
{
    struct fixture *f = *state;

    bench.ncp.knows_start = true;
    say_hello(f, &bench_intact);
    ASSERT_SAID(0x5403, "\2\4\3\2\1");
    (void)setup(state);
    say_hello(f, &bench_intact);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x5403), 0);
}

static void what_it_decodes_is_told_where_it_decodes_and_that_is_known(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 4; i++) {
        (void)setup(state);
        bench.ncp.knows_decodes = i & 1;
        bench.product.decoder = i & 2 ? &tdm_fetch_decodes : NULL;
        say_hello(f, &bench_intact);
        if (i == 3)
            ASSERT_SAID(0x5405, "\1"); /* compressed packages; a delta's base would be gone */
        else
            assert_int_equal(ncp_stub_count(&f->ncp, 0x5405), 0);
    }
}

/* No answer to hasUID, and a status that is an error: both say no. */
static void one_that_knows_no_extension_is_told_nothing(void **state)
{
    struct fixture *f = *state;

    for (int status = -1; status < 0x14; status += 0x14) {
        (void)setup(state);
        bench.ncp.has_uid_status = status;
        say_hello(f, &bench_intact);
        assert_int_equal(ncp_stub_count(&f->ncp, 0x5401), 0);
        assert_int_equal(ncp_stub_count(&f->ncp, 0x5403), 0);
    }
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_found_at_any_rate_and_asked_for_the_target),
        TEST(a_co_processor_that_refuses_or_ignores_the_rate_keeps_its_own),
        TEST(a_silent_one_is_looked_for_with_pauses_that_grow),
        TEST(it_says_which_image_is_there),
        TEST(without_one_its_version_is_below_all_others),
        TEST(the_report_tells_the_intact_image),
        TEST(without_one_it_tells_why),
        TEST(a_rejected_image_is_named_with_the_reason),
        TEST(other_reasons_name_none),
        TEST(why_it_started_is_told_where_that_is_known),
        TEST(what_it_decodes_is_told_where_it_decodes_and_that_is_known),
        TEST(one_that_knows_no_extension_is_told_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
