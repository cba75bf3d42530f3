/* An endpoint under test, with a record of what happened to it. */
#ifndef TANDEM_TESTS_CORE_RPC_PEER_H
#define TANDEM_TESTS_CORE_RPC_PEER_H

#include "tandem/rpc.h"

enum { PEER_BUFFER_BYTES = 256, PEER_CALLS = 4 };

struct peer;
typedef int peer_handler(struct peer *p, uint16_t uid, uint16_t msg_id, struct tdm_reader *args,
                         struct tdm_writer *results, uint32_t now_ms);
typedef void peer_hook(struct peer *p, uint32_t now_ms);

struct peer {
    struct tdm_endpoint ep;
    uint8_t rx[PEER_BUFFER_BYTES], tx[PEER_BUFFER_BYTES];
    peer_handler *handle; /* NULL: every call is unknown */
    peer_hook *on_done;
    struct tdm_call calls[PEER_CALLS];
    unsigned served, done;
    int error; /* of the last call that ended, as are status and answer */
    uint8_t status;
    bool answer;
    uint16_t msg_id; /* of the last call served */
};

void peer_start(struct peer *p, peer_handler *handle);
void peer_start_with(struct peer *p, peer_handler *handle, size_t tx_bytes);

/* tdm_endpoint_call with p->calls[i]; what becomes of it is recorded in p. */
int peer_call(struct peer *p, unsigned i, uint16_t uid, uint32_t timeout_ms, uint32_t now_ms);
tdm_done_fn peer_done;

/* Bytes arrive; all that was to be sent is exactly these bytes. */
void peer_give(struct peer *p, const void *wire, size_t count, uint32_t now_ms);
void peer_expect(struct peer *p, const void *wire, size_t count);

#define GIVE(p, literal, now_ms) peer_give(p, literal, sizeof(literal) - 1, now_ms)
#define EXPECT(p, literal)       peer_expect(p, literal, sizeof(literal) - 1)

/* Carries what waits at either side to the other until both are silent. */
void peer_exchange(struct peer *a, struct peer *b, uint32_t now_ms);

/* Answers true, if there are no arguments. */
peer_handler peer_says_true;

#endif
