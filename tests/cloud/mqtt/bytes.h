/* Packets in tests, written as the standard prints them: hex digits and 'text', blanks ignored. */
#ifndef TANDEM_TESTS_CLOUD_MQTT_BYTES_H
#define TANDEM_TESTS_CLOUD_MQTT_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* Writes the bytes that text describes to out and returns how many; fails the test if they do not fit. */
size_t bytes_of(const char *text, uint8_t *out, size_t capacity);

#endif
