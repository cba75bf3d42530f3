/* The database that a test works on: a new file, or what TANDEM_TEST_DATABASE names
 * (tests/python/postgres.py), emptied for each case. */
#ifndef TANDEM_TESTS_CLOUD_STORE_FRESH_H
#define TANDEM_TESTS_CLOUD_STORE_FRESH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cloud/store/store.h"

bool fresh_is_postgres(void);
/* What store_open takes. */
const char *fresh_where(void);
/* Before and after each case. */
void fresh_begin(void);
void fresh_end(void);
/* One more store on it. */
struct store *fresh_open(void);
/* The only store on it: SQLite's is in memory. */
struct store *fresh_open_alone(void);

#endif
