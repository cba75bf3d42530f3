/* Texts of the status codes, from the one list in the header. */
#include "tandem/rpc.h"

const char *tdm_status_text(uint8_t status)
{
    switch (status) {
#define STATUS_TEXT(name, value, text)                                                                       \
    case TDM_STATUS_##name:                                                                                  \
        return text;
        TDM_STATUSES(STATUS_TEXT)
#undef STATUS_TEXT
    default:
        return "unknown status";
    }
}
