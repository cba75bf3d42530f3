#include "cloud/people/role.h"

#include <string.h>

static const char *const role_slugs[] = {
#define ROLE_SLUG(name, slug) slug,
    ROLES(ROLE_SLUG)
#undef ROLE_SLUG
};

static const char *const area_slugs[] = {
#define AREA_SLUG(name, slug) slug,
    AREAS(AREA_SLUG)
#undef AREA_SLUG
};

/* The place of slug in a list, or count. */
static size_t find(const char *const *slugs, size_t count, const char *slug)
{
    size_t i = 0;
    while (i < count && strcmp(slugs[i], slug) != 0)
        i++;
    return i;
}

const char *role_slug(enum role role)
{
    return role_slugs[role];
}

bool role_parse(const char *slug, enum role *role)
{
    size_t found = find(role_slugs, ROLE_COUNT, slug);
    if (found < ROLE_COUNT)
        *role = (enum role)found;
    return found < ROLE_COUNT;
}

const char *area_slug(enum area area)
{
    return area_slugs[area];
}

bool area_parse(const char *slug, enum area *area)
{
    size_t found = find(area_slugs, AREA_COUNT, slug);
    if (found < AREA_COUNT)
        *area = (enum area)found;
    return found < AREA_COUNT;
}

bool role_reaches(enum role role, bool host, enum role least)
{
    switch (least) {
    case ROLE_ANYBODY:
    case ROLE_PERSON:
        return true;
    case ROLE_HOST:
        return host && role == ROLE_ADMIN;
    default:
        return role >= least;
    }
}
