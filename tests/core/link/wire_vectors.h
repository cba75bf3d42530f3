/* Vectors of tests/vectors/wire: lines of fields between blanks, "-" for an empty one, "#" lines skipped. */
#ifndef TANDEM_TESTS_CORE_LINK_WIRE_VECTORS_H
#define TANDEM_TESTS_CORE_LINK_WIRE_VECTORS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Opens tests/vectors/wire/NAME; fails the test if it is not there. */
FILE *vectors_open(const char *name);

/* Reads the next line; its fields are then taken one by one. 0 at the end of the file. */
int vectors_next(FILE *file);

/* The next field of the line, "" for "-"; NULL behind the last one. */
const char *vectors_field(void);

/* The next field as a number. */
long vectors_number(void);

/* The next field as bytes from hex; returns how many. Fails the test if they do not fit. */
size_t vectors_bytes(uint8_t *out, size_t capacity);
size_t vectors_bytes_of(const char *hex, uint8_t *out, size_t capacity);

#endif
