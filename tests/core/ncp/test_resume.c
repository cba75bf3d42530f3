/* core/ncp/resume.c: an MCU that has part of the image already (docs/EXTENSIONS.md, "otaUpdateResume"). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

static struct world world;

/* The envelope of docs/PACKAGE.md's example, H 232, R 5, P 12, with its CRC-32. */
static const uint8_t envelope[64] = {
    'T', 'D', 'M', 'P', 1, 0, 0xE8, 0, 5, 0, 0, 0, 12, 0, 0, 0, [60] = 0x26, 0x6B, 0x74, 0x19,
};
enum { PACKAGE_BYTES = 64 + 232 + 64 + 5 + 12, IMAGE_AT = PACKAGE_BYTES - 12 };

static int set_up(void **state)
{
    (void)state;
    world_begin(&world, 1000);
    return 0;
}

static void be_a_package(void)
{
    world_file(&world, PACKAGE_BYTES);
    memcpy(world.file, envelope, sizeof envelope);
}

static uint32_t get32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Offers, and lets the MCU keep the first chunk without an answer. */
static void offer_up_to_the_front(void)
{
    world.mcu.mute_writes = 1;
    world_offer(&world);
    for (int i = 0; i < 2000 && world.mcu.mute_writes > 0; i++)
        world_run(&world, 1);
    assert_int_equal(world.mcu.mute_writes, 0);
}

/* The MCU resumes; offset is what it is promised, 0 for a refusal. The rest of the image is in its flash. */
static void resume(uint32_t position, uint32_t offset)
{
    const uint8_t args[4] = {(uint8_t)position, (uint8_t)(position >> 8)};

    memcpy(world.mcu.image, world.file, offset);
    world.mcu.image_bytes = offset;
    stub_invoke(&world, 0x5402, args, 4);
    assert_int_equal(world.mcu.result_bytes, 10);
    assert_int_equal(world.mcu.result[0], 0);
    assert_int_equal(world.mcu.result[9], offset > 0);
    if (offset > 0) {
        assert_int_equal(get32(world.mcu.result + 1), position);
        assert_int_equal(get32(world.mcu.result + 5), offset);
    }
}

static void ends_installed(void)
{
    world_run(&world, 3000);
    world_assert_installed(&world);
}

static void a_package_goes_on_behind_its_front_and_table(void **state)
{
    (void)state;
    be_a_package();
    offer_up_to_the_front();
    resume(4, IMAGE_AT + 4);
    ends_installed();
    assert_int_equal(stub_count(&world, 0x0442), 2); /* the first, and the last 8 bytes */
}

static void an_image_that_is_there_whole_leads_to_finish(void **state)
{
    (void)state;
    be_a_package();
    offer_up_to_the_front();
    resume(12, PACKAGE_BYTES);
    ends_installed();
    assert_int_equal(stub_count(&world, 0x0442), 1);
}

static void a_plain_image_goes_on_at_the_position_itself(void **state)
{
    (void)state;
    offer_up_to_the_front();
    resume(512, 512);
    ends_installed();
    assert_int_equal(stub_count(&world, 0x0442), 3); /* the first, 256, 232 */
}

static void a_position_outside_of_the_image_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    be_a_package();
    offer_up_to_the_front();
    resume(13, 0);
    world_run(&world, 6000); /* the first chunk once more */
    ends_installed();
}

/* Two frames, of 2 and 6 bytes. */
static void be_framed(uint8_t encoding, uint32_t crc)
{
    static const uint8_t frames[] = {2, 0, 1, 2, 6, 0, 3, 4, 5, 6, 7, 8};

    be_a_package();
    world.file[5] = encoding;
    for (int i = 0; i < 4; i++)
        world.file[60 + i] = (uint8_t)(crc >> (8 * i));
    memcpy(world.file + IMAGE_AT, frames, sizeof frames);
}

/* The second frame is entered for any position in it; the MCU is told which. */
static void an_encoded_payload_is_entered_at_the_frame_below(void **state)
{
    static const uint32_t positions[] = {16384, 16385, 32767};

    (void)state;
    for (size_t i = 0; i < sizeof positions / sizeof *positions; i++) {
        const uint8_t args[4] = {(uint8_t)positions[i], (uint8_t)(positions[i] >> 8)};

        set_up(NULL);
        be_framed(1, 0x3B77D836);
        offer_up_to_the_front();
        memcpy(world.mcu.image, world.file, IMAGE_AT + 4);
        world.mcu.image_bytes = IMAGE_AT + 4;
        stub_invoke(&world, 0x5402, args, 4);
        assert_int_equal(world.mcu.result[9], 1);
        assert_int_equal(get32(world.mcu.result + 1), 16384);
        assert_int_equal(get32(world.mcu.result + 5), IMAGE_AT + 4);
        ends_installed();
    }
}

static void a_payload_that_it_can_not_enter_is_refused(void **state)
{
    static const uint8_t behind_the_frames[4] = {0, 0xC0}; /* 49152 */

    (void)state;
    be_framed(1, 0x3B77D836);
    offer_up_to_the_front();
    stub_invoke(&world, 0x5402, behind_the_frames, 4);
    assert_int_equal(world.mcu.result[9], 0);
    set_up(NULL);
    be_framed(1, 0x3B77D836);
    world.file[IMAGE_AT] = 11; /* past the end */
    offer_up_to_the_front();
    resume(16384, 0);
    set_up(NULL);
    be_framed(2, 0x5D730D06); /* an encoding that nobody knows */
    offer_up_to_the_front();
    resume(4, 0);
}

static void a_file_that_can_not_be_read_is_refused(void **state)
{
    (void)state;
    be_a_package();
    offer_up_to_the_front();
    world.read_error = TDM_E_FLASH_READ;
    resume(4, 0);
}

static void without_a_transfer_it_is_refused(void **state)
{
    (void)state;
    resume(0, 0);
    world.mcu.no_start = true;
    world_offer(&world);
    world_run(&world, 100);
    resume(0, 0);
}

static void a_late_answer_to_the_chunk_before_does_not_count(void **state)
{
    (void)state;
    world.mcu.lose_answers = 1;
    world_offer(&world);
    for (int i = 0; i < 2000 && world.mcu.lose_answers > 0; i++)
        world_run(&world, 1);
    resume(512, 512);
    stub_late_answer(&world);
    ends_installed();
}

/* Restarts are bounded where nothing is gained; each that came further begins to count anew. */
static void offers_count_anew_while_the_mcu_comes_further(void **state)
{
    (void)state;
    offer_up_to_the_front();
    for (uint32_t position = 100; position < 900; position += 100) {
        resume(position, position);
        world.mcu.mute_writes = 1;
        stub_initialize(&world, "1.0.0");
        world_run(&world, 1000);
        assert_true(tdm_ncp_updating(&world.ncp));
    }
    for (int i = 0; i < 2; i++) {
        resume(800, 800);
        world.mcu.mute_writes = 1;
        stub_initialize(&world, "1.0.0");
        world_run(&world, 1000);
    }
    assert_int_equal(world_last(&world)->stage, TDM_NCP_FAILED);
    assert_int_equal(world_last(&world)->reason, TDM_REASON_NO_ANSWER);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_package_goes_on_behind_its_front_and_table),
        TEST(an_image_that_is_there_whole_leads_to_finish),
        TEST(a_plain_image_goes_on_at_the_position_itself),
        TEST(a_position_outside_of_the_image_is_refused_and_changes_nothing),
        TEST(an_encoded_payload_is_entered_at_the_frame_below),
        TEST(a_payload_that_it_can_not_enter_is_refused),
        TEST(a_file_that_can_not_be_read_is_refused),
        TEST(without_a_transfer_it_is_refused),
        TEST(a_late_answer_to_the_chunk_before_does_not_count),
        TEST(offers_count_anew_while_the_mcu_comes_further),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
