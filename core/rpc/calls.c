/* Every call of both interfaces as a table. A file of its own, so that firmware that does not ask for it does
 * not carry its 3 KB. */
#include "tandem/rpc.h"

static const struct tdm_call_info calls[] = {
#define NCP_ROW(uid, id, name, arguments, results, timeout) {uid, name, arguments, results, timeout, true},
#define MCU_ROW(uid, id, name, arguments, results, timeout) {uid, name, arguments, results, timeout, false},
    TDM_NCP_CALLS(NCP_ROW) TDM_MCU_CALLS(MCU_ROW)
#undef NCP_ROW
#undef MCU_ROW
};

static const size_t calls_count = sizeof calls / sizeof calls[0];

const struct tdm_call_info *tdm_call_info(uint16_t uid)
{
    for (size_t i = 0; i < calls_count; i++)
        if (calls[i].uid == uid)
            return &calls[i];
    return NULL;
}

const struct tdm_call_info *tdm_call_table(size_t *count)
{
    *count = calls_count;
    return calls;
}
