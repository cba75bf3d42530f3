/* Counts what arrives on a line. A file of its own: who does not count pays nothing. */
#include "tandem/frame.h"

void tdm_frame_count(struct tdm_frame_counters *counters, int pushed)
{
    switch (pushed) {
    case TDM_FRAME_BAD_CRC:
        counters->bad_crc++;
        break;
    case TDM_FRAME_OVERSIZED:
        counters->oversized++;
        break;
    case TDM_FRAME_CUT_SHORT:
        counters->cut_short++;
        break;
    case TDM_FRAME_NOISE:
        counters->noise++;
        break;
    default:
        counters->frames += pushed > 0;
        break;
    }
}
