/* The firmware tag (docs/PROTOCOL.md, section 6): who a firmware file is, readable by Blynk's tools and by
 * ours. */
#ifndef TANDEM_TAG_H
#define TANDEM_TAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tandem/error.h"

#define TDM_TAG_MAX       320 /* longest tag that this library reads or builds, both closing NULs included */
#define TDM_TAG_VALUE_MAX 64  /* longest value, NUL not counted */

/* The tag of your firmware, in your source, at file scope:
 *     TDM_FIRMWARE_TAG(firmware_tag, "1.1.0", "my-product", __DATE__ " " __TIME__, "1.3.2");
 * defines the const char array firmware_tag; each value is a string literal, 1 to 64 of the scanner's
 * characters. The compiler keeps the array; where the linker collects garbage, keep it there too, by a line
 * of the linker script, KEEP(*(.rodata.tandem_tag)), or by using it. setFirmwareInfo must say the same: give
 * it the same macros, or take the values out of firmware_tag with tdm_tag_parse. */
#define TDM_FIRMWARE_TAG(symbol, version, type, build, library)                                              \
    typedef char symbol##_values_fit[TDM_TAG_FITS(version, type) && TDM_TAG_FITS(build, library) ? 1 : -1];  \
    __attribute__((used, section(".rodata.tandem_tag"))) const char symbol[] =                               \
        "blnkinf\0mcu\0" version "\0fw-type\0" type "\0build\0" build "\0blynk\0" library "\0"

#define TDM_TAG_FITS(a, b)                                                                                   \
    (sizeof(a) > 1 && sizeof(a) <= TDM_TAG_VALUE_MAX + 1 && sizeof(b) > 1 &&                                 \
     sizeof(b) <= TDM_TAG_VALUE_MAX + 1)

/* Values of a tag, each NUL-terminated, "" when absent. */
struct tdm_tag {
    char version[TDM_TAG_VALUE_MAX + 1]; /* mcu */
    char type[TDM_TAG_VALUE_MAX + 1];    /* fw-type */
    char build[TDM_TAG_VALUE_MAX + 1];   /* build */
    char library[TDM_TAG_VALUE_MAX + 1]; /* blynk */
};

/* Parses a tag that starts at data (marker first). Returns its length, both closing NULs included, or
 * TDM_E_TAG (not a tag by the scanner's rules, or without one whole pair: a bare marker), TDM_E_TRUNCATED (no
 * two NULs within bytes), TDM_E_ROOM (a value longer than TDM_TAG_VALUE_MAX or a tag longer than
 * TDM_TAG_MAX). Unknown keys are skipped; of a key that stands twice the last counts. */
TDM_MUST_USE int tdm_tag_parse(struct tdm_tag *tag, const void *data, size_t bytes);

/* Walks all pairs of a tag, known or not, in file order. tag, bytes: as tdm_tag_parse took and returned them;
 * *cursor: 0 before the first call. Points key and value at NUL-terminated strings inside the tag; false
 * after the last pair. A last key without a value is no pair. */
bool tdm_tag_next_pair(const void *tag, size_t bytes, size_t *cursor, const char **key, const char **value);

/* Finds the first tag that parses in a file in memory. Returns its offset or TDM_E_NOT_FOUND.
 * The work is linear in bytes, however many bare markers there are. */
TDM_MUST_USE long tdm_tag_find(struct tdm_tag *tag, const void *data, size_t bytes);

/* Finds the first tag in a stream fed in pieces of any size. */
struct tdm_tag_scanner {
    char window[TDM_TAG_MAX];
    size_t length;
    uint32_t offset; /* of window[0] in the stream */
};
void tdm_tag_scanner_init(struct tdm_tag_scanner *scanner);
/* TDM_OK when tag was found: it starts at scanner->window, and in the stream at scanner->offset; feed no more
 * then. TDM_E_NOT_FOUND while it was not. */
TDM_MUST_USE int tdm_tag_scanner_feed(struct tdm_tag_scanner *scanner, const void *data, size_t bytes,
                                      struct tdm_tag *tag);

/* Builds a tag from the non-empty values (version and type must be given). Returns its length, or
 * TDM_E_ARGUMENT (a value is empty where it must not be, too long, or has a character outside of the
 * scanner's), TDM_E_ROOM. */
TDM_MUST_USE int tdm_tag_build(const struct tdm_tag *tag, void *to, size_t capacity);

#endif
