/* Reasons: why an update was refused, failed or rolled back, as the device, the co-processor and the cloud
 * say it.
 *
 * One list. The number travels in the device report (docs/EXTENSIONS.md) and stands in the boot record; the
 * slug travels in JSON and is what the cloud stores. Numbers are never reused. */
#ifndef TANDEM_REASON_H
#define TANDEM_REASON_H

#include <stdint.h>

/* X(NAME, number, slug, text) */
#define TDM_REASONS(X)                                                                                       \
    X(NONE, 0, "none", "nothing to report")                                                                  \
    X(TYPE, 1, "wrong-type", "the firmware is for another firmware type")                                    \
    X(HARDWARE, 2, "wrong-hardware", "the firmware is for other hardware")                                   \
    X(VERSION, 3, "version-refused", "the device's version rule refuses this version")                       \
    X(SIZE, 4, "too-large", "the firmware does not fit")                                                     \
    X(BATTERY, 5, "low-battery", "the battery is below the threshold")                                       \
    X(NOT_NOW, 6, "not-now", "the product asked to wait")                                                    \
    X(REJECTED_BEFORE, 7, "rejected-before", "this image failed on this device before")                      \
    X(PACKAGE, 8, "bad-package", "not a valid package")                                                      \
    X(KEY, 9, "unknown-key", "signed by a key the device does not hold")                                     \
    X(SIGNATURE, 10, "bad-signature", "the signature does not match")                                        \
    X(COUNTER, 11, "older-counter", "the security counter is below the confirmed one")                       \
    X(BASE, 12, "wrong-base", "the delta is made for another running image")                                 \
    X(ENCODING, 13, "unknown-encoding", "the device cannot decode this payload")                             \
    X(RELOCATIONS, 14, "bad-relocations", "the relocation table is wrong")                                   \
    X(DIGEST, 15, "bad-digest", "what arrived is not what was signed")                                       \
    X(FLASH, 16, "flash-error", "the flash could not be written")                                            \
    X(SILENCE, 17, "silence", "the co-processor stopped sending")                                            \
    X(CANCELLED, 18, "cancelled", "the co-processor cancelled the update")                                   \
    X(CHUNK, 19, "bad-chunk", "a chunk was out of order or damaged")                                         \
    X(START_REFUSED, 20, "start-refused", "the co-processor refused to start")                               \
    X(UNSIGNED, 21, "unsigned", "the firmware is not signed and the device requires a signature")            \
    X(LINK_ADDRESS, 22, "wrong-link-address", "the image is linked for another address")                     \
    X(NOT_CONFIRMED, 23, "on-trial", "an image on trial takes no update")                                    \
    X(ALREADY_RUNNING, 24, "already-running", "this very image runs, and is confirmed")                      \
    X(SELF_TEST, 32, "self-test-failed", "the new firmware failed its self-test")                            \
    X(SELF_TEST_TIME, 33, "self-test-timeout", "the self-test did not finish in time")                       \
    X(WATCHDOG, 34, "watchdog", "the watchdog reset the new firmware in every attempt")                      \
    X(FAULT, 35, "fault", "the new firmware crashed in every attempt")                                       \
    X(NO_LINK, 36, "no-link", "the new firmware did not reach the co-processor in any attempt")              \
    X(POWER, 37, "power-lost", "power was lost in every attempt")                                            \
    X(BANK_INVALID, 38, "bank-invalid", "the bank did not verify at boot")                                   \
    X(ACTIVE_INVALID, 39, "active-invalid", "the confirmed image no longer verifies; the other bank runs")   \
    X(RECORD_LOST, 40, "record-lost", "the boot record was lost and rebuilt")                                \
    X(RECOVERY, 41, "recovered", "the bootloader fetched the firmware through the co-processor")             \
    X(RESTARTED, 42, "restarted", "the new firmware restarted without confirming in every attempt")          \
    X(NO_START, 64, "device-did-not-start", "the device accepted the offer and never asked for data")        \
    X(OFFER_REFUSED, 65, "offer-refused", "the device refused the offer")                                    \
    X(NO_ANSWER, 66, "device-silent", "the device stopped answering")                                        \
    X(WRITE_REFUSED, 67, "write-refused", "the device refused a chunk five times")                           \
    X(FINISH_REFUSED, 68, "finish-refused", "the device refused the finished firmware")                      \
    X(DOWNLOAD, 69, "download-failed", "the firmware could not be downloaded")                               \
    X(DOWNLOAD_DIGEST, 70, "download-corrupt", "the downloaded file does not match its digest")              \
    X(STORAGE, 71, "no-space", "the co-processor could not store the file")                                  \
    X(SUPERSEDED, 72, "superseded", "a newer offer replaced this one")                                       \
    X(NCP_RESTART, 73, "co-processor-restarted", "the co-processor restarted")                               \
    X(EXPIRED, 74, "expired", "the update took longer than the co-processor's limit")

enum tdm_reason {
#define TDM_REASON_ENUM(name, number, slug, text) TDM_REASON_##name = (number),
    TDM_REASONS(TDM_REASON_ENUM)
#undef TDM_REASON_ENUM
};

/* Slug and text of a reason, never NULL ("unknown" outside the list). Static storage. */
const char *tdm_reason_slug(uint8_t reason);
const char *tdm_reason_text(uint8_t reason);

/* The reason that a negative tdm_error stands for when it ends an update, TDM_REASON_PACKAGE if none fits
 * better. */
uint8_t tdm_reason_of_error(int error);

#endif
