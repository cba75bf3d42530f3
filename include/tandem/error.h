/* Error codes of the device library: one list gives the enum, the names and the texts.
 *
 * Every function that can fail returns int: TDM_OK (0), a positive count where its header says so, or
 * one of these negative codes. Results are must-use (TDM_MUST_USE). */
#ifndef TANDEM_ERROR_H
#define TANDEM_ERROR_H

#if defined(__GNUC__)
#define TDM_MUST_USE __attribute__((warn_unused_result))
#else
#define TDM_MUST_USE
#endif

/* X(name, value, text) */
#define TDM_ERRORS(X)                                                                                        \
    X(OK, 0, "success")                                                                                      \
    X(E_ARGUMENT, -1, "an argument is outside of what the function accepts")                                 \
    X(E_ROOM, -2, "the buffer or region is too small")                                                       \
    X(E_TIMEOUT, -3, "no answer within the time limit")                                                      \
    X(E_STATUS, -4, "the peer answered with an error status")                                                \
    X(E_FORMAT, -5, "the data is not in the expected format")                                                \
    X(E_TRUNCATED, -6, "the data ends too early")                                                            \
    X(E_NOT_FOUND, -7, "not found")                                                                          \
    X(E_BUSY, -8, "busy with something else; try again later")                                               \
    X(E_STATE, -9, "not allowed in this state")                                                              \
    X(E_CANCELLED, -10, "cancelled")                                                                         \
    X(E_FLASH_READ, -20, "flash could not be read (ECC or bus error)")                                       \
    X(E_FLASH_ERASE, -21, "flash could not be erased")                                                       \
    X(E_FLASH_PROGRAM, -22, "flash could not be programmed, or reads back differently")                      \
    X(E_NO_RECORD, -23, "no valid boot record entry")                                                        \
    X(E_NO_HEADER, -30, "the bank holds no image header")                                                    \
    X(E_VERSION, -31, "a format version that this build does not know")                                      \
    X(E_ENCODING, -32, "a payload encoding that this build does not know")                                   \
    X(E_MANIFEST, -33, "the manifest is malformed or incomplete")                                            \
    X(E_TAG, -34, "the firmware tag is malformed or disagrees with the manifest")                            \
    X(E_KEY, -35, "signed by a key that this device does not hold, or that was revoked")                     \
    X(E_SIGNATURE, -36, "the signature does not match")                                                      \
    X(E_RELOCATIONS, -37, "the relocation table is malformed or its digest differs")                         \
    X(E_DIGEST, -38, "the image digest differs from the manifest")                                           \
    X(E_SIZE, -39, "the image does not fit into the bank")                                                   \
    X(E_LINK_ADDRESS, -40, "the image is linked for another address and carries no relocations")             \
    X(E_VECTOR, -41, "the image has no usable vector table")                                                 \
    X(E_COUNTER, -42, "the security counter is below the one already confirmed")                             \
    X(E_PAYLOAD, -43, "the encoded payload is malformed")                                                    \
    X(E_BASE, -44, "a delta that is made for another image than the one that runs")

enum tdm_error {
#define TDM_ERROR_ENUM(name, value, text) TDM_##name = (value),
    TDM_ERRORS(TDM_ERROR_ENUM)
#undef TDM_ERROR_ENUM
};

/* English text of a code, never NULL; "unknown error" for a code outside the list. Static storage. */
const char *tdm_error_text(int code);

/* Name of a code without the prefix ("E_SIGNATURE"), never NULL; "?" outside the list. Static storage. */
const char *tdm_error_name(int code);

#endif
