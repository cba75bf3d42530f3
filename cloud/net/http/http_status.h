/* The statuses that the server answers with, and their usual phrases. */
#ifndef TANDEM_CLOUD_HTTP_STATUS_H
#define TANDEM_CLOUD_HTTP_STATUS_H

/* X(STATUS, PHRASE) */
#define HTTP_STATUSES(X)                                                                                     \
    X(101, "Switching Protocols")                                                                            \
    X(200, "OK")                                                                                             \
    X(201, "Created")                                                                                        \
    X(202, "Accepted")                                                                                       \
    X(204, "No Content")                                                                                     \
    X(206, "Partial Content")                                                                                \
    X(302, "Found")                                                                                          \
    X(303, "See Other")                                                                                      \
    X(304, "Not Modified")                                                                                   \
    X(400, "Bad Request")                                                                                    \
    X(401, "Unauthorized")                                                                                   \
    X(403, "Forbidden")                                                                                      \
    X(404, "Not Found")                                                                                      \
    X(405, "Method Not Allowed")                                                                             \
    X(408, "Request Timeout")                                                                                \
    X(409, "Conflict")                                                                                       \
    X(410, "Gone")                                                                                           \
    X(411, "Length Required")                                                                                \
    X(412, "Precondition Failed")                                                                            \
    X(413, "Content Too Large")                                                                              \
    X(414, "URI Too Long")                                                                                   \
    X(415, "Unsupported Media Type")                                                                         \
    X(416, "Range Not Satisfiable")                                                                          \
    X(422, "Unprocessable Content")                                                                          \
    X(426, "Upgrade Required")                                                                               \
    X(428, "Precondition Required")                                                                          \
    X(429, "Too Many Requests")                                                                              \
    X(431, "Request Header Fields Too Large")                                                                \
    X(500, "Internal Server Error")                                                                          \
    X(501, "Not Implemented")                                                                                \
    X(503, "Service Unavailable")                                                                            \
    X(505, "HTTP Version Not Supported")                                                                     \
    X(507, "Insufficient Storage")

/* "Unknown" for another one. */
const char *http_reason(int status);

#endif
