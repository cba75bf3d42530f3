/* Slugs and texts of the reasons, from the one list in the header. */
#include "tandem/reason.h"

#include "tandem/error.h"

const char *tdm_reason_slug(uint8_t reason)
{
    switch (reason) {
#define REASON_SLUG(name, number, slug, text)                                                                \
    case TDM_REASON_##name:                                                                                  \
        return slug;
        TDM_REASONS(REASON_SLUG)
#undef REASON_SLUG
    default:
        return "unknown";
    }
}

const char *tdm_reason_text(uint8_t reason)
{
    switch (reason) {
#define REASON_TEXT(name, number, slug, text)                                                                \
    case TDM_REASON_##name:                                                                                  \
        return text;
        TDM_REASONS(REASON_TEXT)
#undef REASON_TEXT
    default:
        return "unknown";
    }
}

uint8_t tdm_reason_of_error(int error)
{
    switch (error) {
    case TDM_E_TIMEOUT:
        return TDM_REASON_SILENCE;
    case TDM_E_CANCELLED:
        return TDM_REASON_CANCELLED;
    case TDM_E_FLASH_READ:
    case TDM_E_FLASH_ERASE:
    case TDM_E_FLASH_PROGRAM:
        return TDM_REASON_FLASH;
    case TDM_E_ENCODING:
        return TDM_REASON_ENCODING;
    case TDM_E_BASE:
        return TDM_REASON_BASE;
    case TDM_E_KEY:
        return TDM_REASON_KEY;
    case TDM_E_SIGNATURE:
        return TDM_REASON_SIGNATURE;
    case TDM_E_RELOCATIONS:
        return TDM_REASON_RELOCATIONS;
    case TDM_E_DIGEST:
        return TDM_REASON_DIGEST;
    case TDM_E_SIZE:
    case TDM_E_ROOM:
        return TDM_REASON_SIZE;
    case TDM_E_LINK_ADDRESS:
    case TDM_E_VECTOR:
        return TDM_REASON_LINK_ADDRESS;
    case TDM_E_COUNTER:
        return TDM_REASON_COUNTER;
    default:
        return TDM_REASON_PACKAGE;
    }
}
