/* What people and programs may do, as data: a role and the areas that it holds in. */
#ifndef TANDEM_CLOUD_ROLE_H
#define TANDEM_CLOUD_ROLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In rising order; the numbers are stored: append only. X(NAME, slug) */
#define ROLES(X)                                                                                             \
    X(VIEWER, "viewer")                                                                                      \
    X(OPERATOR, "operator")                                                                                  \
    X(ADMIN, "admin")

enum role {
#define ROLE_ENUM(name, slug) ROLE_##name,
    ROLES(ROLE_ENUM)
#undef ROLE_ENUM
        ROLE_COUNT,
    /* What a route may ask beyond a role: */
    ROLE_HOST = ROLE_COUNT, /* an admin of the server's own organization, the first */
    ROLE_ANYBODY,           /* no sign-in */
    ROLE_PERSON,            /* whoever is signed in, even with a one-time password */
};

/* Parts of the interface that a token can be confined to. Stored as bits: append only. X(NAME, slug) */
#define AREAS(X)                                                                                             \
    X(DEVICES, "devices")                                                                                    \
    X(FIRMWARE, "firmware")                                                                                  \
    X(SHIPMENTS, "shipments")                                                                                \
    X(PEOPLE, "people")                                                                                      \
    X(AUDIT, "audit")                                                                                        \
    X(WEBHOOKS, "webhooks")                                                                                  \
    X(METRICS, "metrics")                                                                                    \
    X(EVENTS, "events")

enum area {
#define AREA_ENUM(name, slug) AREA_##name,
    AREAS(AREA_ENUM)
#undef AREA_ENUM
        AREA_COUNT,
    AREA_SELF = AREA_COUNT, /* what everybody may: no token is without it */
};

#define AREAS_ALL ((uint32_t)((1U << AREA_COUNT) - 1))

const char *role_slug(enum role role);
/* False if slug names no role. */
bool role_parse(const char *slug, enum role *role);

const char *area_slug(enum area area);
bool area_parse(const char *slug, enum area *area);

/* Whether somebody with this role, in the server's own organization or another, reaches what least asks for.
 */
bool role_reaches(enum role role, bool host, enum role least);

#endif
