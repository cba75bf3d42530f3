/* Members of JSON objects. */
#ifndef CLI_MEMBER_H
#define CLI_MEMBER_H

#include <jansson.h>

/* The member called path of object, "." steps into a member; NULL if there is none. */
const json_t *member_find(const json_t *object, const char *path);
/* The same as a text, "" where it is none; as a number, 0 where it is none. */
const char *member_text(const json_t *object, const char *path);
json_int_t member_number(const json_t *object, const char *path);

#endif
