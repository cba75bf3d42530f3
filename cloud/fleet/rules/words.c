#include "cloud/fleet/rules/words.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *slug;
    const char *text;
} statuses[] = {
#define TARGET_STATUS_ROW(name, slug, text) {slug, text},
    TARGET_STATUSES(TARGET_STATUS_ROW)
#undef TARGET_STATUS_ROW
};

const char *status_slug(enum target_status status)
{
    return statuses[status].slug;
}

const char *status_text(enum target_status status)
{
    return statuses[status].text;
}

static const char *const form_slugs[] = {
#define FORM_KIND_SLUG(name, slug) slug,
    FORM_KINDS(FORM_KIND_SLUG)
#undef FORM_KIND_SLUG
};

const char *status_form_slug(enum form_kind form)
{
    return form_slugs[form];
}

static const char *const stage_slugs[] = {
#define TARGET_STAGE_SLUG(name, slug) slug,
    TARGET_STAGES(TARGET_STAGE_SLUG)
#undef TARGET_STAGE_SLUG
};

const char *status_stage_slug(enum target_stage stage)
{
    return stage_slugs[stage];
}

enum target_stage status_stage_parse(const char *slug)
{
    for (size_t i = TARGET_STAGE_RECEIVED; i <= TARGET_STAGE_INSTALLED; i++) {
        if (strcmp(slug, stage_slugs[i]) == 0)
            return (enum target_stage)i;
    }
    return TARGET_STAGE_NONE;
}

const char *shipment_state_slug(enum shipment_state state)
{
    static const char *const slugs[] = {
#define SHIPMENT_STATE_SLUG(name, slug) slug,
        SHIPMENT_STATES(SHIPMENT_STATE_SLUG)
#undef SHIPMENT_STATE_SLUG
    };
    return slugs[state];
}

const char *shipment_condition_slug(enum shipment_condition condition)
{
    static const char *const slugs[] = {
#define SHIPMENT_CONDITION_SLUG(name, slug, text) slug,
        SHIPMENT_CONDITIONS(SHIPMENT_CONDITION_SLUG)
#undef SHIPMENT_CONDITION_SLUG
    };
    return slugs[condition];
}
