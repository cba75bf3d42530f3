/* What the API, reports, metrics and the timeline call what records enumerate. */
#ifndef TANDEM_CLOUD_WORDS_H
#define TANDEM_CLOUD_WORDS_H

#include "cloud/store/records.h"

const char *status_slug(enum target_status status);
/* For people. */
const char *status_text(enum target_status status);
const char *status_form_slug(enum form_kind form);
const char *status_stage_slug(enum target_stage stage);
/* TARGET_STAGE_NONE for a stage that a report cannot have. */
enum target_stage status_stage_parse(const char *slug);

const char *shipment_state_slug(enum shipment_state state);
const char *shipment_condition_slug(enum shipment_condition condition);

#endif
