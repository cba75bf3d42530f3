/* A constant table, as a product would carry for its fonts, sounds or curves: it gives the demo firmware a
 * realistic size. */
#ifndef EXAMPLES_DEMO_PRODUCT_TABLE_H
#define EXAMPLES_DEMO_PRODUCT_TABLE_H

#include <stdbool.h>

/* True if the table is what was built. */
bool product_table_is_intact(void);

#endif
