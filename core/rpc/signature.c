/* Fields against a signature. */
#include "tandem/rpc.h"

/* Passes over one field; false if the type is unknown. */
static bool skip_field(struct tdm_reader *fields, char type)
{
    uint16_t bytes;

    switch (type) {
    case '?':
    case 'B':
        (void)tdm_get_u8(fields);
        return true;
    case 'H':
    case 'h':
        (void)tdm_get_u16(fields);
        return true;
    case 'I':
        (void)tdm_get_u32(fields);
        return true;
    case 'q':
        (void)tdm_get_i64(fields);
        return true;
    case 's':
        (void)tdm_get_string(fields);
        return true;
    case 'b':
        (void)tdm_get_binary(fields, &bytes);
        return true;
    default:
        return false;
    }
}

bool tdm_signature_matches(const char *signature, const uint8_t *fields, size_t bytes)
{
    struct tdm_reader reader;

    tdm_reader_init(&reader, fields, bytes);
    for (; *signature != 0; signature++)
        if (!skip_field(&reader, *signature))
            return false;
    return tdm_reader_done(&reader);
}
