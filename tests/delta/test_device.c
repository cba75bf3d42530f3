/* Encoded packages into a bank, as the update client installs them: decoded, relocated, verified; and gone on
 * with at a frame. */
#include <stdlib.h>
#include <string.h>

#include "tandem/resume.h"
#include "tests/delta/installing.h"

static void packages_of_both_kinds_are_installed_in_either_bank(void **state)
{
    static const uint32_t units[] = {4, 8, 16, 32};
    static const size_t chunks[] = {1, 16, 77, 1024};

    (void)state;
    for (unsigned kind = 0; kind < 2; kind++) {
        size_t bytes;
        uint8_t *package = encode(&bytes, kind == 1);

        for (unsigned i = 0; i < 8; i++) {
            int front;

            power_on(&device, units[i / 2], i % 2);
            front = prepare(&device, package, bytes);
            assert_true(front > 0);
            assert_int_equal(write_chunks(&device, package, (size_t)front, bytes, chunks[i / 2]), TDM_OK);
            is_installed(&device);
        }
        free(package);
    }
}

/* Cut off anywhere: it goes on at a frame, with what is in flash. */
static void a_transfer_that_was_cut_off_goes_on_at_a_frame(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 2; kind++) {
        size_t bytes;
        uint8_t *package = encode(&bytes, kind == 1);
        unsigned resumed = 0;

        for (size_t cut = 1200; cut < bytes; cut += 1 + bytes / 23) {
            struct delta_package parts;
            uint32_t position;
            size_t at;
            int front;

            power_on(&device, 8, 0);
            front = prepare(&device, package, bytes);
            if (cut <= (size_t)front)
                continue;
            assert_int_equal(write_chunks(&device, package, (size_t)front, cut, 100), TDM_OK);
            start(&device);
            assert_int_equal(prepare(&device, package, bytes), front);
            at = (size_t)front;
            position = 0;
            if (device.mcu.install.resumes) {
                resumed++;
                position = device.mcu.install.placed;
                assert_int_equal(position % TDM_UNLZMA_FRAME_BYTES, 0);
                assert_int_equal(delta_package_open(&parts, package, bytes), TDM_OK);
                at = (size_t)(parts.payload - package);
                for (uint32_t frame = 0; frame < position / TDM_UNLZMA_FRAME_BYTES; frame++)
                    at += 2u + package[at] + 256u * package[at + 1];
                assert_true(tdm_mcu_resumes.go_on_at(&device.mcu, (uint32_t)at));
            }
            assert_int_equal(write_chunks(&device, package, at, bytes, 512), TDM_OK);
            is_installed(&device);
        }
        assert_true(resumed > 5);
        free(package);
    }
}

static void a_delta_for_another_image_is_refused_before_anything_is_erased(void **state)
{
    size_t bytes;
    uint8_t *package = encode(&bytes, true);
    uint32_t erases;

    (void)state;
    power_on(&device, 8, 0);
    device.mcu.running_digest[0] ^= 1;
    assert_int_equal(prepare(&device, package, bytes), TDM_E_BASE);
    power_on(&device, 8, 0);
    device.mcu.running_known = false;
    erases = device.ram.erases;
    assert_int_equal(prepare(&device, package, bytes), TDM_E_BASE);
    assert_int_equal(device.ram.erases, erases);
    free(package);
}

static void without_a_decoder_it_is_refused_before_anything_is_erased(void **state)
{
    size_t bytes;
    uint8_t *package = encode(&bytes, false);
    uint32_t erases;

    (void)state;
    power_on(&device, 8, 0);
    erases = device.ram.erases;
    device.config.decoder = NULL;
    assert_int_equal(prepare(&device, package, bytes), TDM_E_ENCODING);
    assert_int_equal(device.ram.erases, erases);
    free(package);
}

/* What a hostile cloud may send below a good signature: it ends with an error, or with an image that does not
 * verify; and never leaves the bank. */
static void a_damaged_payload_never_verifies_and_stays_in_its_bank(void **state)
{
    static uint8_t before[BANK_BYTES];
    size_t bytes;
    uint8_t *package = encode(&bytes, true);
    struct delta_package parts;

    (void)state;
    assert_int_equal(delta_package_open(&parts, package, bytes), TDM_OK);
    for (size_t i = (size_t)(parts.payload - package); i < bytes; i += 1 + bytes / 60) {
        int front;

        power_on(&device, 8, 0);
        memcpy(before, ram_flash_at(&device.ram, BANK_A), BANK_BYTES);
        package[i] ^= 0x24;
        front = prepare(&device, package, bytes);
        assert_true(front > 0);
        if (write_chunks(&device, package, (size_t)front, bytes, 256) == TDM_OK &&
            tdm_unlzma_done(&device.decoding.u.unlzma))
            assert_int_equal(tdm__install_verify(&device.mcu), TDM_E_DIGEST);
        assert_memory_equal(ram_flash_at(&device.ram, BANK_A), before, BANK_BYTES);
        package[i] ^= 0x24;
    }
    free(package);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packages_of_both_kinds_are_installed_in_either_bank),
        cmocka_unit_test(a_transfer_that_was_cut_off_goes_on_at_a_frame),
        cmocka_unit_test(a_delta_for_another_image_is_refused_before_anything_is_erased),
        cmocka_unit_test(without_a_decoder_it_is_refused_before_anything_is_erased),
        cmocka_unit_test(a_damaged_payload_never_verifies_and_stays_in_its_bank),
    };

    return cmocka_run_group_tests(tests, make_all, NULL);
}
