/* Without a record both banks are judged by their own headers (docs/BOOT.md, "Rebuild"). */
#include "core/boot/choose.h"

#include <string.h>

struct survey {
    bool marked;
    uint32_t counter;
};

/* Judges a bank. What one with a confirm mark says about floor and keys was decided once, and holds again. */
static void survey_bank(struct tdm__choose *c, uint8_t bank, struct survey *survey)
{
    const struct tdm_boot_config *config = c->config;
    struct tdm_record *record = &c->log.record;

    memset(survey, 0, sizeof *survey);
    if (tdm__choose_judge(c, bank) != TDM_OK)
        return;
    survey->marked = tdm_bank_mark_present(c->manifest.image_digest, config->layout, bank, config->flash);
    survey->counter = c->manifest.counter;
    if (survey->marked) {
        record->revoked_keys |= c->manifest.revoked_keys;
        record->counter_floor = survey->counter; /* not below it: judged by it */
    }
}

/* By dotted versions: numbers by value, anything else by character. */
static bool is_newer(const char *a, const char *b)
{
    for (;; a++, b++) {
        uint32_t x = 0, y = 0;

        while (*a >= '0' && *a <= '9')
            x = x * 10 + (uint32_t)(*a++ - '0');
        while (*b >= '0' && *b <= '9')
            y = y * 10 + (uint32_t)(*b++ - '0');
        if (x != y)
            return x > y;
        if (*a != *b || *a == '\0')
            return *a > *b;
    }
}

/* a with version is better than b with other_version. */
static bool is_better(const struct survey *a, const char *version, const struct survey *b,
                      const char *other_version)
{
    if (a->marked != b->marked)
        return a->marked;
    if (a->counter != b->counter)
        return a->counter > b->counter;
    return is_newer(version, other_version);
}

void tdm__choose_rebuild(struct tdm__choose *c)
{
    struct survey first, second;
    char version[sizeof c->manifest.version]; /* of the first, while the second is judged */

    survey_bank(c, 0, &first);
    memcpy(version, c->manifest.version, sizeof version);
    survey_bank(c, 1, &second);
    c->first = is_better(&second, c->manifest.version, &first, version) ? 1 : 0;
}
