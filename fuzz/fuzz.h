/* What the targets share: their entry point, what they require, and an input that is read as a script. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What does not hold is a finding. */
static inline void require(bool holds)
{
    if (!holds)
        abort();
}

/* Bytes that say what happens next; behind their end all are 0. */
struct script {
    const uint8_t *at;
    size_t left;
};

static inline uint8_t script_next(struct script *script)
{
    if (script->left == 0)
        return 0;
    script->left--;
    return *script->at++;
}

#endif
