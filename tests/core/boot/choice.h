/* What the tests of the bootloader's choice share: the old image in bank 0, confirmed, and the new one in
 * bank 1. */
#ifndef TANDEM_TESTS_BOOT_CHOICE_H
#define TANDEM_TESTS_BOOT_CHOICE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/core/boot/world.h"

extern struct world world;
extern struct image old;
extern struct image new;

/* Before and after each test. */
int set_up(void **state);
int no_rule_was_broken(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, no_rule_was_broken)

/* Bank 0 active with the old image, bank 1 the target with the new one. */
struct tdm_record in_state(enum tdm_boot_state at, uint8_t attempts_left);
/* In both units, as after any two transitions. */
void record_twice(const struct tdm_record *record);
/* Both at once. */
void given(enum tdm_boot_state at, uint8_t attempts_left);
void make_record_units_dead(void);

/* What the next start does. */
void runs(enum tdm_reset_cause cause, uint8_t bank, bool trial, uint8_t reason);
void recovers(void);

/* What the record says now. */
struct tdm_record recorded(void);

#endif
