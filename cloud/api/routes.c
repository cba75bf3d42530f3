#include "cloud/api/api.h"

#include <stdio.h>
#include <string.h>

#include "cloud/text.h"

#define V1 "/api/v1"

/* clang-format off */
/* The whole interface: method, pattern, operation, kind, status, least role, area, parameters, handler.
 * docs/openapi.json describes the same operations. */
static const struct route routes[] = {
    {"GET", "/health", "getHealth", ROUTE_HEALTH, 200, ROLE_ANYBODY, AREA_SELF, "", NULL},
    {"GET", "/metrics", "getMetrics", ROUTE_METRICS, 200, ROLE_HOST, AREA_METRICS, "", NULL},
    {"GET", V1 "/openapi.json", "getOpenapi", ROUTE_OPENAPI, 200, ROLE_ANYBODY, AREA_SELF, "", NULL},
    {"HEAD", "/health", "headHealth", ROUTE_HEALTH, 200, ROLE_ANYBODY, AREA_SELF, "", NULL},
    {"GET", "/firmware/:f", "download", ROUTE_DOWNLOAD, 200, ROLE_ANYBODY, AREA_SELF, "token", NULL},
    {"HEAD", "/firmware/:f", "headDownload", ROUTE_DOWNLOAD, 200, ROLE_ANYBODY, AREA_SELF, "token", NULL},

    {"POST", V1 "/devices", "createDevice", ROUTE_JSON, 201, ROLE_OPERATOR, AREA_DEVICES, "", api_device_create},
    {"GET", V1 "/devices", "listDevices", ROUTE_JSON, 200, ROLE_VIEWER, AREA_DEVICES, "template filter sort limit cursor count", api_device_list},
    {"GET", V1 "/templates", "listTemplates", ROUTE_JSON, 200, ROLE_VIEWER, AREA_DEVICES, "", api_template_list},
    {"GET", V1 "/devices/:d", "getDevice", ROUTE_JSON, 200, ROLE_VIEWER, AREA_DEVICES, "", api_device_show},
    {"PATCH", V1 "/devices/:d", "changeDevice", ROUTE_JSON, 200, ROLE_OPERATOR, AREA_DEVICES, "", api_device_change},
    {"GET", V1 "/devices/:d/why", "explainDevice", ROUTE_JSON, 200, ROLE_VIEWER, AREA_DEVICES, "", api_device_why},
    {"POST", V1 "/devices/:d/consent", "consentDevice", ROUTE_JSON, 200, ROLE_OPERATOR, AREA_DEVICES, "", api_device_consent},
    {"POST", V1 "/devices/:d/decline", "declineDevice", ROUTE_JSON, 200, ROLE_OPERATOR, AREA_DEVICES, "", api_device_decline},
    {"POST", V1 "/devices/:d/token", "renewDeviceToken", ROUTE_JSON, 201, ROLE_OPERATOR, AREA_DEVICES, "", api_device_token_renew},
    {"DELETE", V1 "/devices/:d/token", "revokeDeviceToken", ROUTE_JSON, 204, ROLE_OPERATOR, AREA_DEVICES, "", api_device_token_revoke},
    {"DELETE", V1 "/devices/:d", "deleteDevice", ROUTE_JSON, 204, ROLE_OPERATOR, AREA_DEVICES, "", api_device_delete},

    {"GET", V1 "/devices/:d/values", "getValues", ROUTE_JSON, 200, ROLE_VIEWER, AREA_DEVICES, "", api_values_show},
    {"PATCH", V1 "/devices/:d/values", "setValues", ROUTE_JSON, 204, ROLE_OPERATOR, AREA_DEVICES, "", api_values_set},
    {"POST", V1 "/devices/:d/ping", "pingDevice", ROUTE_JSON, 202, ROLE_OPERATOR, AREA_DEVICES, "", api_device_ping},
    {"POST", V1 "/devices/:d/reboot", "rebootDevice", ROUTE_JSON, 202, ROLE_OPERATOR, AREA_DEVICES, "", api_device_reboot},
    {"POST", V1 "/devices/:d/redirect", "redirectDevice", ROUTE_JSON, 202, ROLE_OPERATOR, AREA_DEVICES, "", api_device_redirect},

    {"POST", V1 "/firmware", "uploadFirmware", ROUTE_UPLOAD, 201, ROLE_OPERATOR, AREA_FIRMWARE, "name", api_firmware_upload},
    {"GET", V1 "/firmware", "listFirmware", ROUTE_JSON, 200, ROLE_VIEWER, AREA_FIRMWARE, "limit cursor", api_firmware_list},
    {"GET", V1 "/firmware/:f", "getFirmware", ROUTE_JSON, 200, ROLE_VIEWER, AREA_FIRMWARE, "", api_firmware_show},
    {"GET", V1 "/firmware/:f/deltas", "listDeltas", ROUTE_JSON, 200, ROLE_VIEWER, AREA_FIRMWARE, "", api_firmware_deltas},
    {"DELETE", V1 "/firmware/:f", "deleteFirmware", ROUTE_JSON, 204, ROLE_OPERATOR, AREA_FIRMWARE, "", api_firmware_delete},

    {"POST", V1 "/shipments", "createShipment", ROUTE_JSON, 201, ROLE_OPERATOR, AREA_SHIPMENTS, "", api_shipment_create},
    {"POST", V1 "/shipments/preview", "previewShipment", ROUTE_JSON, 200, ROLE_VIEWER, AREA_SHIPMENTS, "limit cursor rule", api_shipment_preview},
    {"GET", V1 "/shipments", "listShipments", ROUTE_JSON, 200, ROLE_VIEWER, AREA_SHIPMENTS, "state limit cursor", api_shipment_list},
    {"GET", V1 "/shipments/:s", "getShipment", ROUTE_JSON, 200, ROLE_VIEWER, AREA_SHIPMENTS, "", api_shipment_show},
    {"POST", V1 "/shipments/:s/pause", "pauseShipment", ROUTE_JSON, 200, ROLE_OPERATOR, AREA_SHIPMENTS, "", api_shipment_pause},
    {"POST", V1 "/shipments/:s/resume", "resumeShipment", ROUTE_JSON, 200, ROLE_OPERATOR, AREA_SHIPMENTS, "", api_shipment_resume},
    {"POST", V1 "/shipments/:s/cancel", "cancelShipment", ROUTE_JSON, 200, ROLE_OPERATOR, AREA_SHIPMENTS, "", api_shipment_cancel},
    {"POST", V1 "/shipments/:s/advance", "advanceShipment", ROUTE_JSON, 200, ROLE_OPERATOR, AREA_SHIPMENTS, "", api_shipment_advance},
    {"GET", V1 "/shipments/:s/devices", "listShipmentDevices", ROUTE_JSON, 200, ROLE_VIEWER, AREA_SHIPMENTS, "status limit cursor", api_shipment_devices},
    {"GET", V1 "/shipments/:s/report", "reportShipment", ROUTE_JSON, 200, ROLE_VIEWER, AREA_SHIPMENTS, "format", api_shipment_report},
    {"POST", V1 "/shipments/:s/revert", "revertShipment", ROUTE_JSON, 201, ROLE_OPERATOR, AREA_SHIPMENTS, "", api_shipment_revert},
    {"GET", V1 "/shipments/:s/chart", "chartShipment", ROUTE_JSON, 200, ROLE_VIEWER, AREA_SHIPMENTS, "", api_shipment_chart},
    {"GET", V1 "/overview", "getOverview", ROUTE_JSON, 200, ROLE_VIEWER, AREA_DEVICES, "", api_overview},
    {"GET", V1 "/failures", "listFailures", ROUTE_JSON, 200, ROLE_VIEWER, AREA_SHIPMENTS, "limit cursor", api_failure_list},
    {"GET", V1 "/charts/versions", "chartVersions", ROUTE_JSON, 200, ROLE_VIEWER, AREA_DEVICES, "template hours", api_chart_versions},
    {"DELETE", V1 "/shipments/:s", "deleteShipment", ROUTE_JSON, 204, ROLE_OPERATOR, AREA_SHIPMENTS, "", api_shipment_delete},

    {"POST", V1 "/keys", "createKey", ROUTE_JSON, 201, ROLE_ADMIN, AREA_FIRMWARE, "", api_key_create},
    {"GET", V1 "/keys", "listKeys", ROUTE_JSON, 200, ROLE_VIEWER, AREA_FIRMWARE, "", api_key_list},
    {"DELETE", V1 "/keys/:k", "deleteKey", ROUTE_JSON, 204, ROLE_ADMIN, AREA_FIRMWARE, "", api_key_delete},
    {"GET", V1 "/retention", "getRetention", ROUTE_JSON, 200, ROLE_VIEWER, AREA_FIRMWARE, "", api_retention_show},
    {"PUT", V1 "/retention", "setRetention", ROUTE_JSON, 200, ROLE_ADMIN, AREA_FIRMWARE, "", api_retention_set},

    {"POST", V1 "/filters", "createFilter", ROUTE_JSON, 201, ROLE_OPERATOR, AREA_DEVICES, "", api_filter_create},
    {"GET", V1 "/filters", "listFilters", ROUTE_JSON, 200, ROLE_VIEWER, AREA_DEVICES, "", api_filter_list},
    {"GET", V1 "/filters/:q", "getFilter", ROUTE_JSON, 200, ROLE_VIEWER, AREA_DEVICES, "", api_filter_show},
    {"PUT", V1 "/filters/:q", "changeFilter", ROUTE_JSON, 200, ROLE_OPERATOR, AREA_DEVICES, "", api_filter_change},
    {"DELETE", V1 "/filters/:q", "deleteFilter", ROUTE_JSON, 204, ROLE_OPERATOR, AREA_DEVICES, "", api_filter_delete},

    {"GET", V1 "/events", "watch", ROUTE_EVENTS, 200, ROLE_VIEWER, AREA_EVENTS, "", NULL},

    {"GET", V1 "/sign-in", "getSignIn", ROUTE_JSON, 200, ROLE_ANYBODY, AREA_SELF, "", api_sign_in_show},
    {"GET", V1 "/session/oidc", "beginSignIn", ROUTE_OIDC, 302, ROLE_ANYBODY, AREA_SELF, "", api_oidc_begin},
    {"GET", V1 "/session/oidc/callback", "endSignIn", ROUTE_OIDC, 303, ROLE_ANYBODY, AREA_SELF, "*", api_oidc_end},
    {"POST", V1 "/session", "signIn", ROUTE_JSON, 201, ROLE_ANYBODY, AREA_SELF, "", api_session_begin},
    {"GET", V1 "/session", "getSession", ROUTE_JSON, 200, ROLE_PERSON, AREA_SELF, "", api_session_show},
    {"DELETE", V1 "/session", "signOut", ROUTE_JSON, 204, ROLE_PERSON, AREA_SELF, "", api_session_end},
    {"PUT", V1 "/session/password", "changePassword", ROUTE_JSON, 204, ROLE_PERSON, AREA_SELF, "", api_session_password},
    {"GET", V1 "/sessions", "listSessions", ROUTE_JSON, 200, ROLE_VIEWER, AREA_PEOPLE, "limit cursor", api_session_list},
    {"DELETE", V1 "/sessions/:n", "endSession", ROUTE_JSON, 204, ROLE_VIEWER, AREA_PEOPLE, "", api_session_delete},

    {"POST", V1 "/users", "createUser", ROUTE_JSON, 201, ROLE_ADMIN, AREA_PEOPLE, "", api_user_create},
    {"GET", V1 "/users", "listUsers", ROUTE_JSON, 200, ROLE_ADMIN, AREA_PEOPLE, "limit cursor", api_user_list},
    {"GET", V1 "/users/:u", "getUser", ROUTE_JSON, 200, ROLE_ADMIN, AREA_PEOPLE, "", api_user_show},
    {"PATCH", V1 "/users/:u", "changeUser", ROUTE_JSON, 200, ROLE_ADMIN, AREA_PEOPLE, "", api_user_change},
    {"DELETE", V1 "/users/:u", "deleteUser", ROUTE_JSON, 204, ROLE_ADMIN, AREA_PEOPLE, "", api_user_delete},
    {"POST", V1 "/users/:u/password", "resetPassword", ROUTE_JSON, 200, ROLE_ADMIN, AREA_PEOPLE, "", api_user_password},

    {"POST", V1 "/tokens", "createToken", ROUTE_JSON, 201, ROLE_VIEWER, AREA_PEOPLE, "", api_token_create},
    {"GET", V1 "/tokens", "listTokens", ROUTE_JSON, 200, ROLE_VIEWER, AREA_PEOPLE, "limit cursor", api_token_list},
    {"DELETE", V1 "/tokens/:t", "deleteToken", ROUTE_JSON, 204, ROLE_VIEWER, AREA_PEOPLE, "", api_token_delete},

    {"POST", V1 "/webhooks", "createWebhook", ROUTE_JSON, 201, ROLE_ADMIN, AREA_WEBHOOKS, "", api_webhook_create},
    {"GET", V1 "/webhooks", "listWebhooks", ROUTE_JSON, 200, ROLE_ADMIN, AREA_WEBHOOKS, "limit cursor", api_webhook_list},
    {"GET", V1 "/webhooks/:w", "getWebhook", ROUTE_JSON, 200, ROLE_ADMIN, AREA_WEBHOOKS, "", api_webhook_show},
    {"PATCH", V1 "/webhooks/:w", "changeWebhook", ROUTE_JSON, 200, ROLE_ADMIN, AREA_WEBHOOKS, "", api_webhook_change},
    {"DELETE", V1 "/webhooks/:w", "deleteWebhook", ROUTE_JSON, 204, ROLE_ADMIN, AREA_WEBHOOKS, "", api_webhook_delete},
    {"POST", V1 "/webhooks/:w/test", "testWebhook", ROUTE_JSON, 202, ROLE_ADMIN, AREA_WEBHOOKS, "", api_webhook_test},
    {"GET", V1 "/webhooks/:w/deliveries", "listDeliveries", ROUTE_JSON, 200, ROLE_ADMIN, AREA_WEBHOOKS, "limit cursor", api_webhook_deliveries},

    {"GET", V1 "/audit", "listAudit", ROUTE_JSON, 200, ROLE_ADMIN, AREA_AUDIT, "limit cursor user", api_audit_list},

    {"GET", V1 "/organization", "getOwnOrganization", ROUTE_JSON, 200, ROLE_VIEWER, AREA_PEOPLE, "", api_organization_own},
    {"PATCH", V1 "/organization", "changeOwnOrganization", ROUTE_JSON, 200, ROLE_ADMIN, AREA_PEOPLE, "", api_organization_change},
    {"POST", V1 "/organizations", "createOrganization", ROUTE_JSON, 201, ROLE_HOST, AREA_PEOPLE, "", api_organization_create},
    {"GET", V1 "/organizations", "listOrganizations", ROUTE_JSON, 200, ROLE_HOST, AREA_PEOPLE, "limit cursor", api_organization_list},
    {"GET", V1 "/organizations/:o", "getOrganization", ROUTE_JSON, 200, ROLE_HOST, AREA_PEOPLE, "", api_organization_show},
    {"DELETE", V1 "/organizations/:o", "deleteOrganization", ROUTE_JSON, 204, ROLE_HOST, AREA_PEOPLE, "", api_organization_delete},
};
/* clang-format on */

/* Compares segment by segment; an id segment goes to *id. */
static bool matches(const char *pattern, const char *path, int64_t *id)
{
    while (*pattern == '/' && *path == '/') {
        size_t want = strcspn(++pattern, "/");
        size_t have = strcspn(++path, "/");
        if (pattern[0] == ':') {
            char segment[TEXT_ID_MAX];
            if (have == 0 || have >= sizeof segment)
                return false;
            memcpy(segment, path, have);
            segment[have] = '\0';
            *id = text_id_parse(pattern[1], segment);
        } else if (want != have || memcmp(pattern, path, want) != 0) {
            return false;
        }
        pattern += want;
        path += have;
    }
    return *pattern == '\0' && *path == '\0';
}

/* HEAD is GET without its body (RFC 9110, section 9.3.2); not where a GET does more than read. */
static bool has_head(const struct route *route)
{
    return strcmp(route->method, "GET") == 0 &&
           (route->kind == ROUTE_JSON || route->kind == ROUTE_METRICS || route->kind == ROUTE_OPENAPI);
}

static const struct route *find(const char *method, const char *path, int64_t *id)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        *id = 0;
        if (strcmp(routes[i].method, method) == 0 && matches(routes[i].pattern, path, id))
            return &routes[i];
    }
    return NULL;
}

const struct route *route_find(const char *method, const char *path, int64_t *id)
{
    const struct route *route = find(method, path, id);
    if (route != NULL || strcmp(method, "HEAD") != 0)
        return route;
    route = find("GET", path, id);
    return route != NULL && has_head(route) ? route : NULL;
}

const struct route *route_at(size_t index)
{
    return index < sizeof routes / sizeof routes[0] ? &routes[index] : NULL;
}

bool route_takes(const struct route *route, const char *parameter)
{
    size_t length = strlen(parameter);
    for (const char *name = route->parameters; *name != '\0'; name += strspn(name, " ")) {
        size_t bytes = strcspn(name, " ");
        if (bytes == length && memcmp(name, parameter, bytes) == 0)
            return true;
        name += bytes;
    }
    return false;
}

const char *route_methods(const char *path, char to[ROUTE_METHODS_MAX])
{
    int64_t id;
    size_t length = 0;
    to[0] = '\0';
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (matches(routes[i].pattern, path, &id))
            length +=
                (size_t)snprintf(to + length, ROUTE_METHODS_MAX - length, "%s%s%s", length > 0 ? ", " : "",
                                 routes[i].method, has_head(&routes[i]) ? ", HEAD" : "");
    }
    return to;
}
