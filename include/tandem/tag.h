/* The firmware tag (docs/PROTOCOL.md, section 6): who a firmware file is, readable by Blynk's tools and by
 * ours. */
#ifndef TANDEM_TAG_H
#define TANDEM_TAG_H

#include <stddef.h>
#include <stdint.h>

#include "tandem/error.h"

#define TDM_TAG_MAX       256 /* longest tag that this library reads or builds, both closing NULs included */
#define TDM_TAG_VALUE_MAX 64  /* longest value, NUL not counted */

/* The tag of your firmware, in your source:
 *     TDM_FIRMWARE_TAG(firmware_tag, "1.1.0", "my-product", __DATE__ " " __TIME__, "1.3.2");
 * defines a const char array that the linker keeps. setFirmwareInfo must say the same: give it the same
 * macros, or take the values out of firmware_tag with tdm_tag_parse. */
#define TDM_FIRMWARE_TAG(symbol, version, type, build, library)                                              \
    __attribute__((used, section(".rodata.tandem_tag"))) const char symbol[] =                               \
        "blnkinf\0mcu\0" version "\0fw-type\0" type "\0build\0" build "\0blynk\0" library "\0"

/* Values of a tag, each NUL-terminated, "" when absent. */
struct tdm_tag {
    char version[TDM_TAG_VALUE_MAX + 1]; /* mcu */
    char type[TDM_TAG_VALUE_MAX + 1];    /* fw-type */
    char build[TDM_TAG_VALUE_MAX + 1];   /* build */
    char library[TDM_TAG_VALUE_MAX + 1]; /* blynk */
};

/* Parses a tag that starts at data (marker first). Returns its length, both closing NULs included, or
 * TDM_E_TAG (not a tag by the scanner's rules), TDM_E_TRUNCATED (no two NULs within bytes), TDM_E_ROOM (a
 * value longer than TDM_TAG_VALUE_MAX or a tag longer than TDM_TAG_MAX). Unknown keys are skipped. */
TDM_MUST_USE int tdm_tag_parse(struct tdm_tag *tag, const void *data, size_t bytes);

/* Finds the first tag that parses in a file in memory. Returns its offset or TDM_E_NOT_FOUND. */
TDM_MUST_USE long tdm_tag_find(struct tdm_tag *tag, const void *data, size_t bytes);

/* Finds the first tag in a stream fed in pieces of any size. */
struct tdm_tag_scanner {
    char window[TDM_TAG_MAX];
    size_t length;
    uint32_t offset; /* of window[0] in the stream */
};
void tdm_tag_scanner_init(struct tdm_tag_scanner *scanner);
/* TDM_OK when tag was found (offset of the tag in scanner->offset), TDM_E_NOT_FOUND while it was not. */
TDM_MUST_USE int tdm_tag_scanner_feed(struct tdm_tag_scanner *scanner, const void *data, size_t bytes,
                                      struct tdm_tag *tag);

/* Builds a tag from the non-empty values (version and type must be given). Returns its length, or
 * TDM_E_ARGUMENT (a value is empty where it must not be, too long, or has a character outside of the
 * scanner's), TDM_E_ROOM. */
TDM_MUST_USE int tdm_tag_build(const struct tdm_tag *tag, void *to, size_t capacity);

#endif
