/* The store: who did what. Rows are only added: the database itself refuses to change or remove them. */
#ifndef TANDEM_CLOUD_STORE_AUDIT_H
#define TANDEM_CLOUD_STORE_AUDIT_H

#include "cloud/store/store.h"

#define AUDIT_ACTION 40
#define AUDIT_DETAIL 512

struct audit {
    int64_t id;
    int64_t organization;
    int64_t time;
    int64_t account; /* 0: nobody who is known */
    int64_t token;   /* 0: by session */
    char login[RECORD_LOGIN];
    char address[RECORD_ADDRESS];
    char action[AUDIT_ACTION]; /* a route's operation */
    char subject[24];          /* the id of what it was done to, "" none */
    char detail[AUDIT_DETAIL]; /* JSON: what was asked, without secrets */
    bool done;                 /* or refused */
};

TDM_MUST_USE int store_audit_add(struct store *store, struct audit *audit);
/* Of an organization, of this account (0: any), newest first, older than page.after (0: from the newest). */
TDM_MUST_USE int store_audits(struct store *store, int64_t organization, int64_t account, struct page page,
                              struct audit **audits, size_t *count);

#endif
