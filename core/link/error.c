/* Names and texts of the error codes, from the one list in the header. */
#include "tandem/error.h"

const char *tdm_error_text(int code)
{
    switch (code) {
#define ERROR_TEXT(name, value, text)                                                                        \
    case TDM_##name:                                                                                         \
        return text;
        TDM_ERRORS(ERROR_TEXT)
#undef ERROR_TEXT
    default:
        return "unknown error";
    }
}

const char *tdm_error_name(int code)
{
    switch (code) {
#define ERROR_NAME(name, value, text)                                                                        \
    case TDM_##name:                                                                                         \
        return #name;
        TDM_ERRORS(ERROR_NAME)
#undef ERROR_NAME
    default:
        return "?";
    }
}
