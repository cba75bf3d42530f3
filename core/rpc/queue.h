/* The endpoint's transmit queue: messages in the order they go out, each behind a u16 length.
 *
 *     queue      [ message | message | ... | message being written      ]     no handler runs
 *     queue      [ message | message | ... | results being written      ]     a handler runs
 *     queue      [ message | ... | message being written |   | results  ]     it opened a call of its own
 *
 * While a handler runs, its results grow behind the last message. When it opens a message of its own, what it
 * wrote so far is parked at the far end of the buffer, and comes back behind that message at the commit. So
 * a handler may call before, between and after it writes results, and neither can damage the other; room for
 * the answer's head is reserved before the handler runs. */
#ifndef TANDEM_CORE_RPC_QUEUE_H
#define TANDEM_CORE_RPC_QUEUE_H

#include "tandem/rpc.h"

/* Starts a message behind the last one. TDM_E_ROOM if not even head_bytes fit. */
TDM_MUST_USE int tdm__queue_open(struct tdm_endpoint *ep, struct tdm_writer *message, size_t head_bytes);

/* Queues the message that tdm__queue_open started. TDM_OK; TDM_E_ROOM if a field did not fit; TDM_E_STATE if
 * the queue changed since it was opened. In each case the writer is closed. */
TDM_MUST_USE int tdm__queue_commit(struct tdm_endpoint *ep, struct tdm_writer *message);

/* Gives up the message that tdm__queue_open started. */
void tdm__queue_abandon(struct tdm_endpoint *ep, struct tdm_writer *message);

/* Starts a RESULT with this head; tdm__queue_commit queues it. TDM_E_ROOM if the head does not fit. */
TDM_MUST_USE int tdm__result_open(struct tdm_endpoint *ep, struct tdm_writer *message, uint16_t msg_id,
                                  uint8_t status);

/* Starts the RESULT of the handler that is about to run; *results belongs to the queue until the handler
 * answers. TDM_E_ROOM if the head does not fit. */
TDM_MUST_USE int tdm__handler_open(struct tdm_endpoint *ep, struct tdm_writer *results, uint16_t msg_id);

/* The handler is through: queues its answer, unless the queue was reset meanwhile. */
void tdm__handler_answer(struct tdm_endpoint *ep, struct tdm_writer *results, uint8_t status);

/* The handler is through and answers later: what it wrote is dropped. */
void tdm__handler_later(struct tdm_endpoint *ep);

/* Drops all messages, and the results being written. A frame that is cut short by it is resynchronized. */
void tdm__queue_reset(struct tdm_endpoint *ep);

#endif
