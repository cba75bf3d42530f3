/* The service manager's journal, in its own protocol: a datagram of FIELD=value lines. */
#ifndef NCPD_JOURNAL_H
#define NCPD_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

enum { JOURNAL_ENTRY_MAX = 1280 };

/* An entry of a line without a line break, about the MCU of that name, NULL for none; cut where it does not
 * fit. Returns its length. */
size_t journal_entry(char entry[JOURNAL_ENTRY_MAX], int priority, const char *mcu, const char *text);

/* False if there is no journal that takes it. */
bool journal_send(int priority, const char *mcu, const char *text);

#endif
