/* Who asks: what the sign-in or the token of a request amounts to. */
#ifndef TANDEM_CLOUD_CALLER_H
#define TANDEM_CLOUD_CALLER_H

#include "cloud/people/role.h"
#include "cloud/store/records.h"

/* All zero is nobody. */
struct caller {
    int64_t organization;
    int64_t account;
    int64_t session; /* 0: by token */
    int64_t token;   /* 0: by session */
    int64_t ends;    /* the token's own end, 0 without */
    enum role role;
    uint32_t areas;
    bool once; /* signed in with a one-time password, which must be changed first */
    char login[RECORD_LOGIN];
};

#endif
