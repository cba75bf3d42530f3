/* The process that makes one form: tandem-cloud once more, with bounded memory and time. What kills it kills
 * nothing else.
 *
 *     tandem-cloud make-form PACKAGE BASE|- TO MIB SECONDS
 *
 * It writes the encoded package to TO, on disk when it ends, and one line to standard output:
 * `bytes sha256 md5`. Its exit status is an enum worker_result. */
#ifndef TANDEM_CLOUD_WORKER_H
#define TANDEM_CLOUD_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "cloud/store/records.h"

/* X(NAME, slug, what operators read). The first are exit statuses; CRASHED and TIME are how it is found dead,
 * FILES and NO_GAIN are the maker's. */
#define WORKER_RESULTS(X)                                                                                    \
    X(READY, "ready", "made")                                                                                \
    X(MEMORY, "memory", "more memory is needed than --deltas-memory allows")                                 \
    X(DISK, "disk", "it could not be written: see whether the disk is full")                                 \
    X(WRONG, "wrong", "package and base are not what was uploaded, or do not decode to the signed image")    \
    X(CRASHED, "crashed", "the process that made it ended before it was done")                               \
    X(TIME, "time", "it took longer than --deltas-seconds allows")                                           \
    X(FILES, "files", "a file could not be fetched from or kept in --files")                                 \
    X(NO_GAIN, "no-gain", "it is hardly smaller than the plain package")

enum worker_result {
#define WORKER_RESULT_ENUM(name, slug, text) WORKER_##name,
    WORKER_RESULTS(WORKER_RESULT_ENUM)
#undef WORKER_RESULT_ENUM
        WORKER_RESULTS_COUNT
};

const char *worker_slug(enum worker_result result);
const char *worker_text(enum worker_result result);

#define WORKER_COMMAND  "make-form"
#define WORKER_LINE_MAX 160

struct worker_output {
    int64_t bytes;
    uint8_t sha256[RECORD_DIGEST_BYTES];
    uint8_t md5[16];
};

bool worker_is_command(int argc, char **argv);
/* Runs it, and returns the exit status. */
int worker_run(int argc, char **argv);
/* The line that it printed; false for anything else. */
bool worker_line_parse(const char *line, struct worker_output *output);

#endif
