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
    if (tdm__choose_judge(c, bank) != TDM_OK) {
        return;
    }
    survey->marked = tdm_bank_mark_present(c->manifest.image_digest, config->layout, bank, config->flash);
    survey->counter = c->manifest.counter;
    if (survey->marked) {
        record->revoked_keys |= c->manifest.revoked_keys;
        if (record->counter_floor < survey->counter) {
            record->counter_floor = survey->counter;
        }
    }
}

/* Order of dotted versions: numbers by value, anything else by character. */
static int version_order(const char *a, const char *b)
{
    while (*a != '\0' || *b != '\0') {
        uint32_t x = 0, y = 0;

        while (*a >= '0' && *a <= '9') {
            x = x * 10 + (uint32_t)(*a++ - '0');
        }
        while (*b >= '0' && *b <= '9') {
            y = y * 10 + (uint32_t)(*b++ - '0');
        }
        if (x != y) {
            return x < y ? -1 : 1;
        }
        if (*a != *b) {
            return *a < *b ? -1 : 1;
        }
        if (*a != '\0') {
            a++;
            b++;
        }
    }
    return 0;
}

/* a with version is better than b with other_version. */
static bool is_better(const struct survey *a, const char *version, const struct survey *b,
                      const char *other_version)
{
    if (a->marked != b->marked) {
        return a->marked;
    }
    if (a->counter != b->counter) {
        return a->counter > b->counter;
    }
    return version_order(version, other_version) > 0;
}

void tdm__choose_rebuild(struct tdm__choose *c)
{
    struct survey first, second;
    char version[TDM_TAG_VALUE_MAX + 1]; /* of the first, while the second is judged */

    survey_bank(c, 0, &first);
    memcpy(version, c->manifest.version, sizeof version);
    survey_bank(c, 1, &second);
    c->first = is_better(&second, c->manifest.version, &first, version) ? 1 : 0;
}
