/* docs/openapi.json and the routes that the server has are the same, both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cloud/api/api.h"

static json_t *document;

static int load(void **state)
{
    (void)state;
    document = json_loadb((const char *)openapi_json, openapi_json_bytes, JSON_REJECT_DUPLICATES, NULL);
    return document == NULL;
}

static int unload(void **state)
{
    (void)state;
    json_decref(document);
    return 0;
}

/* The path as the file has it: "/devices/:d" is "/devices/{id}". */
static void path_of(const struct route *route, char to[128])
{
    size_t n = 0;
    for (const char *from = route->pattern; *from != '\0';) {
        if (*from == ':') {
            n += (size_t)snprintf(to + n, 128 - n, "{id}");
            from += 2;
        } else {
            to[n++] = *from++;
        }
    }
    to[n] = '\0';
}

static const json_t *operation_of(const struct route *route)
{
    char path[128];
    char method[16] = "";
    path_of(route, path);
    for (size_t i = 0; route->method[i] != '\0'; i++)
        method[i] = (char)tolower((unsigned char)route->method[i]);
    return json_object_get(json_object_get(json_object_get(document, "paths"), path), method);
}

static void check_right(const struct route *route, const json_t *operation)
{
    static const char *const beyond[] = {"host", "anybody", "person"};
    const char *role =
        route->least < ROLE_COUNT ? role_slug(route->least) : beyond[route->least - ROLE_COUNT];
    const char *said = json_string_value(json_object_get(operation, "x-role"));
    const char *area = json_string_value(json_object_get(operation, "x-area"));
    assert_string_equal(said != NULL ? said : "anybody", role);
    assert_string_equal(area != NULL ? area : "", route->area == AREA_SELF ? "" : area_slug(route->area));
}

static void check_parameters(const struct route *route, const json_t *operation)
{
    size_t i;
    size_t said = 0;
    json_t *parameter;
    if (strcmp(route->parameters, "*") == 0)
        return; /* somebody else's, of which the file names those that matter */
    json_array_foreach(json_object_get(operation, "parameters"), i, parameter)
    {
        const char *name = json_string_value(json_object_get(parameter, "name"));
        if (strcmp(json_string_value(json_object_get(parameter, "in")), "query") != 0)
            continue;
        if (!route_takes(route, name))
            fail_msg("%s: the server does not take the parameter %s", route->operation, name);
        said++;
    }
    size_t taken = route->parameters[0] != '\0';
    for (const char *from = route->parameters; *from != '\0'; from++)
        taken += *from == ' ';
    if (said != taken)
        fail_msg("%s: docs/openapi.json lacks a parameter of \"%s\"", route->operation, route->parameters);
}

static void every_route_is_in_the_file(void **state)
{
    (void)state;
    for (size_t i = 0; route_at(i) != NULL; i++) {
        const struct route *route = route_at(i);
        const json_t *operation = operation_of(route);
        char status[8];
        if (operation == NULL)
            fail_msg("docs/openapi.json lacks %s %s (%s)", route->method, route->pattern, route->operation);
        assert_string_equal(json_string_value(json_object_get(operation, "operationId")), route->operation);
        check_right(route, operation);
        check_parameters(route, operation);
        snprintf(status, sizeof status, "%d", route->success);
        if (json_object_get(json_object_get(operation, "responses"), status) == NULL)
            fail_msg("%s: docs/openapi.json lacks its status %s", route->operation, status);
    }
}

static void every_operation_of_the_file_is_a_route(void **state)
{
    (void)state;
    const char *path;
    const char *method;
    json_t *methods;
    json_t *operation;
    json_object_foreach(json_object_get(document, "paths"), path, methods)
    {
        json_object_foreach(methods, method, operation)
        {
            const char *id = json_string_value(json_object_get(operation, "operationId"));
            size_t i = 0;
            while (route_at(i) != NULL && operation_of(route_at(i)) != operation)
                i++;
            if (route_at(i) == NULL)
                fail_msg("the server has no route for %s %s (%s)", method, path, id);
        }
    }
}

static void every_operation_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; route_at(i) != NULL; i++) {
        for (size_t j = i + 1; route_at(j) != NULL; j++)
            assert_string_not_equal(route_at(i)->operation, route_at(j)->operation);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_in_the_file),
        cmocka_unit_test(every_operation_of_the_file_is_a_route),
        cmocka_unit_test(every_operation_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
